-- What grows and how fast: series, and sites or classes over a series of records.
-- param :limit INTEGER = 25  most rows to show
-- column subject  series, site or class
-- column what  the series or class, or the function of the site
-- column verdict  LEAKING, WARMING UP, STEP, STABLE or INSUFFICIENT DATA
-- column per_hour  Theil-Sen slope of the lower envelope; NULL = the input has no clock
-- column per_hour_low  of its 95 % interval
-- column per_hour_high  of its 95 % interval
-- column percent_per_hour  of the value at the beginning; NULL where it began at nothing
-- column unit  of the values
-- column q  p value, adjusted for the number of sites that were compared
-- column r2  of a straight line, 0 to 1
-- column first_value  at the beginning
-- column last_value  at the end
-- column points  moments
-- column site_id  NULL for series
SELECT g.subject, coalesce(g.name, s.function, '(unknown)') AS what, g.verdict, round(g.per_hour) AS per_hour,
  round(g.per_hour_low) AS per_hour_low, round(g.per_hour_high) AS per_hour_high,
  round(g.percent_per_hour, 2) AS percent_per_hour, g.unit, g.q, round(g.r2, 4) AS r2, g.first_value, g.last_value,
  g.point_count AS points, g.site_id
FROM growth AS g LEFT JOIN site AS s ON s.id = g.site_id
ORDER BY g.is_primary DESC, g.subject <> 'series', coalesce(g.per_hour, g.last_value - g.first_value) DESC, g.name,
  g.site_id
LIMIT :limit;
