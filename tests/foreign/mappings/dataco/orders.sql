-- One row an order: the facts of the order are the same on each of its lines.
SELECT min(_file) AS _file, min(_row) AS _row,
       "Order Id" AS order_id,
       any_value(strptime("order date (DateOrders)", '%m/%d/%Y %H:%M')) AS event_time,
       any_value(strptime("order date (DateOrders)", '%m/%d/%Y %H:%M')
         + to_days("Days for shipment (scheduled)"::INTEGER)) AS promised_by,
       any_value("Customer Id") AS customer_id,
       any_value("Customer Segment") AS customer_tier,
       any_value("Market") AS channel,
       any_value("Type") AS payment_method,
       any_value("Order Region") AS destination_region,
       any_value("Order Country") AS destination_area,
       any_value("Shipping Mode") AS service
FROM items
GROUP BY "Order Id"
