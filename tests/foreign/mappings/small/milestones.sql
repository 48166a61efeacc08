-- Nothing but deliveries.
SELECT _file, _row, number AS order_id, 'delivered' AS milestone, delivered AS event_time
FROM orders WHERE delivered IS NOT NULL
