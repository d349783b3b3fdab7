-- Growth of series, the primary one first, then by name.
SELECT g.name, g.verdict, g.unit, g.per_hour, g.per_hour_low, g.per_hour_high, g.percent_per_hour, g.p, g.tau, g.r2,
  g.first_value, g.last_value, g.seconds, g.point_count, g.window_count, g.hours_to_limit, g.is_primary
FROM growth AS g WHERE g.subject = 'series'
ORDER BY g.is_primary DESC, g.name;
