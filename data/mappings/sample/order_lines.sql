-- One row a line. Weight and volume are those of one unit; the list price is the item's.
SELECT
    l.order_no     AS order_id,
    l.line_no      AS line_no,
    l.item_no      AS sku,
    l.qty          AS quantity,
    l.unit_price   AS unit_price,
    i.list_price   AS list_price,
    i.item_group   AS category,
    l.ship_from    AS site,
    s.state        AS site_region,
    s.zip3         AS site_area,
    s.lat          AS site_latitude,
    s.lon          AS site_longitude,
    i.unit_kg      AS weight_kg,
    i.unit_litres  AS volume_l,
    l._file,
    l._row
FROM order_lines AS l
LEFT JOIN items AS i ON i.item_no = l.item_no
LEFT JOIN sites AS s ON s.whse = l.ship_from
