-- Stock as of its last change of the day, sent in each site's nightly batch.
SELECT
    v.item_no       AS sku,
    v.whse          AS site,
    v.counted_at    AS event_time,
    coalesce(v.recorded_at, v.counted_at) AS record_time,
    v.on_hand_qty   AS on_hand,
    v.allocated_qty AS allocated,
    v._file,
    v._row
FROM inventory AS v
