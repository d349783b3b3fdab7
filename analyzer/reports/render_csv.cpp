// Tables for spreadsheets and pipes: RFC 4180.
#include "analyzer/reports/render.h"

namespace analyzer {

namespace {

std::string field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

void section(std::string& out, const Section& part) {
  for (const Table& table : part.tables) {
    if (table.rows.empty()) continue;
    if (!out.empty()) out += "\r\n";
    for (std::size_t i = 0; i < table.columns.size(); ++i) out += (i == 0 ? "" : ",") + field(table.columns[i].name);
    out += "\r\n";
    for (const std::vector<Cell>& row : table.rows) {
      for (std::size_t i = 0; i < table.columns.size(); ++i) {
        out += i == 0 ? "" : ",";
        if (i < row.size()) out += field(cell_raw(row[i], table.columns[i].format));
      }
      out += "\r\n";
    }
  }
  for (const Section& inner : part.sections) section(out, inner);
}

}  // namespace

std::string render_csv(const Report& report, const RenderOptions& /*options*/) {
  std::string out;
  for (const Section& part : report.sections) section(out, part);
  return out;
}

}  // namespace analyzer
