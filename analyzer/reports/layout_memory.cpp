// Containers, loops and locality in the layout report.
#include <algorithm>

#include "analyzer/quantities.h"
#include "analyzer/reports/layout_sections.h"
#include "analyzer/reports/report_tools.h"

namespace analyzer {
namespace {

using queries::Database;
using queries::Statement;

double share(std::int64_t part, std::int64_t whole) {
  return percent_of(static_cast<double>(part), static_cast<double>(whole));
}

/// The type whose objects such a loop may pass: of that size, with elements in arrays, the most frequent one.
const LayoutType* type_of_stride(const std::vector<LayoutType>& types, std::int64_t stride) {
  const LayoutType* best = nullptr;
  for (const LayoutType& type : types) {
    if (type.size != stride || type.instance_count <= type.block_count) continue;
    if (best == nullptr || type.instance_count > best->instance_count) best = &type;
  }
  return best;
}

Table walks_table(const Database& database, const ReportOptions& options, std::vector<std::string>& notes) {
  Table table;
  table.name = "walks";
  table.title = "Walks over the largest structures";
  table.columns = {{"kind", CellFormat::text},
                   {"from", CellFormat::text},
                   {"class", CellFormat::text},
                   {"elements", CellFormat::integer},
                   {"near_percent", CellFormat::percent},
                   {"page_changes", CellFormat::integer},
                   {"lines", CellFormat::integer},
                   {"least_lines", CellFormat::integer},
                   {"pages", CellFormat::integer},
                   {"least_pages", CellFormat::integer}};
  Statement row = report_statement(database, "report_walks");
  while (row.step()) {
    const std::int64_t elements = row.integer(4);
    const std::int64_t bytes = row.integer(5);
    const std::int64_t changes = row.integer(7);
    const std::int64_t pages = row.integer(9);
    table.rows.push_back({row.text(1), row.is_null(3) ? Cell() : Cell('#' + std::to_string(row.integer(3))),
                          text_cell(row, 2), elements, share(row.integer(6), elements - 1), changes, row.integer(8),
                          (bytes + 63) / 64, pages, (bytes + 4095) / 4096});
    // Each page several times, and hardly a step that the processor can foresee.
    if (notes.size() < 5 && changes > 4 * pages && row.integer(6) * 4 < elements) {
      notes.push_back(
          std::string(row.text(1) == "linked" ? "Pointer chasing: the " : "Scattered: the elements of the ") +
          (row.text(1) == "linked" ? "walk over " : row.text(10) + " ") + "#" + std::to_string(row.integer(3)) +
          (row.text(1) == "linked" ? " and what it leads to" : "") + " (" +
          format_count(static_cast<std::uint64_t>(elements)) + ' ' + row.text(2) + ") goes to another page " +
          format_count(static_cast<std::uint64_t>(changes)) + " times, although all of it lies in " +
          format_count(static_cast<std::uint64_t>(pages)) + " pages; only " +
          format_decimal(share(row.integer(6), elements - 1), 1) +
          " % of the steps end in the same or the next cache line. Allocate the elements in the order of the "
          "walk, or keep them in an array.");
    }
  }
  if (options.rows != 0 && table.rows.size() > options.rows) table.rows.resize(options.rows);
  return table;
}

Table owners_table(const Database& database, const ReportOptions& options) {
  Table table;
  table.name = "owners";
  table.title = "Distance from the owner (immediate dominator)";
  table.columns = {{"owner", CellFormat::text},        {"owned", CellFormat::text},
                   {"objects", CellFormat::integer},   {"same_line", CellFormat::percent},
                   {"same_page", CellFormat::percent}, {"median_distance", CellFormat::bytes}};
  Statement row = report_statement(database, "report_locality");
  while (row.step()) {
    if (options.rows != 0 && table.rows.size() >= options.rows) break;
    const std::int64_t count = row.integer(2);
    table.rows.push_back({text_cell(row, 0), text_cell(row, 1), count, share(row.integer(3), count),
                          share(row.integer(4), count), row.integer(5)});
  }
  return table;
}

}  // namespace

namespace {

/// Reference counts of shared pointers: 16 bytes before an object (make_shared), or a block of their own.
Table control_blocks_table(const Database& database, const ReportOptions& options) {
  constexpr std::int64_t counts_bytes = 16;  // libstdc++: vtable pointer, two counts
  Table table;
  table.name = "control_blocks";
  table.title = "Control blocks of shared pointers";
  table.columns = {{"class", CellFormat::text},
                   {"objects", CellFormat::integer},
                   {"where", CellFormat::text},
                   {"control_bytes", CellFormat::bytes}};
  table.summed_columns = {1, 3};
  Statement row = report_statement(database, "report_control_blocks");
  while (row.step()) {
    const bool is_own = row.integer(3) != 0;
    table.rows.push_back({row.text(0), row.integer(1), std::string(is_own ? "own block" : "before the object"),
                          is_own ? row.integer(2) : row.integer(1) * counts_bytes});
  }
  total_and_cut(table, options.rows);
  return table;
}

}  // namespace

std::optional<Section> containers_section(const Database& database, const ReportOptions& options) {
  Table table;
  table.name = "containers";
  table.columns = {
      {"kind", CellFormat::text},        {"member", CellFormat::text},           {"objects", CellFormat::integer},
      {"empty", CellFormat::integer},    {"empty_percent", CellFormat::percent}, {"inline_bytes", CellFormat::bytes},
      {"slack_bytes", CellFormat::bytes}};
  table.summed_columns = {2, 3, 5, 6};
  Statement row = report_statement(database, "report_containers");
  while (row.step()) {
    table.rows.push_back({text_cell(row, 0), row.text(1) + "::" + row.text(2), row.integer(3), row.integer(4),
                          share(row.integer(4), row.integer(3)), row.integer(5), row.integer(6)});
  }
  Table control = control_blocks_table(database, options);
  if (table.rows.empty() && control.rows.empty()) return std::nullopt;
  total_and_cut(table, options.rows);
  Section section;
  section.name = "containers";
  section.title = "Containers inside of objects";
  section.paragraphs.emplace_back(
      "empty: containers without an element, null smart pointers; they take inline_bytes all the same (a pointer to "
      "one that is made when it is needed takes 8). slack_bytes: allocated for elements that are not there; "
      "shrink_to_fit or an exact reserve gives them back.");
  if (!table.rows.empty()) section.tables.push_back(std::move(table));
  if (!control.rows.empty()) section.tables.push_back(std::move(control));
  return section;
}

std::optional<Section> stride_loops_section(const Database& database, const std::vector<LayoutType>& types,
                                            const ReportOptions& options) {
  constexpr std::int64_t least_stride = 16;
  Table table;
  table.name = "loops";
  table.columns = {{"function", CellFormat::text},          {"stride", CellFormat::integer},
                   {"touched_bytes", CellFormat::integer},  {"touched_percent", CellFormat::percent},
                   {"type_of_that_size", CellFormat::text}, {"advice", CellFormat::text}};
  Statement row = report_statement(database, "report_stride_loops");
  while (row.step()) {
    const std::int64_t stride = row.integer(3);
    if (stride < least_stride) continue;
    const LayoutType* type = type_of_stride(types, stride);
    const bool is_unknown = row.is_null(4);
    const std::int64_t touched = is_unknown ? 0 : row.integer(4);
    const bool is_sparse = !is_unknown && touched * 2 <= stride;
    if (!is_sparse && type == nullptr) continue;
    table.rows.push_back({row.text(0), stride, is_unknown ? Cell() : Cell(touched),
                          is_unknown ? Cell() : Cell(share(touched, stride)),
                          type == nullptr ? Cell() : Cell(type->name),
                          std::string(is_unknown  ? "unknown: vectorised"
                                      : is_sparse ? "struct of arrays"
                                                  : "")});
  }
  if (table.rows.empty()) return std::nullopt;
  if (options.rows != 0 && table.rows.size() > options.rows) table.rows.resize(options.rows);
  Section section;
  section.name = "loops";
  section.title = "Loops over arrays of structs";
  section.paragraphs.emplace_back(
      "A hint, from the machine code: loops that advance by `stride` bytes and use touched_bytes of each element. "
      "Where "
      "that is little, an array of its own for the members that the loop uses (struct of arrays) brings only those "
      "into "
      "the cache. Whether the loop is ever run, code does not say. type_of_that_size: the type in this heap's arrays "
      "that "
      "has that size; another may be meant. Vectorised loops load whole elements: what they use is unknown.");
  section.tables.push_back(std::move(table));
  return section;
}

std::optional<Section> locality_section(const Database& database, const ReportOptions& options) {
  Section section;
  section.name = "locality";
  section.title = "Where objects lie";
  std::vector<std::string> notes;
  Table walks = walks_table(database, options, notes);
  Table owners = owners_table(database, options);
  if (walks.rows.empty() && owners.rows.empty()) return std::nullopt;
  section.facts.push_back(
      metric_fact(database, "locality.owned_count", "objects with an owner, looked at", CellFormat::integer));
  section.facts.push_back(
      metric_fact(database, "locality.same_line_count", "in a cache line of it", CellFormat::integer));
  section.facts.push_back(metric_fact(database, "locality.same_page_count", "in a page of it", CellFormat::integer));
  section.paragraphs = std::move(notes);
  if (!walks.rows.empty()) {
    section.paragraphs.emplace_back(
        "near_percent: steps that end in the cache line they began in or the next one, which the processor has by "
        "then. "
        "page_changes: steps to another page of 4 KiB. least_lines, least_pages: what the elements would take side by "
        "side.");
    section.tables.push_back(std::move(walks));
  }
  if (!owners.rows.empty()) section.tables.push_back(std::move(owners));
  return section;
}

}  // namespace analyzer
