-- Hours of work on the floor of a site on a day, from a roster or from time clocks.
SELECT _file, _row,
       warehouse AS site,
       begins_at AS event_time,         -- when that day's work begins
       known_at AS record_time,         -- when the hours were known: a roster before, clocks after
       hours
FROM shifts
