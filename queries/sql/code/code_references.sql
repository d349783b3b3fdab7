-- Who touches which variable: functions that write, read or pass on the data in which roots lie.
-- param :symbol TEXT = %  variable, as in `roots`; % and _ as in LIKE
-- param :limit INTEGER = 100  most rows to show
-- column symbol  variable, or module+offset
-- column access  read, write, read and write, address taken
-- column function  whose code it is
-- column module  file of the function
-- column address  of the first such instruction
-- column target  address that it uses
SELECT r.symbol, r.access, r.function, r.module, printf('0x%x', r.address) AS address,
  printf('0x%x', r.target) AS target
FROM code_reference AS r
WHERE r.symbol LIKE :symbol
ORDER BY r.symbol, r.target, CASE r.access WHEN 'write' THEN 0 WHEN 'read and write' THEN 1 WHEN 'address taken' THEN 2
  ELSE 3 END, r.function, r.address
LIMIT :limit;
