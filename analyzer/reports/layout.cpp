// The layout report: which types waste bytes and cache lines times their live count in this heap, what their members
// hold, what loops and walks do to the cache, where threads share a line.
#include <algorithm>

#include "analyzer/quantities.h"
#include "analyzer/reports/layout_sections.h"
#include "analyzer/reports/report_tools.h"

namespace analyzer {
namespace {

using queries::Database;

bool is_managed(const std::vector<LayoutType>& types) { return !types.empty() && types.front().source == "dump"; }

Section overview_section(const Database& database, bool managed) {
  Section section;
  section.name = "layout";
  if (!database.metric("layout.object_bytes")) {
    section.paragraphs.emplace_back(
        "No type's holes are known: no module has debugging information (compile with -g, or give --debug-dir). What "
        "follows is told by the code of classes' methods, and by the allocator.");
    return section;
  }
  const std::int64_t bytes = metric_integer(database, "layout.object_bytes");
  const std::int64_t wasted = metric_integer(database, "layout.wasted_bytes");
  const std::int64_t saved = metric_integer(database, "layout.reorder_saved_bytes");
  section.paragraphs.push_back(
      bytes_text(wasted) + " of " + bytes_text(bytes) + " in " +
      count_text(metric_integer(database, "layout.object_count")) + " objects of known layout hold nothing (" +
      format_decimal(database.metric("layout.wasted_percent").value_or(0), 1) + " %): " +
      (managed ? "alignment, and gaps between the fields of classes and their super classes." : "holes and padding."));
  if (saved > 0) {
    section.paragraphs.push_back("Members in a better order would make this heap " + bytes_text(saved) + " smaller.");
  }
  section.facts.push_back(metric_fact(database, "layout.type_count", "types of known layout", CellFormat::integer));
  section.facts.push_back(metric_fact(database, "layout.object_count", "their objects", CellFormat::integer));
  section.facts.push_back(metric_fact(database, "layout.object_bytes", "in bytes", CellFormat::bytes));
  if (managed) section.facts.push_back(metric_fact(database, "layout.header_bytes", "headers", CellFormat::bytes));
  section.facts.push_back(metric_fact(database, "layout.wasted_bytes", "holes and padding", CellFormat::bytes));
  if (managed) return section;
  section.facts.push_back(
      metric_fact(database, "layout.reorder_saved_bytes", "saved by the best order", CellFormat::bytes));
  section.facts.push_back(
      metric_fact(database, "layout.straddling_count", "across a cache line more", CellFormat::integer));
  const double heap = database.metric("heap.total_bytes").value_or(0);
  if (heap > 0) {
    section.facts.push_back({"known_percent", "of the heap's bytes", Cell(percent_of(static_cast<double>(bytes), heap)),
                             CellFormat::percent});
  }
  return section;
}

/// Of a program: types, but no objects.
Section program_section(const std::vector<LayoutType>& types) {
  std::int64_t with_holes = 0;
  std::int64_t improvable = 0;
  for (const LayoutType& type : types) {
    with_holes += type.hole_bytes + type.padding_bytes > 0 ? 1 : 0;
    improvable += !type.reordering.empty() ? 1 : 0;
  }
  Section section;
  section.name = "layout";
  section.paragraphs.push_back(
      count_text(static_cast<std::int64_t>(types.size())) + " types with members, " + count_text(with_holes) +
      " of them with holes or padding; " + count_text(improvable) +
      " would be smaller with their members in another order. A program has no objects: a core "
      "of a process of it tells what that costs.");
  section.facts.push_back({"types", "types", Cell(static_cast<std::int64_t>(types.size())), CellFormat::integer});
  section.facts.push_back({"types_with_holes", "with holes or padding", Cell(with_holes), CellFormat::integer});
  section.facts.push_back({"improvable_types", "smaller in another order", Cell(improvable), CellFormat::integer});
  return section;
}

Section types_section(const std::vector<LayoutType>& types, bool is_heap, const ReportOptions& options) {
  Section section;
  section.name = "types";
  section.title = "Types";
  Table table;
  table.name = "types";
  table.columns = {{"type", CellFormat::text},
                   {"size", CellFormat::integer},
                   {"holes", CellFormat::integer},
                   {"padding", CellFormat::integer},
                   {"best_size", CellFormat::integer}};
  if (is_heap) {
    table.columns.insert(table.columns.begin() + 1, {"objects", CellFormat::integer});
    table.columns.push_back({"wasted_bytes", CellFormat::bytes});
    table.columns.push_back({"saved_bytes", CellFormat::bytes});
    table.columns.push_back({"straddling", CellFormat::percent});
    table.summed_columns = {6, 7};
  }
  const auto unused = [](const LayoutType& type) {
    return std::max<std::int64_t>(type.hole_bytes + type.padding_bytes, 0);
  };
  std::vector<const LayoutType*> order;
  for (const LayoutType& type : types) {
    // Of the standard library, what costs something; nobody can change it.
    if (!type.is_library() || (is_heap ? type.wasted_bytes > 0 : unused(type) > 1)) order.push_back(&type);
  }
  if (!is_heap) {
    std::stable_sort(order.begin(), order.end(), [&](const LayoutType* a, const LayoutType* b) {
      return std::pair(a->is_library(), -unused(*a)) < std::pair(b->is_library(), -unused(*b));
    });
  }
  const bool is_mixed =
      std::any_of(order.begin(), order.end(), [](const LayoutType* type) { return type->source != "debug info"; });
  if (is_mixed) table.columns.push_back({"known_by", CellFormat::text});
  for (const LayoutType* type : order) {
    const bool has_holes = type->hole_bytes >= 0;
    std::vector<Cell> row = {type->name, type->size, has_holes ? Cell(type->hole_bytes) : Cell(),
                             has_holes ? Cell(type->padding_bytes) : Cell(),
                             type->reordered_size != 0 ? Cell(type->reordered_size) : Cell()};
    if (is_heap) {
      row.insert(row.begin() + 1, Cell(type->count()));
      row.push_back(type->wasted_bytes < 0 ? Cell() : Cell(type->wasted_bytes));
      row.emplace_back(type->saved_bytes);
      row.push_back(type->instance_count == 0 ? Cell()
                                              : Cell(percent_of(static_cast<double>(type->straddling_count),
                                                                static_cast<double>(type->instance_count))));
    }
    if (is_mixed) row.emplace_back(type->source);
    table.rows.push_back(std::move(row));
  }
  if (is_heap) {
    total_and_cut(table, options.rows);
    section.paragraphs.emplace_back(
        "By debugging information, else by code. holes, padding: bytes in one object; wasted_bytes: in all of them, "
        "those inside of "
        "members in the members' rows. best_size: with the members in the best order; saved_bytes: what that saves "
        "here, "
        "after the allocator's rounding. straddling: objects that lie across one cache line more than their size "
        "needs, "
        "at their actual addresses.");
  } else if (options.rows != 0 && table.rows.size() > options.rows) {
    table.rows.resize(options.rows);
  }
  section.tables.push_back(std::move(table));
  return section;
}

/// Of the classes of a JVM.
Section classes_section(const std::vector<LayoutType>& types, const ReportOptions& options) {
  Section section;
  section.name = "classes";
  section.title = "Headers and padding by class";
  Table table;
  table.name = "classes";
  table.columns = {{"class", CellFormat::text},          {"objects", CellFormat::integer},
                   {"shallow_bytes", CellFormat::bytes}, {"header_bytes", CellFormat::bytes},
                   {"wasted_bytes", CellFormat::bytes},  {"overhead", CellFormat::percent}};
  table.summed_columns = {1, 2, 3, 4};
  std::vector<const LayoutType*> order(types.size());
  std::transform(types.begin(), types.end(), order.begin(), [](const LayoutType& type) { return &type; });
  const auto overhead = [](const LayoutType& type) {
    return type.header_bytes * type.instance_count + std::max<std::int64_t>(type.wasted_bytes, 0);
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](const LayoutType* a, const LayoutType* b) { return overhead(*a) > overhead(*b); });
  for (const LayoutType* type : order) {
    table.rows.push_back({type->name, type->instance_count, type->instance_bytes,
                          type->header_bytes * type->instance_count, std::max<std::int64_t>(type->wasted_bytes, 0),
                          percent_of(static_cast<double>(overhead(*type)), static_cast<double>(type->instance_bytes))});
  }
  total_and_cut(table, options.rows);
  section.paragraphs.emplace_back(
      "wasted_bytes: what is neither header nor field nor element: gaps between the fields of a class and its super "
      "class, "
      "and alignment at the end; also fields that the VM adds to some of its own classes (Thread, MemberName …), which "
      "no dump tells. overhead: headers and that, as a share of the bytes.");
  section.tables.push_back(std::move(table));
  return section;
}

/// Objects that carry one number each.
std::optional<Section> boxes_section(const std::vector<LayoutType>& types) {
  struct Box {
    std::string_view name;
    std::int64_t payload;
  };
  static constexpr Box boxes[] = {{"java.lang.Integer", 4}, {"java.lang.Long", 8},    {"java.lang.Short", 2},
                                  {"java.lang.Byte", 1},    {"java.lang.Boolean", 1}, {"java.lang.Character", 2},
                                  {"java.lang.Float", 4},   {"java.lang.Double", 8}};
  Table table;
  table.name = "boxed_numbers";
  table.columns = {{"class", CellFormat::text},
                   {"objects", CellFormat::integer},
                   {"shallow_bytes", CellFormat::bytes},
                   {"number_bytes", CellFormat::bytes},
                   {"overhead_bytes", CellFormat::bytes}};
  table.summed_columns = {1, 2, 3, 4};
  for (const LayoutType& type : types) {
    const auto* box =
        std::find_if(std::begin(boxes), std::end(boxes), [&](const Box& one) { return one.name == type.name; });
    if (box == std::end(boxes)) continue;
    const std::int64_t numbers = box->payload * type.instance_count;
    table.rows.push_back({type.name, type.instance_count, type.instance_bytes, numbers, type.instance_bytes - numbers});
  }
  if (table.rows.empty()) return std::nullopt;
  total_and_cut(table, 0);
  Section section;
  section.name = "boxed_numbers";
  section.title = "Boxed numbers";
  section.paragraphs.emplace_back(
      "Each is an object and a reference for one number: arrays and collections of primitives have neither "
      "(`heapql query DB boxed-numbers` tells how many are different).");
  section.tables.push_back(std::move(table));
  return section;
}

/// Large arrays whose elements are objects of a few bytes each: what the objects cost beside what they carry.
std::optional<Section> small_objects_section(const Database& database, const std::vector<LayoutType>& types,
                                             const ReportOptions& options) {
  constexpr std::int64_t small = 32;  // bytes of an element
  Table table;
  table.name = "small_objects";
  table.columns = {{"array", CellFormat::text},          {"class", CellFormat::text},
                   {"elements", CellFormat::integer},    {"bytes_each", CellFormat::integer},
                   {"element_bytes", CellFormat::bytes}, {"overhead_bytes", CellFormat::bytes}};
  table.summed_columns = {2, 4, 5};
  queries::Statement row = report_statement(database, "report_walks");
  while (row.step()) {
    if (row.text(1) != "array" || row.is_null(2)) continue;
    const auto type =
        std::find_if(types.begin(), types.end(), [&](const LayoutType& one) { return one.name == row.text(2); });
    if (type == types.end() || type->size == 0 || type->size > small) continue;
    const std::int64_t elements = row.integer(4);
    const std::int64_t unused =
        type->instance_count == 0 ? 0 : std::max<std::int64_t>(type->wasted_bytes, 0) / type->instance_count;
    table.rows.push_back({row.is_null(3) ? Cell() : Cell('#' + std::to_string(row.integer(3))), row.text(2), elements,
                          type->size, row.integer(5), row.integer(5) / type->size * (type->header_bytes + unused)});
  }
  if (table.rows.empty()) return std::nullopt;
  total_and_cut(table, options.rows);
  Section section;
  section.name = "small_objects";
  section.title = "Arrays of small objects";
  section.paragraphs.emplace_back(
      "Large arrays whose elements have at most 32 bytes each. overhead_bytes: headers and padding of the elements, "
      "each "
      "counted once; the references to them come on top. An array for each field (struct of arrays), or of primitives, "
      "has neither.");
  section.tables.push_back(std::move(table));
  return section;
}

std::string missing_text(const Database& database) {
  if (database.meta("kind") == "allocation_profile") return "A record of allocations says nothing of layouts.";
  return "No type's layout is known: no module of the core has debugging information (compile with -g, or give "
         "--debug-dir), and no object's class is told by its code.";
}

}  // namespace

Report build_layout(const Database& database, const ReportOptions& options) {
  Report report = begin_report(database, "layout", "Layout");
  const std::vector<LayoutType> types = read_layouts(database);
  const bool managed = is_managed(types);
  if (types.empty()) {
    Section section;
    section.name = "layout";
    section.paragraphs.push_back(missing_text(database));
    report.sections.push_back(std::move(section));
  } else {
    report.sections.push_back(is_program(database) ? program_section(types) : overview_section(database, managed));
    report.sections.push_back(managed ? classes_section(types, options)
                                      : types_section(types, !is_program(database), options));
  }
  const auto add = [&](std::optional<Section> section) {
    if (section) report.sections.push_back(std::move(*section));
  };
  if (managed) {
    add(boxes_section(types));
    add(small_objects_section(database, types, options));
  } else {
    add(type_pictures_section(types, options));
    add(field_values_section(types, options));
    add(hot_fields_section(types, options));
    add(containers_section(database, options));
    add(stride_loops_section(database, types, options));
  }
  add(shared_lines_section(database, options));
  add(locality_section(database, options));
  return report;
}

}  // namespace analyzer
