// False sharing in the layout report.
#include <algorithm>

#include "analyzer/quantities.h"
#include "analyzer/reports/layout_sections.h"
#include "analyzer/reports/report_tools.h"

namespace analyzer {
namespace {

using queries::Statement;

struct Line {
  std::int64_t id = 0;
  std::string address, kind, confidence, place;
  Cell object_id, samples;
  std::vector<std::string> uses;
};

/// "+0x8 consumed: written by consume(Shared*) in thread 3 (locked, in a loop)".
std::string use_text(const Statement& row) {
  char offset[16];
  std::snprintf(offset, sizeof offset, "%2lld", static_cast<long long>(row.integer(7)));
  std::string text = "  byte " + std::string(offset) + "  " + (row.is_null(12) ? "" : row.text(12) + ": ");
  const std::string access = row.text(11);
  text += access == "write" ? "written" : access == "read" ? "read" : "pointed to";
  if (!row.is_null(10)) text += (access == "pointer" ? " from " : " by ") + row.text(10);
  if (!row.is_null(17)) {
    text += ", thread " + std::to_string(row.integer(17));
    if (!row.is_null(9) && !row.text(9).empty()) text += " (" + row.text(9) + ")";
  }
  if (row.integer(13) != 0) text += ", locked";
  if (row.integer(14) != 0) text += ", in a loop";
  if (!row.is_null(16)) text += ", " + format_count(static_cast<std::uint64_t>(row.integer(16))) + " samples";
  return text + "  [" + row.text(15) + "]";
}

std::string advice_of(const std::string& kind) {
  if (kind == "slots") return "give each slot a line of its own: alignas(64) on the element type";
  if (kind == "neighbours") return "allocate them aligned to 64 bytes and padded to a multiple of it";
  if (kind == "variables") return "alignas(64) on one of the variables";
  return "put the members on lines of their own: alignas(64) on the second, or a struct for each thread";
}

Table lines_table(const std::vector<Line>& lines) {
  Table table;
  table.name = "shared_lines";
  table.columns = {{"line", CellFormat::text},      {"confidence", CellFormat::text}, {"kind", CellFormat::text},
                   {"place", CellFormat::text},     {"object_id", CellFormat::text},  {"uses", CellFormat::integer},
                   {"samples", CellFormat::integer}};
  for (const Line& line : lines) {
    table.rows.push_back({line.address, line.confidence, line.kind, line.place, line.object_id,
                          static_cast<std::int64_t>(line.uses.size()), line.samples});
  }
  return table;
}

}  // namespace

std::optional<Section> shared_lines_section(const queries::Database& database, const ReportOptions& options) {
  std::vector<Line> lines;
  Table uses;
  uses.name = "shared_line_uses";
  uses.data_only = true;
  uses.columns = {{"line", CellFormat::text},      {"byte", CellFormat::integer},   {"size", CellFormat::integer},
                  {"thread", CellFormat::integer}, {"function", CellFormat::text},  {"access", CellFormat::text},
                  {"member", CellFormat::text},    {"locked", CellFormat::integer}, {"loop_depth", CellFormat::integer},
                  {"evidence", CellFormat::text},  {"samples", CellFormat::integer}};
  Statement row = report_statement(database, "report_shared_lines");
  while (row.step()) {
    if (lines.empty() || lines.back().id != row.integer(0)) {
      if (options.rows != 0 && lines.size() == options.rows) break;
      lines.push_back({row.integer(0),
                       row.text(1),
                       row.text(2),
                       row.text(3),
                       row.is_null(4) ? "" : row.text(4),
                       row.is_null(5) ? Cell() : Cell('#' + std::to_string(row.integer(5))),
                       integer_cell(row, 6),
                       {}});
    }
    lines.back().uses.push_back(use_text(row));
    uses.rows.push_back({row.text(1), integer_cell(row, 7), integer_cell(row, 8), integer_cell(row, 17),
                         text_cell(row, 10), text_cell(row, 11), text_cell(row, 12), integer_cell(row, 13),
                         integer_cell(row, 14), text_cell(row, 15), integer_cell(row, 16)});
  }
  if (lines.empty()) return std::nullopt;
  Section section;
  section.name = "false_sharing";
  section.title = "False sharing";
  section.paragraphs.emplace_back(
      "Cache lines in which threads use different words and one of them writes: each write takes the line from the "
      "other "
      "processor. high: two threads are in functions that write different words of it, in loops or locked; medium: "
      "outside of loops, or by code alone; low: two threads point to different words, nothing is known of writes. "
      "Hints but for `measured`: `perf c2c record` measures.");
  constexpr std::size_t most_shown = 10;
  for (std::size_t i = 0; i < std::min(lines.size(), most_shown); ++i) {
    const Line& line = lines[i];
    if (!section.preformatted.empty()) section.preformatted.emplace_back();
    section.preformatted.push_back(line.confidence + ": line " + line.address + ", " + line.kind + " of " + line.place);
    section.preformatted.insert(section.preformatted.end(), line.uses.begin(), line.uses.end());
    section.preformatted.push_back("  " + advice_of(line.kind));
  }
  section.tables = {lines_table(lines), std::move(uses)};
  return section;
}

}  // namespace analyzer
