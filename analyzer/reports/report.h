// A report is data: titled sections of paragraphs, facts and tables. build_* functions make it from a database; the
// renderers turn it into text, Markdown, JSON or CSV. No renderer knows any report, no report knows any format.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace analyzer {

/// How a cell is shown: `bytes` as "1.2 MiB" in text and as an integer in JSON and CSV; `address` as 0x….
enum class CellFormat : std::uint8_t { text, integer, bytes, percent, real, address };

using Cell = std::variant<std::monostate, std::int64_t, double, std::string>;  ///< monostate = NULL

struct Column {
  std::string name;  ///< snake_case: the JSON key and CSV header; text shows it as it is
  CellFormat format = CellFormat::text;
};

struct Table {
  std::string name;  ///< JSON key: "classes"
  std::string title;
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;
  std::vector<Cell> others;  ///< "[163 others]" row, empty = none; sums of what was not listed
  std::vector<Cell> total;   ///< total row, empty = the table has no total
  /// Columns whose rows + others must sum to total; a test checks every report made (conservation).
  std::vector<std::size_t> summed_columns;
  /// For JSON and CSV: text and Markdown show the same as preformatted lines.
  bool data_only = false;
};

struct Fact {
  std::string name;   ///< JSON key
  std::string label;  ///< text
  Cell value;
  CellFormat format = CellFormat::text;
};

struct Section {
  std::string name;  ///< JSON key
  std::string title;
  std::vector<std::string> paragraphs;  ///< plain sentences
  std::vector<Fact> facts;
  std::vector<std::string> preformatted;  ///< lines shown as they are: keep-alive paths, stacks
  std::vector<Table> tables;
  std::vector<Section> sections;
};

struct Report {
  std::string name;  ///< "leak-suspects"; JSON schema heapql/<name>@1
  std::string title;
  std::vector<std::string> warnings;  ///< damage, reconstructed roots: shown before everything else
  std::vector<Section> sections;
};

}  // namespace analyzer
