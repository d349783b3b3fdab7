-- Every metric.
SELECT name, value, unit FROM metric WHERE snapshot_id = 1 ORDER BY name;
