-- Two records an inbound delivery: ordered, known at once because the company ordered it; received, known
-- with the batch of the night that follows, for the extract does not say when a receipt was booked.
-- A delivery counts as overdue from the end of its expected day.
SELECT
    p.po_no      AS supply_id,
    'ordered'    AS phase,
    p.ordered_at AS event_time,
    p.ordered_at AS record_time,
    p.item_no    AS sku,
    p.whse       AS site,
    p.qty        AS quantity,
    strftime(p.expected_dt::DATE + INTERVAL 1 DAY, '%Y-%m-%d %H:%M') AS expected_by,
    p.vendor_no  AS vendor,
    p._file,
    p._row
FROM purchase_orders AS p
UNION ALL
SELECT
    p.po_no, 'received', p.received_at,
    strftime(date_trunc('day', p.received_at::TIMESTAMP) + INTERVAL 1 DAY, '%Y-%m-%d %H:%M'),
    p.item_no, p.whse, p.qty, NULL, p.vendor_no, p._file, p._row
FROM purchase_orders AS p
CROSS JOIN this_extract AS x
WHERE date_trunc('day', p.received_at::TIMESTAMP) + INTERVAL 1 DAY
    <= timezone('America/Chicago', x.extracted_at)
