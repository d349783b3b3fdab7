-- Live bytes over time.
-- param :limit INTEGER = 1000  most rows to show
-- column t  seconds from the start of the record; positions where the input has no clock
-- column live_bytes  at that moment
SELECT t, value AS live_bytes FROM series WHERE name = 'live_bytes' ORDER BY t LIMIT :limit;
