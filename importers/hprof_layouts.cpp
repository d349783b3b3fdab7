#include "importers/hprof_layouts.h"

#include <algorithm>

namespace importers::hprof {
namespace {

using queries::ClassId;
using queries::TypeLayoutRow;

constexpr int deepest = 1'000;  // classes above a class: a damaged dump may have a circle

/// Bytes of all fields of each class, inherited ones included.
std::vector<std::uint64_t> field_bytes(const queries::Snapshot& snapshot) {
  std::vector<std::uint64_t> own(snapshot.classes.size());
  for (const queries::FieldRow& field : snapshot.fields) {
    if (!field.is_static) own[index(field.class_id)] += field.size;
  }
  std::vector<std::uint64_t> all(own.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    ClassId id{static_cast<std::uint32_t>(i)};
    for (int depth = 0; id != queries::no_class && depth < deepest; ++depth) {
      all[i] += own[index(id)];
      id = snapshot.classes[index(id)].super;
    }
  }
  return all;
}

TypeLayoutRow array_row(const Census& census, std::uint64_t bytes, std::uint64_t header, std::uint64_t element) {
  TypeLayoutRow row;
  row.header_bytes = static_cast<std::int64_t>(header);
  row.instance_count = census.count;
  row.instance_bytes = bytes;
  const std::uint64_t used = census.count * header + census.length * element;
  row.wasted_bytes = static_cast<std::int64_t>(bytes - std::min(bytes, used));
  return row;
}

}  // namespace

void describe_layouts(const Catalog& catalog, const ClassTable& table, const SizeModel& sizes,
                      queries::Snapshot& snapshot) {
  queries::LayoutRows& rows = snapshot.layout;
  const auto add = [&](TypeLayoutRow row, ClassId id) {
    if (row.instance_count == 0) return;
    row.name = rows.text(snapshot.classes[index(id)].name);
    row.source = rows.text("dump");
    row.class_id = id;
    rows.types.push_back(row);
  };
  const std::vector<std::uint64_t> fields = field_bytes(snapshot);
  for (std::size_t entry = 0; entry < catalog.classes.size(); ++entry) {
    const Census& census = catalog.classes[entry].census;
    const ClassId id = table.id_of_entry[entry];
    if (catalog.classes[entry].is_array_class) {
      const std::uint64_t bytes =
          census.array_bytes([&](std::uint64_t length) { return sizes.object_array(length); }, sizes.reference);
      add(array_row(census, bytes, sizes.array_header, sizes.reference), id);
      continue;
    }
    TypeLayoutRow row;
    row.instance_count = census.count;
    row.size = snapshot.classes[index(id)].instance_size;
    row.instance_bytes = row.size * census.count;
    row.header_bytes = sizes.header;
    const std::uint64_t used = sizes.header + fields[index(id)];
    if (used <= row.size) {  // else fields are missing from a damaged dump, or it is a mirror
      row.padding_bytes = static_cast<std::int64_t>(row.size - used);
      row.wasted_bytes = row.padding_bytes * static_cast<std::int64_t>(census.count);
    }
    row.alignment = static_cast<std::uint32_t>(sizes.alignment);
    add(row, id);
  }
  for (std::uint8_t type = 4; type < 12; ++type) {
    const Census& census = catalog.primitive_arrays[type];
    const std::uint64_t element = formats::hprof::size_of(type, 0);
    const std::uint64_t bytes =
        census.array_bytes([&](std::uint64_t length) { return sizes.primitive_array(type, length); }, element);
    add(array_row(census, bytes, sizes.primitive_header[type], element), table.primitive_array[type]);
  }
  std::stable_sort(rows.types.begin(), rows.types.end(),
                   [](const TypeLayoutRow& a, const TypeLayoutRow& b) { return a.wasted_bytes > b.wasted_bytes; });
}

}  // namespace importers::hprof
