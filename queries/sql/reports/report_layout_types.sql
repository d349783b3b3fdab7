-- Types and what their layout costs, most wasted first.
SELECT t.id, t.name, t.source, t.size, t.alignment, t.header_bytes, t.hole_count, t.hole_bytes, t.padding_bytes,
  t.reordered_size, t.reordering, t.instance_count, t.instance_bytes, t.nested_count, t.block_count, t.usable_bytes,
  t.requested_bytes, t.wasted_bytes, t.line_count, t.straddling_count, t.saved_bytes, t.bit_hole_bits
FROM type_layout AS t
ORDER BY t.wasted_bytes DESC, t.id;
