-- What happened to orders: translate the status codes of your system. Only the first of each kind
-- counts for an order. A status that is not listed here is left out on purpose; add it if it matters.
SELECT _file, _row,
       order_no AS order_id,
       CASE status
         WHEN 'RELEASED' THEN 'order_validated'      -- credit and price checks passed
         WHEN 'ALLOCATED' THEN 'allocation_confirmed'
         WHEN 'PICK' THEN 'pick_released'
         WHEN 'SHIPPED' THEN 'shipment_dispatched'   -- handed to the carrier
         WHEN 'POD' THEN 'delivered'                 -- proof of delivery, last line
         WHEN 'CANCELLED' THEN 'order_cancelled'
         WHEN 'INVOICED' THEN 'invoice_posted'
       END AS milestone,
       status_at AS event_time,
       recorded_at AS record_time,
       ship_by AS due_by                             -- a deadline set for the next step, if any
FROM shipments
WHERE status IN ('RELEASED', 'ALLOCATED', 'PICK', 'SHIPPED', 'POD', 'CANCELLED', 'INVOICED')
