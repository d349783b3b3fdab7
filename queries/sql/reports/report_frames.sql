-- Frames of one stack, innermost first.
-- param :stack INTEGER  thread.stack_id
SELECT id, function, file, line FROM frame WHERE stack_id = :stack ORDER BY depth LIMIT 200;
