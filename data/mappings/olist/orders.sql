-- One row an order. Columns that are left out (carrier, service, customer tier) are not known here.
WITH payment AS (
  -- Several payments an order: the method is the one that paid most, and on a tie the first in line.
  SELECT order_id,
         arg_max(payment_type, (try_cast(payment_value AS DOUBLE), -try_cast(payment_sequential AS INTEGER)))
           AS payment_method,
         max(try_cast(payment_installments AS INTEGER)) AS payment_installments
  FROM payments
  GROUP BY order_id
),
place AS (
  -- Many rows a zip prefix, some of them outside Brazil: the mean of those inside its bounding box.
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
SELECT o._file, o._row,
       o.order_id,
       o.order_purchase_timestamp AS event_time,
       o.order_estimated_delivery_date AS promised_by,
       c.customer_unique_id AS customer_id,  -- customer_id of the source is new for each order
       'marketplace' AS channel,
       payment.payment_method,
       payment.payment_installments,
       c.customer_state AS destination_region,
       left(lpad(c.customer_zip_code_prefix::VARCHAR, 5, '0'), 3) AS destination_area,
       place.latitude AS destination_latitude,
       place.longitude AS destination_longitude
FROM orders o
LEFT JOIN customers c ON c.customer_id = o.customer_id
LEFT JOIN payment ON payment.order_id = o.order_id
LEFT JOIN place ON place.zip = lpad(c.customer_zip_code_prefix::VARCHAR, 5, '0')
