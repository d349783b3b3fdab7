#include "analyzer/reports/layout_model.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "analyzer/reports/report_tools.h"

namespace analyzer {
namespace {

using queries::Database;
using queries::Statement;

struct Use {
  std::int64_t offset = 0, size = 0;
  FieldUse use;
};

std::unordered_map<std::string, std::vector<Use>> read_uses(const Database& database) {
  std::unordered_map<std::string, std::vector<Use>> uses;
  Statement row = report_statement(database, "report_field_access");
  while (row.step()) {
    Use one;
    one.offset = row.integer(1);
    one.size = std::max<std::int64_t>(row.is_null(2) ? 1 : row.integer(2), 1);
    const std::string access = row.text(3);
    const auto count = static_cast<std::uint64_t>(row.integer(6));
    if (access.find("read") != std::string::npos) one.use.reads = count;
    if (access.find("write") != std::string::npos) one.use.writes = count;
    if (access.find("address") != std::string::npos) one.use.addresses = count;
    one.use.loop_depth = row.integer(4);
    one.use.is_locked = row.integer(5) != 0;
    uses[row.text(0)].push_back(one);
  }
  return uses;
}

void add_uses(const std::vector<Use>& uses, LayoutType& type) {
  type.has_uses = true;
  for (LayoutField& field : type.fields) {
    for (const Use& one : uses) {
      if (one.offset >= field.offset + field.size || one.offset + one.size <= field.offset) continue;
      field.use.reads += one.use.reads;
      field.use.writes += one.use.writes;
      field.use.addresses += one.use.addresses;
      field.use.loop_depth = std::max(field.use.loop_depth, one.use.loop_depth);
      field.use.is_locked = field.use.is_locked || one.use.is_locked;
    }
  }
}

std::int64_t known(const Statement& row, int column, std::int64_t otherwise) {
  return row.is_null(column) ? otherwise : row.integer(column);
}

}  // namespace

std::vector<LayoutType> read_layouts(const Database& database) {
  std::vector<LayoutType> types;
  std::unordered_map<std::int64_t, std::size_t> numbers;
  Statement row = report_statement(database, "report_layout_types");
  while (row.step()) {
    LayoutType type;
    type.id = row.integer(0);
    type.name = row.text(1);
    type.source = row.text(2);
    type.size = known(row, 3, 0);
    type.header_bytes = known(row, 5, 0);
    type.hole_bytes = known(row, 7, -1);
    type.padding_bytes = known(row, 8, -1);
    type.reordered_size = known(row, 9, 0);
    type.reordering = row.is_null(10) ? "" : row.text(10);
    type.instance_count = row.integer(11);
    type.instance_bytes = row.integer(12);
    type.nested_count = row.integer(13);
    type.block_count = row.integer(14);
    type.usable_bytes = known(row, 15, 0);
    type.requested_bytes = known(row, 16, 0);
    type.wasted_bytes = known(row, 17, -1);
    type.line_count = known(row, 18, 0);
    type.straddling_count = known(row, 19, 0);
    type.saved_bytes = known(row, 20, 0);
    numbers.emplace(type.id, types.size());
    types.push_back(std::move(type));
  }
  Statement member = report_statement(database, "report_layout_fields");
  while (member.step()) {
    const auto at = numbers.find(member.integer(0));
    if (at == numbers.end()) continue;
    LayoutField field;
    field.name = member.is_null(1) ? "" : member.text(1);
    field.type = member.is_null(2) ? "" : member.text(2);
    field.offset = member.integer(3);
    field.size = member.integer(4);
    field.bit_offset = known(member, 5, -1);
    field.bit_size = known(member, 6, 0);
    field.hole_bytes = known(member, 7, 0);
    field.value_count = known(member, 8, 0);
    field.zero_count = known(member, 9, 0);
    field.common_value = member.is_null(10) ? "" : member.text(10);
    field.common_count = known(member, 11, 0);
    field.has_range = !member.is_null(14);
    field.smallest = known(member, 12, 0);
    field.largest = known(member, 13, 0);
    field.needed_bits = known(member, 14, 0);
    field.kind = member.is_null(15) ? "" : member.text(15);
    types[at->second].fields.push_back(std::move(field));
  }
  const auto uses = read_uses(database);
  for (LayoutType& type : types) {
    if (const auto found = uses.find(type.name); found != uses.end()) add_uses(found->second, type);
  }
  return types;
}

}  // namespace analyzer
