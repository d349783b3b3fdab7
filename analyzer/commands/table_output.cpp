#include "analyzer/commands/table_output.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ostream>

#include "analyzer/commands/command.h"
#include "analyzer/commands/suggestions.h"
#include "analyzer/json_text.h"
#include "analyzer/terminal.h"
#include "queries/database.h"

namespace analyzer {
namespace {

constexpr std::size_t rows_for_widths = 1000;
constexpr std::size_t widest_cell = 100;  // columns; longer text ends in … (table format only)

struct Cell {
  std::string text;
  bool number = false;
};

std::string real_text(double value) {
  char buffer[64];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  if (error != std::errc{}) return "0";
  std::string text(buffer, end);
  if (std::isfinite(value) && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string hex_text(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += digits[static_cast<unsigned char>(c) >> 4];
    text += digits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

/// The value without quoting.
Cell plain(const queries::Statement& row, int column) {
  switch (row.type(column)) {
    case queries::value_type::null: return {};
    case queries::value_type::integer: return {std::to_string(row.integer(column)), true};
    case queries::value_type::real: return {real_text(row.real(column)), true};
    case queries::value_type::blob: return {hex_text(row.text(column)), false};
    default: return {row.text(column), false};
  }
}

std::string json_value(const queries::Statement& row, int column) {
  if (row.type(column) == queries::value_type::null) return "null";
  if (row.type(column) == queries::value_type::real && !std::isfinite(row.real(column))) return "null";
  const Cell cell = plain(row, column);
  return cell.number ? cell.text : json_string(cell.text);
}

/// Column names; a repeated one gets _2, _3 …, since JSON objects should not repeat keys.
std::vector<std::string> unique_names(const queries::Statement& statement) {
  std::vector<std::string> names;
  for (int i = 0; i < statement.column_count(); ++i) {
    const std::string name = statement.column_name(i);
    std::string candidate = name;
    for (int n = 2; std::find(names.begin(), names.end(), candidate) != names.end(); ++n) {
      candidate = name + "_" + std::to_string(n);
    }
    names.push_back(std::move(candidate));
  }
  return names;
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string tsv_cell(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '\t': escaped += "\\t"; break;
      case '\n': escaped += "\\n"; break;
      case '\r': escaped += "\\r"; break;
      case '\\': escaped += "\\\\"; break;
      default: escaped += c;
    }
  }
  return escaped;
}

std::string markdown_cell(const std::string& text) {
  std::string escaped;
  for (const char c : printable(text)) {
    if (c == '|' || c == '\\' || c == '<' || c == '*' || c == '_' || c == '`') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !continues(c); }));
}

std::string shortened(std::string text) {
  if (width_of(text) <= widest_cell) return text;
  std::size_t at = 0;
  for (std::size_t columns = 0; at < text.size(); ++at) {
    if (!continues(text[at]) && ++columns == widest_cell) break;
  }
  text.resize(at);
  return text + "…";
}

std::uint64_t write_separated(queries::Statement& statement, RowFormat format, std::ostream& out) {
  const bool csv = format == RowFormat::csv;
  const std::string_view separator = csv ? "," : "\t";
  const std::string_view line_end = csv ? "\r\n" : "\n";
  const auto quoted = [csv](const std::string& text) { return csv ? csv_cell(text) : tsv_cell(text); };
  const int columns = statement.column_count();
  for (int i = 0; i < columns; ++i) out << (i == 0 ? "" : separator) << quoted(statement.column_name(i));
  out << line_end;
  std::uint64_t rows = 0;
  for (; statement.step(); ++rows) {
    for (int i = 0; i < columns; ++i) out << (i == 0 ? "" : separator) << quoted(plain(statement, i).text);
    out << line_end;
  }
  return rows;
}

std::uint64_t write_json(queries::Statement& statement, RowFormat format, std::ostream& out) {
  std::vector<std::string> keys;
  for (const std::string& name : unique_names(statement)) keys.push_back(json_string(name) + ":");
  const bool array = format == RowFormat::json;
  if (array) out << '[';
  std::uint64_t rows = 0;
  for (; statement.step(); ++rows) {
    if (array) out << (rows == 0 ? "\n" : ",\n");
    out << '{';
    for (std::size_t i = 0; i < keys.size(); ++i) {
      out << (i == 0 ? "" : ",") << keys[i] << json_value(statement, static_cast<int>(i));
    }
    out << (array ? "}" : "}\n");
  }
  if (array) out << (rows == 0 ? "]\n" : "\n]\n");
  return rows;
}

std::uint64_t write_markdown(queries::Statement& statement, std::ostream& out) {
  const int columns = statement.column_count();
  std::uint64_t rows = 0;
  std::string rule = "|";
  const auto header = [&](bool any) {
    out << '|';
    for (int i = 0; i < columns; ++i) {
      out << ' ' << markdown_cell(statement.column_name(i)) << " |";
      rule += any && plain(statement, i).number ? "---:|" : "---|";
    }
    out << '\n' << rule << '\n';
  };
  while (statement.step()) {
    if (rows++ == 0) header(true);
    out << '|';
    for (int i = 0; i < columns; ++i) out << ' ' << markdown_cell(plain(statement, i).text) << " |";
    out << '\n';
  }
  if (rows == 0) header(false);
  return rows;
}

void write_table_row(const std::vector<Cell>& cells, const std::vector<std::size_t>& widths, std::ostream& out) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::size_t width = width_of(cells[i].text);
    const std::string padding(widths[i] > width ? widths[i] - width : 0, ' ');
    line += (i == 0 ? "" : "  ") + (cells[i].number ? padding + cells[i].text : cells[i].text + padding);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out << line << '\n';
}

std::uint64_t write_table(queries::Statement& statement, std::ostream& out) {
  const int columns = statement.column_count();
  std::vector<std::vector<Cell>> head;
  bool more = true;
  const auto read = [&] {
    std::vector<Cell> cells;
    for (int i = 0; i < columns; ++i) {
      cells.push_back(plain(statement, i));
      if (!cells.back().number) cells.back().text = shortened(printable(cells.back().text));
    }
    return cells;
  };
  while (head.size() < rows_for_widths && (more = statement.step())) head.push_back(read());
  std::vector<Cell> names;
  std::vector<Cell> rules;
  std::vector<std::size_t> widths;
  for (int i = 0; i < columns; ++i) {
    const auto at = static_cast<std::size_t>(i);
    names.push_back({shortened(printable(statement.column_name(i))), !head.empty() && head.front()[at].number});
    widths.push_back(width_of(names.back().text));
    for (const std::vector<Cell>& row : head) widths.back() = std::max(widths.back(), width_of(row[at].text));
    rules.push_back({std::string(widths.back(), '-'), false});
  }
  write_table_row(names, widths, out);
  write_table_row(rules, widths, out);
  std::uint64_t rows = head.size();
  for (const std::vector<Cell>& row : head) write_table_row(row, widths, out);
  head.clear();
  for (; more && statement.step(); ++rows) write_table_row(read(), widths, out);
  return rows;
}

}  // namespace

const std::vector<std::string>& row_format_names() {
  static const std::vector<std::string> names{"table", "csv", "tsv", "json", "ndjson", "markdown"};
  return names;
}

RowFormat row_format(const std::string& name) {
  const std::vector<std::string>& names = row_format_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    throw UsageError("unknown format '" + name + "'" + did_you_mean(name, names),
                     "formats: table, csv, tsv, json, ndjson, markdown");
  }
  return static_cast<RowFormat>(found - names.begin());
}

std::uint64_t write_rows(queries::Statement& statement, RowFormat format, std::ostream& out, bool first) {
  if (!first && format != RowFormat::ndjson && format != RowFormat::json)
    out << (format == RowFormat::csv ? "\r\n" : "\n");
  switch (format) {
    case RowFormat::csv:
    case RowFormat::tsv: return write_separated(statement, format, out);
    case RowFormat::json:
    case RowFormat::ndjson: return write_json(statement, format, out);
    case RowFormat::markdown: return write_markdown(statement, out);
    case RowFormat::table: break;
  }
  return write_table(statement, out);
}

}  // namespace analyzer
