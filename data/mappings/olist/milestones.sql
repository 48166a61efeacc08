-- The source records no time at which it learned of something: record_time = event_time.
WITH ship_limit AS (
  -- The order is due at the carrier when its last line is. Not known before approval.
  SELECT order_id, max(try_cast(shipping_limit_date AS TIMESTAMP)) AS due_by
  FROM items
  GROUP BY order_id
)
SELECT o._file, o._row, o.order_id, 'order_validated' AS milestone,
       o.order_approved_at::VARCHAR AS event_time,
       -- Some limits lie years ahead, a known flaw of the source: more than 60 days after approval
       -- counts as no limit.
       CASE WHEN l.due_by <= try_cast(o.order_approved_at AS TIMESTAMP) + INTERVAL 60 DAY
            THEN l.due_by::VARCHAR END AS due_by
FROM orders o
LEFT JOIN ship_limit l ON l.order_id = o.order_id
WHERE o.order_approved_at IS NOT NULL

UNION ALL
SELECT _file, _row, order_id, 'shipment_dispatched', order_delivered_carrier_date::VARCHAR, NULL
FROM orders
WHERE order_delivered_carrier_date IS NOT NULL

UNION ALL
SELECT _file, _row, order_id, 'delivered', order_delivered_customer_date::VARCHAR, NULL
FROM orders
WHERE order_delivered_customer_date IS NOT NULL

UNION ALL
-- A cancelled order carries no date of it: it is known only from the moment the extract was taken.
SELECT _file, _row, order_id, 'order_cancelled', e.extracted_at::VARCHAR, NULL
FROM orders, this_extract e
WHERE order_status IN ('canceled', 'unavailable')
