// How types lay out their objects, and what that costs in this heap: rows of type_layout, type_field and
// container_use. Text is kept once in LayoutRows::texts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "queries/ids.h"
#include "queries/text_table.h"

namespace queries {

/// A type with members, and its objects. What is -1 is not known.
struct TypeLayoutRow {
  std::uint32_t name = 0;          ///< index into texts, like source and reordering
  std::uint32_t source = 0;        ///< "debug info", "code", "dump"
  ClassId class_id = no_class;     ///< of the same name, where there is one
  std::uint64_t size = 0;          ///< sizeof
  std::uint32_t alignment = 0;     ///< 0 = not known
  std::int64_t header_bytes = -1;  ///< the vtable pointer, a JVM's object header
  std::int64_t hole_count = -1;
  std::int64_t hole_bytes = -1;        ///< between members
  std::int64_t padding_bytes = -1;     ///< behind the last one
  std::int64_t bit_hole_bits = -1;     ///< between bit-fields, and behind them
  std::uint64_t reordered_size = 0;    ///< with the members in the best order; 0 = not known
  std::uint32_t reordering = 0;        ///< that order: names with ", " between; 0 = as it is
  std::uint64_t instance_count = 0;    ///< objects: blocks, elements of arrays, payloads of nodes
  std::uint64_t instance_bytes = 0;    ///< of them, without what the allocator adds
  std::uint64_t nested_count = 0;      ///< that are members of others, or their bases
  std::uint64_t block_count = 0;       ///< blocks that hold one instance and nothing more than links
  std::uint64_t usable_bytes = 0;      ///< of these blocks
  std::uint64_t requested_bytes = 0;   ///< of these blocks: what the object and the links take
  std::uint64_t line_count = 0;        ///< cache lines that instances touch where they lie; shared ones count for each
  std::uint64_t straddling_count = 0;  ///< instances that touch one more than they need
  std::uint64_t saved_bytes = 0;       ///< of the heap with the best order, after the allocator's rounding

  /// Bytes that hold nothing in all objects of the type, -1 = not known. Those inside of members are in the members'
  /// rows: the sum over all rows is that of the heap.
  std::int64_t wasted_bytes = -1;
};

/// A member, those of members and bases in its place; what its values are over the instances.
struct TypeFieldRow {
  std::uint32_t type = 0;  ///< index into types
  std::uint32_t ordinal = 0;
  std::uint32_t name = 0;       ///< index into texts: "position.x"; "+0x10" where only code tells
  std::uint32_t type_name = 0;  ///< index into texts: "unsigned int"
  std::uint32_t kind = 0;       ///< index into texts: unsigned, signed, boolean, float, pointer, container, bytes
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::int64_t bit_offset = -1;    ///< of bit-fields: in the byte at `offset`
  std::uint32_t bit_size = 0;      ///< 0 = none
  std::int64_t hole_bytes = -1;    ///< unused bytes behind it
  std::uint64_t value_count = 0;   ///< instances that were looked at: all, or evenly spread ones
  std::uint64_t zero_count = 0;    ///< of these: 0, null, empty
  std::uint64_t common_count = 0;  ///< of these: with the value that more than half have; 0 = there is none
  std::string common_value;        ///< that value in words, "" = not to be said in words
  bool has_range = false;          ///< of integers, enumerations:
  std::uint64_t smallest = 0;      ///< bits of an int64_t where it is signed
  std::uint64_t largest = 0;
  std::uint32_t needed_bits = 0;  ///< that hold every value; 0 = no integer
};

/// Objects of a container class inside of instances, what they hold and what they take.
struct ContainerUseRow {
  std::uint32_t kind = 0;   ///< index into texts: "std::string", "std::vector", …
  std::uint32_t type = 0;   ///< index into types: what it is a member of
  std::uint32_t field = 0;  ///< index into texts
  std::uint64_t count = 0;  ///< that were looked at
  std::uint64_t empty_count = 0;
  std::uint64_t inline_bytes = 0;  ///< of the objects themselves
  std::uint64_t slack_bytes = 0;   ///< allocated for elements that are not there
};

struct LayoutRows : TextTable {
  std::vector<TypeLayoutRow> types;  ///< most wasted bytes first
  std::vector<TypeFieldRow> fields;  ///< by type, offset
  std::vector<ContainerUseRow> containers;
};

}  // namespace queries
