-- Where the code allocates: calls of operator new and malloc, with the size that they ask for and what is built there.
-- param :class TEXT = %  class that is built; % and _ as in LIKE
-- param :limit INTEGER = 100  most rows to show
-- column class  what is built, NULL = not known, or not in this heap
-- column size  bytes asked for, NULL = not a constant
-- column block_count  blocks of the class that have this size
-- column function  that allocates
-- column allocator  what it calls
-- column module  file of the function
-- column address  of the call
SELECT c.name AS class, s.size, s.block_count, s.function, s.allocator, s.module, printf('0x%x', s.address) AS address
FROM allocation_site_code AS s LEFT JOIN class AS c ON c.id = s.class_id
WHERE :class = '%' OR c.name LIKE :class
ORDER BY s.block_count DESC, s.size DESC, s.address
LIMIT :limit;
