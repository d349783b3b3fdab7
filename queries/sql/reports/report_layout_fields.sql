-- Members of types, and what their values are.
SELECT f.type_id, f.name, f.type, f.offset, f.size, f.bit_offset, f.bit_size, f.hole_bytes, f.value_count, f.zero_count,
  f.common_value, f.common_count, f.smallest, f.largest, f.needed_bits, f.kind
FROM type_field AS f
ORDER BY f.type_id, f.ordinal;
