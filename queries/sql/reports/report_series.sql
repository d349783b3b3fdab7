-- One series, by time.
-- param :name TEXT  of the series
SELECT t, value FROM series WHERE name = :name ORDER BY t;
