-- When the snapshot was taken, Unix time in milliseconds, and what recorded it.
SELECT taken_at, format FROM snapshot WHERE id = 1;
