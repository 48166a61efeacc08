-- Stock of an item at a site, as each snapshot reported it.
SELECT _file, _row,
       item_no AS sku,
       warehouse AS site,
       counted_at AS event_time,
       received_at AS record_time,      -- snapshots that arrive in the morning are known then
       on_hand,
       reserved AS allocated
FROM inventory
