-- Two records an exception: raised, as its source told it; resolved, where it was closed.
-- The extract does not say when a closing became known: it counts as known with the batch of the night
-- that follows it, at midnight, and never earlier. A closing of the extract's own day is not known yet.
SELECT
    e.exc_no        AS exception_id,
    'raised'        AS phase,
    e.raised_at     AS event_time,
    coalesce(e.recorded_at, e.raised_at) AS record_time,
    e.order_no      AS order_id,
    e.source_system AS source,
    e.code          AS code,
    e.message       AS text,
    NULL            AS disposition,
    e._file,
    e._row
FROM exceptions AS e
UNION ALL
SELECT
    e.exc_no, 'resolved', e.closed_at,
    strftime(date_trunc('day', e.closed_at::TIMESTAMP) + INTERVAL 1 DAY, '%Y-%m-%d %H:%M'),
    e.order_no, e.source_system, e.code, NULL, e.closed_as, e._file, e._row
FROM exceptions AS e
CROSS JOIN this_extract AS x
WHERE date_trunc('day', e.closed_at::TIMESTAMP) + INTERVAL 1 DAY
    <= timezone('America/Chicago', x.extracted_at)
