-- One row an order line. `site` is whatever ships it: a warehouse, a 3PL, a supplier.
SELECT _file, _row,
       order_no AS order_id,
       line AS line_no,
       item_no AS sku,
       qty AS quantity,
       net_price AS unit_price,
       list_price,
       item_group AS category,
       warehouse AS site,
       warehouse_region AS site_region,
       try_cast(weight_g AS DOUBLE) / 1000 AS weight_kg
       -- as valid on the day of the order: contract_price, former_contract_price, promotion_price, volume_price
       -- also: case_quantity, freight, site_area, site_latitude, site_longitude, volume_l,
       -- substitute_sku (another product that does the same)
FROM order_lines
