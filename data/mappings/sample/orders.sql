-- One row an order. earliest_dt is set for orders placed for a later day. The carrier and service are booked with it; a blank recorded_at means "at once".
SELECT
    o.order_no                                      AS order_id,
    o.order_ts                                      AS event_time,
    coalesce(o.recorded_at, o.order_ts)             AS record_time,
    o.promise_dt                                    AS promised_by,
    o.earliest_dt                                   AS not_before,
    o.ship_by_dt || ' 18:00'                        AS ship_by,
    o.cust_no                                       AS customer_id,
    c.cust_name                                     AS customer_name,
    c.cust_class                                    AS customer_tier,
    o.order_channel                                 AS channel,
    'USD'                                           AS currency,
    c.ship_to_state                                 AS destination_region,
    c.ship_to_zip3                                  AS destination_area,
    c.ship_to_lat                                   AS destination_latitude,
    c.ship_to_lon                                   AS destination_longitude,
    o.carrier                                       AS carrier,
    o.service_level                                 AS service,
    o.delivery_prio                                 AS priority,
    o.route_days                                    AS transit_days,
    o._file,
    o._row
FROM orders AS o
LEFT JOIN customers AS c ON c.cust_no = o.cust_no
