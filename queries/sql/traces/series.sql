-- A value over time.
-- param :name TEXT = ''  which series; none: all of them
-- param :limit INTEGER = 1000  most rows to show
-- column name  live_bytes, rss_bytes …
-- column t  seconds from the start of the record; positions where the input has no clock
-- column value  at that moment
-- column unit  bytes or count
SELECT name, t, value, unit FROM series WHERE :name = '' OR name = :name
ORDER BY name, t LIMIT :limit;
