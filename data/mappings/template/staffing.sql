-- Hours of work on the floor of a site on a day: of its roster, or of time clocks; not of both.
SELECT _file, _row,
       warehouse AS site,
       begins_at AS event_time,         -- when that day's work begins
       known_at AS record_time,         -- when the hours were known; a day is told as it begins
       hours
FROM shifts
