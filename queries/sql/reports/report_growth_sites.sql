-- Growth of sites or classes over a series of records, most bytes per hour (or most rise) first.
-- param :subject TEXT  site or class
SELECT g.site_id, coalesce(g.name, s.function, '(unknown)') AS function, s.file, s.line, s.module, g.verdict, g.per_hour,
  g.per_hour_low, g.per_hour_high, g.q, g.tau, g.first_value, g.last_value, g.point_count
FROM growth AS g LEFT JOIN site AS s ON s.id = g.site_id
WHERE g.subject = :subject
ORDER BY coalesce(g.per_hour, g.last_value - g.first_value) DESC, g.site_id;
