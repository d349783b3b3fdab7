// Reports for programs. Keys are snake_case and only ever added.
#include "analyzer/json_text.h"
#include "analyzer/reports/render.h"

namespace analyzer {

namespace {

std::string value(const Cell& cell, CellFormat format) {
  if (std::holds_alternative<std::monostate>(cell)) return "null";
  if (std::holds_alternative<std::string>(cell) || format == CellFormat::address) {
    return json_string(cell_raw(cell, format));
  }
  return cell_raw(cell, format);
}

std::string object(const Table& table, const std::vector<Cell>& row, bool known_only) {
  std::string out = "{";
  for (std::size_t i = 0; i < table.columns.size() && i < row.size(); ++i) {
    if (known_only && std::holds_alternative<std::monostate>(row[i])) continue;
    if (out.size() > 1) out += ", ";
    out += json_string(table.columns[i].name) + ": " + value(row[i], table.columns[i].format);
  }
  return out + '}';
}

std::string texts(const std::vector<std::string>& list) {
  std::string out = "[";
  for (const std::string& text : list) out += (out.size() > 1 ? ", " : "") + json_string(text);
  return out + ']';
}

std::string table_json(const Table& table, const std::string& indent) {
  std::string out = "{\"name\": " + json_string(table.name) + ", \"title\": " + json_string(table.title) + ",\n" +
                    indent + " \"rows\": [";
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    out += (i == 0 ? "\n" : ",\n") + indent + "  " + object(table, table.rows[i], false);
  }
  out += ']';
  if (!table.others.empty()) out += ",\n" + indent + " \"others\": " + object(table, table.others, true);
  if (!table.total.empty()) out += ",\n" + indent + " \"total\": " + object(table, table.total, true);
  return out + '}';
}

std::string section_json(const Section& section, const std::string& indent) {
  std::string out = "{\"name\": " + json_string(section.name) + ", \"title\": " + json_string(section.title);
  const std::string next = ",\n" + indent + " ";
  out += next + "\"paragraphs\": " + texts(section.paragraphs);
  out += next + "\"facts\": {";
  for (std::size_t i = 0; i < section.facts.size(); ++i) {
    out += (i == 0 ? "" : ", ") + json_string(section.facts[i].name) + ": " +
           value(section.facts[i].value, section.facts[i].format);
  }
  out += '}';
  out += next + "\"preformatted\": " + texts(section.preformatted);
  out += next + "\"tables\": [";
  for (std::size_t i = 0; i < section.tables.size(); ++i) {
    out += (i == 0 ? "\n  " : ",\n  ") + indent + table_json(section.tables[i], indent + "  ");
  }
  out += ']';
  out += next + "\"sections\": [";
  for (std::size_t i = 0; i < section.sections.size(); ++i) {
    out += (i == 0 ? "\n  " : ",\n  ") + indent + section_json(section.sections[i], indent + "  ");
  }
  return out + "]}";
}

}  // namespace

std::string render_json(const Report& report, const RenderOptions& /*options*/) {
  std::string out = "{\"schema\": " + json_string("heapql/" + report.name + "@1");
  out += ",\n \"title\": " + json_string(report.title) + ",\n \"warnings\": " + texts(report.warnings);
  out += ",\n \"sections\": [";
  for (std::size_t i = 0; i < report.sections.size(); ++i) {
    out += (i == 0 ? "\n  " : ",\n  ") + section_json(report.sections[i], "  ");
  }
  return out + "]}\n";
}

}  // namespace analyzer
