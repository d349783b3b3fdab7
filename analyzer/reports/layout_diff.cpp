#include "analyzer/reports/layout_diff.h"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "analyzer/quantities.h"
#include "analyzer/reports/layout_model.h"
#include "analyzer/reports/report_tools.h"

namespace analyzer {
namespace {

struct Sides {
  const LayoutType* before = nullptr;
  const LayoutType* after = nullptr;
};

std::int64_t unused(const LayoutType* type) {
  return type == nullptr || type->hole_bytes < 0 ? 0 : type->hole_bytes + type->padding_bytes;
}
std::int64_t wasted(const LayoutType* type) {
  return type == nullptr ? 0 : std::max<std::int64_t>(type->wasted_bytes, 0);
}

/// "+flags, -legacy_id, id: 4 → 8 bytes"; at most a few.
std::string members_text(const LayoutType& before, const LayoutType& after) {
  constexpr std::size_t most = 6;
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> sizes;
  for (const LayoutField& field : before.fields) sizes[field.name].first = field.size;
  for (const LayoutField& field : after.fields) sizes[field.name].second = field.size;
  std::string text;
  std::size_t count = 0;
  for (const auto& [name, size] : sizes) {
    if (size.first == size.second) continue;
    if (++count > most) continue;
    text += text.empty() ? "" : ", ";
    text += size.first == 0    ? "+" + name
            : size.second == 0 ? "-" + name
                               : name + ": " + std::to_string(size.first) + " \u2192 " + std::to_string(size.second);
  }
  if (count > most) text += ", and " + std::to_string(count - most) + " more";
  if (text.empty() && before.size == after.size) {
    const bool moved = !std::equal(
        before.fields.begin(), before.fields.end(), after.fields.begin(), after.fields.end(),
        [](const LayoutField& a, const LayoutField& b) { return a.name == b.name && a.offset == b.offset; });
    if (moved) text = "members moved";
  }
  return text;
}

}  // namespace

std::optional<Section> layout_diff(const queries::Database& before, const queries::Database& after,
                                   const ReportOptions& options) {
  const std::vector<LayoutType> old_types = read_layouts(before);
  const std::vector<LayoutType> new_types = read_layouts(after);
  if (old_types.empty() || new_types.empty()) return std::nullopt;
  std::map<std::string, Sides> types;
  for (const LayoutType& type : old_types) types[type.name].before = &type;
  for (const LayoutType& type : new_types) types[type.name].after = &type;
  Table table;
  table.name = "layouts";
  table.columns = {{"type", CellFormat::text},
                   {"status", CellFormat::text},
                   {"old_size", CellFormat::integer},
                   {"new_size", CellFormat::integer},
                   {"old_unused", CellFormat::integer},
                   {"new_unused", CellFormat::integer},
                   {"objects_change", CellFormat::integer},
                   {"wasted_change", CellFormat::bytes},
                   {"members", CellFormat::text}};
  table.summed_columns = {6, 7};
  std::vector<std::pair<std::int64_t, std::vector<Cell>>> rows;
  for (const auto& [name, sides] : types) {
    const std::int64_t objects =
        (sides.after == nullptr ? 0 : sides.after->count()) - (sides.before == nullptr ? 0 : sides.before->count());
    const std::int64_t waste = wasted(sides.after) - wasted(sides.before);
    const bool both = sides.before != nullptr && sides.after != nullptr;
    if (!both && is_program(before) != is_program(after)) continue;  // a core has only the types of its objects
    const std::string members = both ? members_text(*sides.before, *sides.after) : "";
    const std::int64_t growth = both ? sides.after->size - sides.before->size : 0;
    const std::int64_t holes = both ? unused(sides.after) - unused(sides.before) : 0;
    if (both && growth == 0 && holes == 0 && objects == 0 && waste == 0 && members.empty()) continue;
    const char* status = sides.before == nullptr  ? "new"
                         : sides.after == nullptr ? "gone"
                         : growth > 0             ? "larger"
                         : growth < 0             ? "smaller"
                         : !members.empty()       ? "changed"
                                                  : "same";
    rows.push_back({std::llabs(waste) * 1024 + std::llabs(growth) * 64 + std::llabs(holes),
                    {name, std::string(status), sides.before == nullptr ? Cell() : Cell(sides.before->size),
                     sides.after == nullptr ? Cell() : Cell(sides.after->size),
                     sides.before == nullptr ? Cell() : Cell(unused(sides.before)),
                     sides.after == nullptr ? Cell() : Cell(unused(sides.after)), objects, waste, members}});
  }
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  for (auto& [weight, row] : rows) table.rows.push_back(std::move(row));
  Section section;
  section.name = "layouts";
  section.title = "Layouts";
  if (table.rows.empty()) {
    section.paragraphs.emplace_back("No type's layout, and no number of objects of known layout, has changed.");
    return section;
  }
  total_and_cut(table, options.rows);
  section.paragraphs.emplace_back(
      "Types by name. unused: holes and padding of one object; wasted_change: of all objects in the heap.");
  section.tables.push_back(std::move(table));
  return section;
}

}  // namespace analyzer
