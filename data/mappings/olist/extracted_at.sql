-- The source does not say when it was taken: the end of the (local) day of its latest fact.
-- The promise and the shipping limit lie in the future and do not count.
SELECT date_trunc('day', greatest(
         max(try_cast(order_purchase_timestamp AS TIMESTAMP)),
         max(try_cast(order_approved_at AS TIMESTAMP)),
         max(try_cast(order_delivered_carrier_date AS TIMESTAMP)),
         max(try_cast(order_delivered_customer_date AS TIMESTAMP))
       ))::TIMESTAMP + INTERVAL 1 DAY AS extracted_at
FROM orders
