-- The order to the vendor validates; a delivery is known when it was recorded.
SELECT _file, _row, "ID" AS order_id, 'order_validated' AS milestone,
       try_strptime("PO Sent to Vendor Date", '%m/%d/%y') AS event_time, NULL AS record_time
FROM deliveries
WHERE try_strptime("PO Sent to Vendor Date", '%m/%d/%y') IS NOT NULL

UNION ALL
SELECT _file, _row, "ID", 'delivered',
       try_strptime("Delivered to Client Date", '%d-%b-%y'),
       try_strptime("Delivery Recorded Date", '%d-%b-%y')
FROM deliveries
