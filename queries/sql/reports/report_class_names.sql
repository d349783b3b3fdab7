-- Names of the classes that class objects stand for.
SELECT object_id, name FROM class WHERE object_id IS NOT NULL;
