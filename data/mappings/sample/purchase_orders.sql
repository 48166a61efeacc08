-- Two records an inbound delivery: ordered, known at once because the company ordered it; received, known
-- once the receipt was booked: within the hour, from a 3PL with its batch of the next morning.
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
    p.po_no, 'received', p.received_at, p.booked_at,
    p.item_no, p.whse, p.qty, NULL, p.vendor_no, p._file, p._row
FROM purchase_orders AS p
WHERE p.booked_at IS NOT NULL
