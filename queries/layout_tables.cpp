#include "queries/layout_tables.h"

#include "queries/small_tables.h"

namespace queries {

void write_layout_rows(sqlite3* connection, const std::string& path, const LayoutRows& layout) {
  const auto text = [&](std::uint32_t number) { return known_if(number != 0, std::string_view(layout.texts[number])); };
  Inserter type(connection, path,
                "INSERT INTO type_layout VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  std::int64_t id = 0;
  for (const TypeLayoutRow& row : layout.types) {
    const bool has_blocks = row.block_count != 0;
    type.insert(id++, text(row.name), text(row.source), row.class_id, known_if(row.size != 0, row.size),
                known_if(row.alignment != 0, row.alignment), not_negative(row.header_bytes),
                not_negative(row.hole_count), not_negative(row.hole_bytes), not_negative(row.padding_bytes),
                not_negative(row.bit_hole_bits), known_if(row.reordered_size != 0, row.reordered_size),
                text(row.reordering), row.instance_count, row.instance_bytes, row.nested_count, row.block_count,
                known_if(has_blocks, row.usable_bytes), known_if(has_blocks, row.requested_bytes),
                not_negative(row.wasted_bytes), known_if(row.line_count != 0, row.line_count),
                known_if(row.line_count != 0, row.straddling_count), row.saved_bytes);
  }
  Inserter field(connection, path, "INSERT INTO type_field VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  for (const TypeFieldRow& row : layout.fields) {
    const bool has_values = row.value_count != 0;
    const bool has_common = row.common_count != 0;
    field.insert(row.type, row.ordinal, text(row.name), text(row.type_name), row.offset, row.size,
                 not_negative(row.bit_offset), known_if(row.bit_size != 0, row.bit_size), not_negative(row.hole_bytes),
                 row.value_count, known_if(has_values, row.zero_count),
                 known_if(has_common && !row.common_value.empty(), std::string_view(row.common_value)),
                 known_if(has_values, row.common_count), known_if(row.has_range, row.smallest),
                 known_if(row.has_range, row.largest), known_if(row.has_range, row.needed_bits), text(row.kind));
  }
  Inserter container(connection, path, "INSERT INTO container_use VALUES (?, ?, ?, ?, ?, ?, ?)");
  for (const ContainerUseRow& row : layout.containers) {
    container.insert(text(row.kind), row.type, text(row.field), row.count, row.empty_count, row.inline_bytes,
                     row.slack_bytes);
  }
}

void write_shared_lines(sqlite3* connection, const std::string& path, const std::vector<SharedLineRow>& lines) {
  const auto not_empty = [](const std::string& text) { return known_if(!text.empty(), std::string_view(text)); };
  Inserter row(connection, path, "INSERT INTO shared_line VALUES (?, ?, ?, ?, ?, ?, ?)");
  Inserter use(connection, path, "INSERT INTO shared_line_use VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  std::int64_t id = 0;
  for (const SharedLineRow& line : lines) {  // numbered as people count: from 1
    row.insert(++id, line.address, line.kind, line.confidence, not_empty(line.place), line.object,
               known_if(line.samples != 0, line.samples));
    for (const SharedLineUse& one : line.uses) {
      use.insert(id, one.address, known_if(one.size != 0, one.size), not_negative(one.thread), not_empty(one.function),
                 one.access, not_empty(one.member), one.is_locked, one.loop_depth, one.evidence,
                 known_if(one.samples != 0, one.samples));
    }
  }
}

void write_memory_samples(sqlite3* connection, const std::string& path, const std::vector<MemorySampleRow>& samples) {
  const auto not_empty = [](const std::string& text) { return known_if(!text.empty(), std::string_view(text)); };
  Inserter row(connection, path,
               "INSERT INTO memory_sample VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  for (const MemorySampleRow& one : samples) {
    row.insert(one.address, one.is_line, one.object, not_empty(one.place), not_empty(one.member),
               not_negative(one.thread), not_negative(one.thread_os_id), not_empty(one.function), not_empty(one.module),
               not_empty(one.source), not_empty(one.event), one.evidence, not_negative(one.samples),
               not_negative(one.loads), not_negative(one.stores), not_negative(one.hitm_local),
               not_negative(one.hitm_remote), not_negative(one.mean_cycles));
  }
}

}  // namespace queries
