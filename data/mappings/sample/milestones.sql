-- The ERP's event codes in canonical words. A code that is not listed stays as it is and is
-- quarantined; so is what a carrier's file repeats.
SELECT
    m.order_no AS order_id,
    CASE m.event_code
        WHEN 'CREDIT_OK' THEN 'order_validated'
        WHEN 'ALLOC'     THEN 'allocation_confirmed'
        WHEN 'PICK_REL'  THEN 'pick_released'
        WHEN 'SHIP_CONF' THEN 'shipment_dispatched'
        WHEN 'POD'       THEN 'delivered'
        WHEN 'INV'       THEN 'invoice_posted'
        WHEN 'CANCEL'    THEN 'order_cancelled'
        ELSE m.event_code
    END AS milestone,
    m.event_ts AS event_time,
    coalesce(m.recorded_at, m.event_ts) AS record_time,
    m._file,
    m._row
FROM milestones AS m
