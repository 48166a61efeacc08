-- One row a line. Weight and volume are those of one unit; the list price is the item's. What was agreed
-- (contract, the contract before, promotion, list with quantity breaks) is as of the day of the order.
WITH line AS (
    SELECT
        l.*, o.cust_no, o.order_channel, c.cust_class, i.item_group,
        try_cast(o.order_ts AS TIMESTAMP)::DATE AS day,
        p.price::DOUBLE                         AS listed
    FROM order_lines AS l
    LEFT JOIN orders AS o ON o.order_no = l.order_no
    LEFT JOIN customers AS c ON c.cust_no = o.cust_no
    LEFT JOIN items AS i ON i.item_no = l.item_no
    LEFT JOIN list_prices AS p ON p.sku = l.item_no
        AND try_cast(o.order_ts AS TIMESTAMP)::DATE BETWEEN p.valid_from::DATE AND p.valid_to::DATE
),
broken AS (
    SELECT l._file, l._row, max(b.off::DOUBLE) AS off
    FROM line AS l
    JOIN volume_breaks AS b ON b.category = l.item_group AND try_cast(l.qty AS DOUBLE) >= b.from_quantity::DOUBLE
    GROUP BY l._file, l._row
),
-- An item's own price in a contract goes before the discount of its group; `over` is the last period that ended.
term AS (
    SELECT customer, coalesce(sku, category) AS key, sku IS NOT NULL AS own, price::DOUBLE AS price,
           discount::DOUBLE AS discount, volume_breaks::BOOLEAN AS breaks,
           valid_from::DATE AS first, valid_to::DATE AS last
    FROM contracts
),
agreed AS (
    SELECT
        l._file, l._row, t.last < l.day AS over,
        max_by(
            coalesce(t.price, l.listed * (1 - t.discount) * (1 - if(t.breaks, coalesce(b.off, 0), 0))),
            (t.last, t.own)
        ) AS price
    FROM (SELECT *, unnest([item_no, item_group]) AS key FROM line) AS l
    JOIN term AS t ON t.customer = l.cust_no AND t.key = l.key AND t.first <= l.day
    LEFT JOIN broken AS b ON b._file = l._file AND b._row = l._row
    GROUP BY l._file, l._row, over
),
promoted AS (
    SELECT l._file, l._row, min(l.listed * (1 - t.off::DOUBLE)) AS price
    FROM (SELECT *, unnest([item_no, item_group]) AS key FROM line) AS l
    JOIN promotions AS t ON coalesce(t.sku, t.category) = l.key
        AND coalesce(t.channel, l.order_channel) = l.order_channel AND coalesce(t.tier, l.cust_class) = l.cust_class
        AND l.day BETWEEN t.valid_from::DATE AND t.valid_to::DATE
    GROUP BY l._file, l._row
)
SELECT
    l.order_no                                      AS order_id,
    l.line_no                                       AS line_no,
    l.item_no                                       AS sku,
    l.qty                                           AS quantity,
    l.unit_price                                    AS unit_price,
    i.list_price                                    AS list_price,
    round(now.price, 2)                             AS contract_price,
    round(before.price, 2)                          AS former_contract_price,
    round(d.price, 2)                               AS promotion_price,
    round(l.listed * (1 - coalesce(b.off, 0)), 2)   AS volume_price,
    i.case_qty                                      AS case_quantity,
    i.item_group                                    AS category,
    l.ship_from                                     AS site,
    s.state                                         AS site_region,
    s.zip3                                          AS site_area,
    s.lat                                           AS site_latitude,
    s.lon                                           AS site_longitude,
    i.unit_kg                                       AS weight_kg,
    i.unit_litres                                   AS volume_l,
    i.substitute_item                               AS substitute_sku,
    l._file,
    l._row
FROM line AS l
LEFT JOIN items AS i ON i.item_no = l.item_no
LEFT JOIN sites AS s ON s.whse = l.ship_from
LEFT JOIN broken AS b ON b._file = l._file AND b._row = l._row
LEFT JOIN agreed AS now ON now._file = l._file AND now._row = l._row AND NOT now.over
LEFT JOIN agreed AS before ON before._file = l._file AND before._row = l._row AND before.over
LEFT JOIN promoted AS d ON d._file = l._file AND d._row = l._row
