-- One series, by time.
SELECT t, value FROM series WHERE name = :name ORDER BY t;
