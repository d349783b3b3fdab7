-- Every metric that a gate can use.
-- column name  as in heap-gate.ini and the design
-- column value  number
-- column unit  bytes, count, percent, ratio, ms
SELECT name, value, unit
FROM metric
WHERE snapshot_id = 1
ORDER BY name;
