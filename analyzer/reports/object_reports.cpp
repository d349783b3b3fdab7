// Reports of the top of the dominator tree: dominators, top-consumers. One pass over the object table.
#include <algorithm>
#include <map>
#include <unordered_map>

#include "analyzer/quantities.h"
#include "analyzer/reports/report_tools.h"
#include "analyzer/reports/reports.h"

namespace analyzer {

namespace {

struct TopObject {
  std::int64_t id = 0;
  std::int64_t class_id = 0;
  std::int64_t address = 0;
  std::int64_t kind = 0;
  std::int64_t shallow = 0;
  std::int64_t retained = 0;
};

struct Sum {
  std::int64_t count = 0;
  std::int64_t retained = 0;
};

struct ClassText {
  std::string name;
  std::string loader;
};

struct TopOfTree {
  std::vector<TopObject> biggest;  ///< most retained first, ties by id
  std::unordered_map<std::int64_t, Sum> by_class;
  Sum all;
  std::unordered_map<std::int64_t, ClassText> classes;
  std::unordered_map<std::int64_t, std::string> class_objects;

  [[nodiscard]] std::string label(const TopObject& object) const {
    const auto stands_for = class_objects.find(object.id);
    if (object.kind == 3 && stands_for != class_objects.end()) return "class " + stands_for->second;
    const auto of = classes.find(object.class_id);
    return of == classes.end() ? std::string("?") : of->second.name;
  }
};

TopOfTree read_top(const queries::Database& database, std::size_t keep) {
  TopOfTree top;
  const auto bigger = [](const TopObject& a, const TopObject& b) {
    return a.retained != b.retained ? a.retained > b.retained : a.id < b.id;
  };
  queries::Statement row = report_statement(database, "report_top_objects");
  while (row.step()) {
    const TopObject object{row.integer(0), row.integer(1), row.integer(2),
                           row.integer(3), row.integer(4), row.integer(5)};
    ++top.all.count;
    top.all.retained += object.retained;
    Sum& sum = top.by_class[object.class_id];
    ++sum.count;
    sum.retained += object.retained;
    if (keep != 0 && top.biggest.size() == keep) {
      if (!bigger(object, top.biggest.front())) continue;  // the front of the heap is the smallest kept
      std::pop_heap(top.biggest.begin(), top.biggest.end(), bigger);
      top.biggest.back() = object;
    } else {
      top.biggest.push_back(object);
    }
    std::push_heap(top.biggest.begin(), top.biggest.end(), bigger);
  }
  std::sort(top.biggest.begin(), top.biggest.end(), bigger);
  queries::Statement classes = report_statement(database, "report_classes");
  while (classes.step()) top.classes[classes.integer(0)] = {classes.text(1), classes.text(2)};
  queries::Statement names = report_statement(database, "report_class_names");
  while (names.step()) top.class_objects[names.integer(0)] = names.text(1);
  return top;
}

Table object_table(const TopOfTree& top, double live) {
  Table table;
  table.name = "objects";
  table.columns = {{"object", CellFormat::text},          {"object_id", CellFormat::text},
                   {"address", CellFormat::address},      {"shallow_bytes", CellFormat::bytes},
                   {"retained_bytes", CellFormat::bytes}, {"percent", CellFormat::percent}};
  table.summed_columns = {4};
  for (const TopObject& object : top.biggest) {
    table.rows.push_back({top.label(object), object.id, object.address, object.shallow, object.retained,
                          percent_of(static_cast<double>(object.retained), live)});
  }
  return table;
}

Table sum_table(std::string name, std::string title, std::string column, const std::map<std::string, Sum>& sums,
                const Sum& all, double live, double least_percent, std::size_t rows) {
  Table table;
  table.name = std::move(name);
  table.title = std::move(title);
  table.columns = {{std::move(column), CellFormat::text},
                   {"object_count", CellFormat::integer},
                   {"retained_bytes", CellFormat::bytes},
                   {"percent", CellFormat::percent}};
  table.summed_columns = {1, 2};
  for (const auto& [key, sum] : sums) {
    const double percent = percent_of(static_cast<double>(sum.retained), live);
    if (percent >= least_percent) table.rows.push_back({key, sum.count, sum.retained, percent});
  }
  std::stable_sort(table.rows.begin(), table.rows.end(),
                   [](const auto& a, const auto& b) { return integer_of(a[2]) > integer_of(b[2]); });
  cut_to_total(table, rows, {Cell(), all.count, all.retained, Cell()});
  return table;
}

bool needs_objects(const queries::Database& database, Report& report) {
  if (database.has_objects()) return false;
  report.sections.emplace_back();
  report.sections.back().name = "objects";
  report.sections.back().paragraphs.emplace_back(
      "This report needs every object, and only a digest is here: write a database first (heapql import DUMP -o DB).");
  return true;
}

std::string package_of(std::string_view name) {
  while (name.ends_with("[]")) name.remove_suffix(2);
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? "(none)" : std::string(name.substr(0, dot));
}

}  // namespace

Report build_dominators(const queries::Database& database, const ReportOptions& options) {
  Report report = begin_report(database, "dominators", "Top of the dominator tree");
  if (needs_objects(database, report)) return report;
  const auto live = static_cast<double>(metric_integer(database, "heap.live_bytes"));
  const TopOfTree top = read_top(database, options.rows);
  Section section;
  section.name = "dominators";
  Table table = object_table(top, live);
  const std::size_t hidden = static_cast<std::size_t>(top.all.count) - table.rows.size();
  cut_to_total(table, options.rows, {Cell(), Cell(), Cell(), Cell(), top.all.retained, Cell()});
  if (!table.others.empty()) table.others[0] = "[" + format_count(hidden) + " others]";
  section.tables.push_back(std::move(table));
  std::map<std::string, Sum> by_class;
  for (const auto& [id, sum] : top.by_class) {
    const auto of = top.classes.find(id);
    Sum& entry = by_class[of == top.classes.end() ? std::string("?") : of->second.name];
    entry.count += sum.count;
    entry.retained += sum.retained;
  }
  section.tables.push_back(sum_table("classes", "By class", "class", by_class, top.all, live, 0, options.rows));
  report.sections.push_back(std::move(section));
  return report;
}

Report build_top_consumers(const queries::Database& database, const ReportOptions& options) {
  Report report = begin_report(database, "top-consumers", "Top consumers: at least 1 % of the live heap");
  if (needs_objects(database, report)) return report;
  const auto live = static_cast<double>(metric_integer(database, "heap.live_bytes"));
  constexpr double least = 1;  // percent
  const TopOfTree top = read_top(database, 100);
  std::map<std::string, Sum> classes;
  std::map<std::string, Sum> loaders;
  std::map<std::string, Sum> packages;
  for (const auto& [id, sum] : top.by_class) {
    const auto of = top.classes.find(id);
    const std::string name = of == top.classes.end() ? "?" : of->second.name;
    const std::string loader = of == top.classes.end() ? "?" : of->second.loader;
    for (Sum* entry : {&classes[name], &loaders[loader], &packages[package_of(name)]}) {
      entry->count += sum.count;
      entry->retained += sum.retained;
    }
  }
  Section section;
  section.name = "top_consumers";
  section.paragraphs.emplace_back(
      "Objects at the top of the dominator tree, what they retain, and the same by class, class "
      "loader and package of those objects.");
  Table objects = object_table(top, live);
  objects.title = "Biggest objects";
  objects.rows.erase(std::remove_if(objects.rows.begin(), objects.rows.end(),
                                    [&](const auto& row) { return std::get<double>(row[5]) < least; }),
                     objects.rows.end());
  cut_to_total(objects, options.rows, {Cell(), Cell(), Cell(), Cell(), top.all.retained, Cell()});
  section.tables.push_back(std::move(objects));
  section.tables.push_back(
      sum_table("classes", "Biggest classes", "class", classes, top.all, live, least, options.rows));
  section.tables.push_back(
      sum_table("class_loaders", "Biggest class loaders", "class_loader", loaders, top.all, live, least, options.rows));
  section.tables.push_back(
      sum_table("packages", "Biggest packages", "package", packages, top.all, live, least, options.rows));
  report.sections.push_back(std::move(section));
  return report;
}

}  // namespace analyzer
