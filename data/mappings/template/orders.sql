-- One row an order, as it was FIRST confirmed. Give _file and _row through from the table: they say
-- where a rejected value came from. Values may stay text: they are cast and checked afterwards.
SELECT _file, _row,
       order_no AS order_id,
       entered_at AS event_time,        -- when it happened
       recorded_at AS record_time,      -- when we could have known; leave out if it is the same
       promised_date AS promised_by,    -- first promise; a later change of it is not a promise
       customer_no AS customer_id,
       customer_class AS customer_tier,
       lower(channel) AS channel,
       currency,
       ship_to_region AS destination_region,
       left(ship_to_postcode, 2) AS destination_area,
       carrier,
       service
       -- also: not_before (earliest day or moment at which work may begin), ship_by (deadline for the hand-over, if planned at once), priority (by which a site takes orders in turn; where codes begin with a number, smaller ones go first), transit_days (working days on the road by the table of the carrier or route), customer_name, payment_method, payment_installments, destination_latitude,
       -- destination_longitude
FROM orders
