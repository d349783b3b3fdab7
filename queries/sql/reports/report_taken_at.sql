-- When the snapshot was taken, Unix time in milliseconds.
SELECT taken_at FROM snapshot WHERE id = 1;
