-- The "shipping date" is the order date plus the real days of shipping: the arrival. A cancelled
-- order carries no date of it: it is known when the order would have arrived.
SELECT min(_file) AS _file, min(_row) AS _row,
       "Order Id" AS order_id,
       CASE WHEN any_value("Order Status") IN ('CANCELED', 'SUSPECTED_FRAUD') THEN 'order_cancelled'
            ELSE 'delivered' END AS milestone,
       any_value(strptime("shipping date (DateOrders)", '%m/%d/%Y %H:%M')) AS event_time
FROM items
GROUP BY "Order Id"
