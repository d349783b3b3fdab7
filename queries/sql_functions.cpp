// Registration, arguments and the texts that several functions share. Contract: design, "SQL functions".
#include "queries/sql_functions.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <iterator>

namespace queries {

int register_functions(sqlite3* connection);

int register_functions(sqlite3* connection) {
  try {
    const SharedGraph graph = std::make_shared<GraphCache>(connection);
    const int code = register_table_functions(connection, graph);
    return code != SQLITE_OK ? code : register_scalar_functions(connection, graph);
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  }
}

std::string_view value_text(sqlite3_value* value) {
  const unsigned char* bytes = sqlite3_value_text(value);
  if (bytes == nullptr) return {};
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

void result_text(sqlite3_context* context, std::string_view text) {
  sqlite3_result_text64(context, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

std::optional<ObjectId> object_argument(GraphCache& graph, sqlite3_value* value) {
  std::int64_t id = -1;
  switch (sqlite3_value_type(value)) {
    case SQLITE_NULL: return std::nullopt;
    case SQLITE_INTEGER: id = sqlite3_value_int64(value); break;
    case SQLITE_TEXT: {
      const std::string_view text = value_text(value);
      if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        std::uint64_t address = 0;
        const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), address, 16);
        if (error != std::errc{} || end != text.data() + text.size()) {
          throw FunctionError("'" + std::string(text) + "' is not an address");
        }
        const ObjectId found = graph.object_at(static_cast<std::int64_t>(address));
        if (found == no_object) throw FunctionError("no object at " + std::string(text));
        return found;
      }
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
      if (error == std::errc{} && end == text.data() + text.size()) break;
      [[fallthrough]];
    }
    default: throw FunctionError("an object is an id (an integer) or an address ('0x…')");
  }
  if (id < 0 || id >= graph.object_count() || !graph.node(ObjectId{static_cast<std::uint32_t>(id)}).exists) {
    throw FunctionError("no object " + std::to_string(id));
  }
  return ObjectId{static_cast<std::uint32_t>(id)};
}

std::string hex_address(std::int64_t address) {
  char buffer[24];
  std::snprintf(buffer, sizeof buffer, "0x%llx", static_cast<unsigned long long>(address));
  return buffer;
}

std::optional<std::string> string_value(GraphCache& graph, ObjectId object) {
  Lookup& row = graph.lookup("SELECT value FROM string WHERE object_id = ?1");
  if (!row.with(index(object)).step()) return std::nullopt;
  std::optional<std::string> text;
  if (!row.is_null(0)) text = row.text(0);
  row.reset();
  return text;
}

std::string object_text(GraphCache& graph, ObjectId object) {
  if (std::optional<std::string> text = string_value(graph, object)) return *text;
  const std::uint32_t class_id = graph.class_of_class_object(object);
  if (class_id != index(no_class)) return graph.class_name(class_id);
  return graph.class_name(graph.node(object).class_id) + "@" + hex_address(graph.address(object));
}

std::string human_size(double bytes) {
  constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::size_t unit = 0;
  // 1023.95 would be printed as "1024.0".
  while (unit + 1 < std::size(units) && std::fabs(bytes) >= (unit == 0 ? 1024.0 : 1023.95)) {
    bytes /= 1024;
    ++unit;
  }
  char buffer[64];
  const auto [end, error] =
      std::to_chars(buffer, buffer + sizeof buffer, bytes, std::chars_format::fixed, unit == 0 ? 0 : 1);
  return (error == std::errc{} ? std::string(buffer, end) : "?") + ' ' + units[unit];
}

std::optional<std::int64_t> parse_bytes(std::string_view text) {
  const auto skip_blanks = [&text] {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  };
  skip_blanks();
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  skip_blanks();
  std::string unit;
  for (const char c : text) {
    if (c != ' ' && c != '\t') unit += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  if (!unit.empty() && unit != "b" && unit != "byte" && unit != "bytes") {
    const std::size_t power = std::string_view("kmgtp").find(unit[0]);
    const std::string_view rest = std::string_view(unit).substr(1);
    if (power == std::string_view::npos || !(rest.empty() || rest == "b" || rest == "i" || rest == "ib")) {
      return std::nullopt;
    }
    number *= std::pow(1024.0, static_cast<double>(power + 1));
  }
  if (!(number < 9.2e18)) return std::nullopt;
  return std::llround(number);
}

}  // namespace queries
