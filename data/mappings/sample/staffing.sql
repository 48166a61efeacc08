-- Hours of work on the floor by site and day, as the time clocks tell them soon after the shift begins.
SELECT
    s.whse          AS site,
    s.shift_start   AS event_time,
    s.recorded_at   AS record_time,
    s.floor_hours   AS hours,
    s._file,
    s._row
FROM staffing AS s
