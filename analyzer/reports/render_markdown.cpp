// Reports for pull requests and tickets.
#include <algorithm>

#include "analyzer/quantities.h"
#include "analyzer/reports/render.h"
#include "analyzer/terminal.h"

namespace analyzer {

namespace {

/// Nothing of the text is markup: neither Markdown's nor HTML's, and no line break ends a table row.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '\\':
      case '`':
      case '*':
      case '_':
      case '[':
      case ']':
      case '|':
      case '#':
      case '~':
      case '!':
      case '@':
        out += '\\';
        out += c;
        break;
      default: out += c;
    }
  }
  return out;
}

void table(std::string& out, const Table& one) {
  if (one.rows.empty() && one.total.empty()) return;
  if (!one.title.empty()) out += "**" + plain(one.title) + "**\n\n";
  for (const Column& column : one.columns) out += "| " + plain(column.name) + ' ';
  out += "|\n";
  for (const Column& column : one.columns) out += column.format == CellFormat::text ? "|---" : "|---:";
  out += "|\n";
  const auto line = [&](const std::vector<Cell>& row, const char* mark) {
    for (std::size_t i = 0; i < one.columns.size(); ++i) {
      const std::string text = i < row.size() ? plain(cell_text(row[i], one.columns[i].format)) : std::string();
      out += "| " + (text.empty() ? std::string() : mark + text + mark) + ' ';
    }
    out += "|\n";
  };
  for (const auto& row : one.rows) line(row, "");
  if (!one.others.empty()) line(one.others, "");
  if (!one.total.empty()) line(one.total, "**");
  out += '\n';
}

void section(std::string& out, const Section& part, unsigned level) {
  if (!part.title.empty()) out += std::string(std::min(level, 6u), '#') + ' ' + plain(part.title) + "\n\n";
  for (const std::string& text : part.paragraphs) out += plain(text) + "\n\n";
  if (!part.preformatted.empty()) {
    // In an indented block nothing is markup, whatever the text holds.
    for (const std::string& line : part.preformatted) out += "    " + printable(line) + '\n';
    out += '\n';
  }
  bool any = false;
  for (const Fact& fact : part.facts) {
    if (std::holds_alternative<std::monostate>(fact.value)) continue;
    out += "- " + plain(fact.label) + ": " + plain(cell_text(fact.value, fact.format)) + '\n';
    any = true;
  }
  if (any) out += '\n';
  for (const Table& one : part.tables) {
    if (!one.data_only) table(out, one);
  }
  for (const Section& inner : part.sections) section(out, inner, level + 1);
}

}  // namespace

std::string render_markdown(const Report& report, const RenderOptions& /*options*/) {
  std::string out = "# " + plain(report.title) + "\n\n";
  for (const std::string& warning : report.warnings) out += "> **Warning:** " + plain(warning) + "\n>\n";
  if (!report.warnings.empty()) out += '\n';
  for (const Section& part : report.sections) section(out, part, 2);
  while (out.ends_with("\n\n")) out.pop_back();
  return out;
}

}  // namespace analyzer
