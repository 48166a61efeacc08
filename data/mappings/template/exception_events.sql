-- Two records an exception: raised, and resolved where it was closed. What has no time of its own for
-- "we knew" must not claim one: give the moment of the batch that brought it.
SELECT _file, _row,
       ticket AS exception_id,
       'raised' AS phase,
       opened_at AS event_time,
       received_at AS record_time,
       order_no AS order_id,            -- leave empty where it concerns no single order
       system AS source,
       code,
       regexp_replace(note, '\s+', ' ', 'g') AS text,  -- one line, 2000 characters at most
       NULL AS disposition              -- what it turned out to be is said by whoever closes it
FROM tickets
UNION ALL
SELECT _file, _row, ticket, 'resolved', closed_at, closing_received_at, order_no, system, code, NULL,
       turned_out
FROM tickets
WHERE closed_at IS NOT NULL
