-- One row an order.
SELECT _file, _row, number AS order_id, placed AS event_time, due AS promised_by
FROM orders
