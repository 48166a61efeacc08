-- Two records a delivery that is on its way to a site: ordered, and received once it is there. Give each
-- partial delivery an id of its own.
SELECT _file, _row,
       po_line AS supply_id,
       'ordered' AS phase,
       ordered_at AS event_time,
       ordered_at AS record_time,
       item_no AS sku,
       warehouse AS site,
       qty AS quantity,
       try_cast(expected_date AS DATE) + INTERVAL 1 DAY AS expected_by,  -- overdue from the end of that day
       supplier AS vendor
FROM purchase_lines
UNION ALL
SELECT _file, _row, po_line, 'received', received_at, received_at, item_no, warehouse, qty, NULL, supplier
FROM purchase_lines
WHERE received_at IS NOT NULL
