-- Titles of the leak suspects, for `heapql info`.
SELECT title FROM suspect ORDER BY retained_bytes DESC, id LIMIT 5;
