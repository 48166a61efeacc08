-- Weight and freight may be words; then they are not known.
SELECT _file, _row,
       "ID" AS order_id,
       1 AS line_no,
       "Item Description" AS sku,
       "Line Item Quantity" AS quantity,
       "Unit Price" AS unit_price,
       try_cast("Freight Cost (USD)" AS DOUBLE) AS freight,
       "Product Group" || ', ' || "Sub Classification" AS category,
       "Vendor" AS site,
       "Manufacturing Site" AS site_area,
       try_cast("Weight (Kilograms)" AS DOUBLE) / "Line Item Quantity"::DOUBLE AS weight_kg
FROM deliveries
