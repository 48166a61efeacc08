-- One row a shipment line. It begins with the quote that was sent to the client, else with the
-- order to the vendor; words such as "Date Not Captured" are no dates.
SELECT _file, _row,
       "ID" AS order_id,
       coalesce(try_strptime("PQ First Sent to Client Date", '%m/%d/%y'),
                try_strptime("PO Sent to Vendor Date", '%m/%d/%y'),
                -- neither was captured: the usual lead time before the delivery that was scheduled
                try_strptime("Scheduled Delivery Date", '%d-%b-%y') - INTERVAL 90 DAY) AS event_time,
       try_strptime("Scheduled Delivery Date", '%d-%b-%y') AS promised_by,
       "Project Code" AS customer_id,
       "Fulfill Via" AS channel,
       "Country" AS destination_region,
       "Shipment Mode" AS carrier,
       "Vendor INCO Term" AS service
FROM deliveries
