-- One row an order line. The source does not say which site ships.
SELECT _file, _row,
       "Order Id" AS order_id,
       row_number() OVER (PARTITION BY "Order Id" ORDER BY "Order Item Id"::BIGINT) AS line_no,
       "Product Card Id" AS sku,
       "Order Item Quantity" AS quantity,
       "Order Item Product Price" AS unit_price,
       "Category Name" AS category
FROM items
