-- One row a unit: the source repeats a product for each piece, so the quantity is always 1.
-- A seller is the site that ships.
WITH place AS (
  SELECT zip, avg(lat) AS latitude, avg(lng) AS longitude
  FROM (
    SELECT lpad(geolocation_zip_code_prefix::VARCHAR, 5, '0') AS zip,
           try_cast(geolocation_lat AS DECIMAL(12, 8)) AS lat,
           try_cast(geolocation_lng AS DECIMAL(12, 8)) AS lng
    FROM geolocation
  )
  WHERE lat BETWEEN -34 AND 6 AND lng BETWEEN -75 AND -28
  GROUP BY zip
)
SELECT i._file, i._row,
       i.order_id,
       i.order_item_id AS line_no,
       i.product_id AS sku,
       1 AS quantity,
       i.price AS unit_price,
       i.freight_value AS freight,
       coalesce(t.product_category_name_english, p.product_category_name) AS category,
       i.seller_id AS site,
       s.seller_state AS site_region,
       left(lpad(s.seller_zip_code_prefix::VARCHAR, 5, '0'), 3) AS site_area,
       place.latitude AS site_latitude,
       place.longitude AS site_longitude,
       try_cast(p.product_weight_g AS DOUBLE) / 1000 AS weight_kg,
       try_cast(p.product_length_cm AS DOUBLE) * try_cast(p.product_height_cm AS DOUBLE)
         * try_cast(p.product_width_cm AS DOUBLE) / 1000 AS volume_l
FROM items i
LEFT JOIN products p ON p.product_id = i.product_id
LEFT JOIN categories t ON t.product_category_name = p.product_category_name
LEFT JOIN sellers s ON s.seller_id = i.seller_id
LEFT JOIN place ON place.zip = lpad(s.seller_zip_code_prefix::VARCHAR, 5, '0')
