// Types, their members and what code does with them, read from a database: what the sections of the layout report
// share.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "queries/database.h"

namespace analyzer {

/// What the code does with a member; counts are of instructions.
struct FieldUse {
  std::uint64_t reads = 0, writes = 0, addresses = 0;
  std::int64_t loop_depth = -1;  ///< of the innermost loop with a use; -1 = no use was seen
  bool is_locked = false;
};

struct LayoutField {
  std::string name, type;
  std::int64_t offset = 0, size = 0;
  std::int64_t bit_offset = -1, bit_size = 0, hole_bytes = 0;
  std::int64_t value_count = 0, zero_count = 0, common_count = 0;
  std::string common_value;
  bool has_range = false;
  std::int64_t smallest = 0, largest = 0, needed_bits = 0;
  std::string kind;  ///< type_field.kind
  FieldUse use;
};

struct LayoutType {
  std::int64_t id = 0;
  std::string name, source, reordering;
  std::int64_t size = 0, header_bytes = 0, hole_bytes = -1, padding_bytes = -1, reordered_size = 0;
  std::int64_t instance_count = 0, instance_bytes = 0, nested_count = 0, block_count = 0, usable_bytes = 0,
               requested_bytes = 0, wasted_bytes = -1, line_count = 0, straddling_count = 0, saved_bytes = 0;
  std::vector<LayoutField> fields;
  bool has_uses = false;  ///< code that uses its members was read

  /// Of the standard library: nobody can change it.
  [[nodiscard]] bool is_library() const { return name.starts_with("std::") || name.starts_with("__gnu_cxx::"); }
  [[nodiscard]] std::int64_t count() const { return instance_count + nested_count; }
};

/// Most wasted first. O(rows).
[[nodiscard]] std::vector<LayoutType> read_layouts(const queries::Database& database);

}  // namespace analyzer
