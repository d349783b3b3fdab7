// Scalar SQL functions. Each row of the table below is one; all are deterministic within a connection and innocuous
// (usable in views and triggers of databases from strangers).
#include <cxxabi.h>

#include <charconv>
#include <cstdlib>
#include <vector>

#include "queries/sql_functions.h"
#include "queries/traversal.h"

namespace queries {
namespace {

using Arguments = sqlite3_value**;

/// One step of a field path: a name or an array index.
struct PathStep {
  std::string_view name;
  std::int64_t array_index = -1;
};

/// "table[3].value" → table, [3], value. Names may hold anything but '.' and '[' ("<super>", "this$0").
std::optional<PathStep> next_step(std::string_view& path) {
  if (!path.empty() && path.front() == '.') path.remove_prefix(1);
  if (path.empty()) return std::nullopt;
  PathStep step;
  if (path.front() == '[') {
    const std::size_t close = path.find(']');
    const char* last = close == std::string_view::npos ? nullptr : path.data() + close;
    const auto [end, error] = last == nullptr ? std::from_chars_result{path.data(), std::errc::invalid_argument}
                                              : std::from_chars(path.data() + 1, last, step.array_index);
    if (error != std::errc{} || end != last || step.array_index < 0) {
      throw FunctionError("field(): an array index is written [3], not '" + std::string(path) + "'");
    }
    path.remove_prefix(close + 1);
    return step;
  }
  const std::size_t length = std::min(path.find_first_of(".["), path.size());
  step.name = path.substr(0, length);
  path.remove_prefix(length);
  return step;
}

ObjectId referent(GraphCache& graph, ObjectId object, const PathStep& step) {
  if (step.name == "<class>") return graph.class_object(graph.node(object).class_id);
  std::vector<Edge> edges;
  graph.references(object, edges);
  for (const Edge& edge : edges) {
    if (step.array_index >= 0 ? edge.slot == step.array_index
                              : edge.name != no_name && graph.edge_name(edge) == step.name) {
      return edge.target;
    }
  }
  return no_object;
}

/// field(obj, 'a.b.c'): follows references by name; the last name may be a primitive. The text of a string object, the
/// id of any other object; NULL for null, for a field that is not there and for values that the import left out.
void field(GraphCache& graph, sqlite3_context* context, int, Arguments arguments) {
  std::optional<ObjectId> object = object_argument(graph, arguments[0]);
  if (!object || sqlite3_value_type(arguments[1]) == SQLITE_NULL) return;
  std::string_view path = value_text(arguments[1]);
  ObjectId at = *object;
  while (const std::optional<PathStep> step = next_step(path)) {
    const ObjectId next = referent(graph, at, *step);
    if (next == no_object) {
      if (!path.empty() || step->array_index >= 0) return;
      Lookup& row = graph.lookup(
          "SELECT v.value FROM value v JOIN name n ON n.id = v.name_id WHERE v.object_id = ?1 AND n.value = ?2 LIMIT "
          "1");
      if (row.with(index(at)).bind_text(2, step->name).step()) {
        sqlite3_result_value(context, row.value(0));
        row.reset();
      }
      return;
    }
    at = next;
  }
  if (const std::optional<std::string> text = string_value(graph, at)) {
    result_text(context, *text);
  } else {
    sqlite3_result_int64(context, index(at));
  }
}

void to_string(GraphCache& graph, sqlite3_context* context, int, Arguments arguments) {
  if (const auto object = object_argument(graph, arguments[0])) result_text(context, object_text(graph, *object));
}

void class_of(GraphCache& graph, sqlite3_context* context, int, Arguments arguments) {
  if (const auto object = object_argument(graph, arguments[0])) {
    result_text(context, graph.class_name(graph.node(*object).class_id));
  }
}

void shallow_size(GraphCache& graph, sqlite3_context* context, int, Arguments arguments) {
  if (const auto object = object_argument(graph, arguments[0])) {
    sqlite3_result_int64(context, static_cast<sqlite3_int64>(graph.node(*object).shallow_size));
  }
}

void retained_size(GraphCache& graph, sqlite3_context* context, int, Arguments arguments) {
  if (const auto object = object_argument(graph, arguments[0])) {
    if (const auto size = graph.retained_size(*object)) sqlite3_result_int64(context, *size);
  }
}

void root_distance(GraphCache& graph, sqlite3_context* context, int, Arguments arguments) {
  if (const auto object = object_argument(graph, arguments[0])) {
    const std::uint32_t distance = graph.node(*object).distance;
    if (distance != no_distance) sqlite3_result_int64(context, distance);
  }
}

void addr(GraphCache& graph, sqlite3_context* context, int, Arguments arguments) {
  if (const auto object = object_argument(graph, arguments[0])) {
    result_text(context, hex_address(graph.address(*object)));
  }
}

void obj_at(GraphCache& graph, sqlite3_context* context, int, Arguments arguments) {
  if (sqlite3_value_type(arguments[0]) == SQLITE_NULL) return;
  std::uint64_t address = 0;
  if (sqlite3_value_type(arguments[0]) == SQLITE_INTEGER) {
    address = static_cast<std::uint64_t>(sqlite3_value_int64(arguments[0]));
  } else {
    std::string_view text = value_text(arguments[0]);
    if (text.substr(0, 2) == "0x" || text.substr(0, 2) == "0X") text.remove_prefix(2);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), address, 16);
    if (error != std::errc{} || end != text.data() + text.size()) {
      throw FunctionError("obj_at(): '" + std::string(value_text(arguments[0])) + "' is not an address");
    }
  }
  const ObjectId found = graph.object_at(static_cast<std::int64_t>(address));
  if (found != no_object) sqlite3_result_int64(context, index(found));
}

void hex_addr(GraphCache&, sqlite3_context* context, int, Arguments arguments) {
  if (sqlite3_value_type(arguments[0]) != SQLITE_NULL) {
    result_text(context, hex_address(sqlite3_value_int64(arguments[0])));
  }
}

void human_size_function(GraphCache&, sqlite3_context* context, int, Arguments arguments) {
  if (sqlite3_value_type(arguments[0]) != SQLITE_NULL) {
    result_text(context, human_size(sqlite3_value_double(arguments[0])));
  }
}

void bytes(GraphCache&, sqlite3_context* context, int, Arguments arguments) {
  if (sqlite3_value_type(arguments[0]) == SQLITE_NULL) return;
  const std::string_view text = value_text(arguments[0]);
  const std::optional<std::int64_t> size = parse_bytes(text);
  if (!size) throw FunctionError("bytes(): '" + std::string(text) + "' is not a size; write 64 MiB, 1.5G or 4096");
  sqlite3_result_int64(context, *size);
}

/// A name that is not mangled comes back as it is.
void demangle(GraphCache&, sqlite3_context* context, int, Arguments arguments) {
  if (sqlite3_value_type(arguments[0]) == SQLITE_NULL) return;
  const std::string name(value_text(arguments[0]));
  int status = 0;
  char* plain = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
  // "i" is the mangled type int, but as a function's name it is just i: symbols begin with _Z.
  result_text(context, status == 0 && name.rfind("_Z", 0) == 0 ? std::string_view(plain) : std::string_view(name));
  std::free(plain);
}

std::int64_t address_argument(const char* function, sqlite3_value* value) {
  if (sqlite3_value_type(value) != SQLITE_TEXT) return sqlite3_value_int64(value);
  const std::string_view text = value_text(value);
  std::uint64_t address = 0;
  const bool is_hex = text.rfind("0x", 0) == 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data() + (is_hex ? 2 : 0), last, address, is_hex ? 16 : 10);
  if (error != std::errc{} || end != last) {
    throw FunctionError(std::string(function) + "(): '" + std::string(text) + "' is not an address");
  }
  return static_cast<std::int64_t>(address);
}

/// "0x401136  mov rax, qword ptr [rip + 0x2ee3]", a line an instruction.
void disasm(GraphCache& graph, sqlite3_context* context, int, Arguments arguments) {
  if (sqlite3_value_type(arguments[0]) == SQLITE_NULL) return;
  const std::int64_t address = address_argument("disasm", arguments[0]);
  const std::int64_t count = sqlite3_value_int64(arguments[1]);
  if (count < 1 || count > 100'000) throw FunctionError("disasm(): the number of instructions is between 1 and 100000");
  Lookup function(graph.connection(),
                  "SELECT address + size FROM code_function WHERE address <= ?1 AND ?1 < address + size "
                  "ORDER BY address DESC LIMIT 1");
  if (!function.with(address).step()) {
    Lookup any(graph.connection(), "SELECT count(*) FROM code_function");
    any.step();
    const std::int64_t known = any.integer(0);
    throw FunctionError(known == 0 ? "disasm(): this database holds no machine code (it was made from a managed heap "
                                     "dump, or without the core's program: --exe, --code)"
                                   : "disasm(): no code is kept of " + hex_address(address) + ", only that of the " +
                                         std::to_string(known) + " functions in table code_function");
  }
  Lookup lines(graph.connection(),
               "SELECT address, text FROM instruction WHERE address >= ?1 AND address < ?2 ORDER BY address LIMIT ?3");
  std::string text;
  lines.with(address, function.integer(0), count);
  while (lines.step()) text += (text.empty() ? "" : "\n") + hex_address(lines.integer(0)) + "  " + lines.text(1);
  result_text(context, text);
}

/// The object that holds the address: "shop::Square +0x10 (object 12 at 0x…, 48 bytes)"; "" = none.
std::string describe_object(GraphCache& graph, std::int64_t address) {
  const ObjectId id = graph.object_at_or_below(address);
  if (id == no_object) return {};
  Lookup object(graph.connection(),
                "SELECT o.id, o.address, o.shallow_size, c.name FROM object AS o LEFT JOIN class AS c "
                "ON c.id = o.class_id WHERE o.id = ?1");
  if (!object.with(index(id)).step()) return {};
  const auto offset =
      static_cast<std::int64_t>(static_cast<std::uint64_t>(address) - static_cast<std::uint64_t>(object.integer(1)));
  if (offset < 0 || offset >= object.integer(2)) return {};
  std::string text = object.text(3);
  if (offset != 0) {
    Lookup field(graph.connection(),
                 "SELECT f.name FROM field AS f JOIN object AS o ON o.class_id = f.class_id "
                 "WHERE o.id = ?1 AND NOT f.is_static AND f.offset <= ?2 AND ?2 < f.offset + max(f.size, 1) "
                 "ORDER BY f.offset DESC LIMIT 1");
    const bool is_named = field.with(object.integer(0), offset).step() && !field.is_null(0);
    text += is_named ? "." + field.text(0) : " " + std::string("+") + hex_address(offset);
  }
  return text + " (object " + std::to_string(object.integer(0)) + " at " + hex_address(object.integer(1)) + ", " +
         std::to_string(object.integer(2)) + " bytes)";
}

/// The first answer that one of these gives to an address; each with the columns that make the text.
std::string describe_place(GraphCache& graph, std::int64_t address) {
  constexpr std::string_view questions[] = {
      "SELECT 'free block of ' || f.size || ' bytes at ' || printf('0x%x', f.address) || "
      "coalesce(' in ' || r.name, '') FROM free_block AS f LEFT JOIN region AS r ON r.id = f.region_id "
      "WHERE f.address <= ?1 AND ?1 < f.address + f.size LIMIT 1",
      "SELECT coalesce(name, kind, 'heap') || ', the allocator''s own or unused memory' FROM region "
      "WHERE start_address <= ?1 AND ?1 < end_address LIMIT 1",
      "SELECT function || CASE WHEN ?1 = address THEN '' ELSE printf('+0x%x', ?1 - address) END || ' (' || module || "
      "')' "
      "FROM code_function WHERE address <= ?1 AND ?1 < address + size ORDER BY address DESC LIMIT 1",
      "SELECT 'variable ' || symbol FROM code_reference WHERE target = ?1 AND symbol IS NOT NULL LIMIT 1"};
  for (const std::string_view question : questions) {
    Lookup answer(graph.connection(), question);
    if (answer.with(address).step() && !answer.is_null(0)) return answer.text(0);
  }
  return {};
}

/// NULL where nothing is known of the address.
void describe(GraphCache& graph, sqlite3_context* context, int, Arguments arguments) {
  if (sqlite3_value_type(arguments[0]) == SQLITE_NULL) return;
  const std::int64_t address = address_argument("describe", arguments[0]);
  std::string text = describe_object(graph, address);
  if (text.empty()) text = describe_place(graph, address);
  if (!text.empty()) result_text(context, text);
}

void what_if_cut_function(GraphCache& graph, sqlite3_context* context, int, Arguments arguments) {
  const auto source = object_argument(graph, arguments[0]);
  if (!source || sqlite3_value_type(arguments[1]) == SQLITE_NULL) return;
  if (sqlite3_value_numeric_type(arguments[1]) != SQLITE_INTEGER) {
    throw FunctionError("what_if_cut(): the slot is a number, as in reference.slot; -1 is the edge to the class");
  }
  if (const auto freed = what_if_cut(graph, *source, sqlite3_value_int64(arguments[1]))) {
    sqlite3_result_int64(context, *freed);
  }
}

using Function = void (*)(GraphCache&, sqlite3_context*, int, Arguments);

struct Scalar {
  const char* name;
  int arguments;
  bool pure;  ///< of its arguments alone
  Function call;
};

constexpr Scalar scalars[] = {
    {"field", 2, false, field},
    {"to_string", 1, false, to_string},
    {"class_of", 1, false, class_of},
    {"shallow_size", 1, false, shallow_size},
    {"retained_size", 1, false, retained_size},
    {"root_distance", 1, false, root_distance},
    {"addr", 1, false, addr},
    {"obj_at", 1, false, obj_at},
    {"what_if_cut", 2, false, what_if_cut_function},
    {"hex_addr", 1, true, hex_addr},
    {"human_size", 1, true, human_size_function},
    {"bytes", 1, true, bytes},
    {"demangle", 1, true, demangle},
    {"disasm", 2, false, disasm},
    {"describe", 1, false, describe},
};

struct ScalarData {
  SharedGraph graph;
  Function call;
};

void call_scalar(sqlite3_context* context, int count, sqlite3_value** arguments) {
  const auto* data = static_cast<const ScalarData*>(sqlite3_user_data(context));
  guarded(context, [&] { data->call(*data->graph, context, count, arguments); });
}

}  // namespace

int register_scalar_functions(sqlite3* connection, const SharedGraph& graph) {
  for (const Scalar& scalar : scalars) {
    const int flags = SQLITE_UTF8 | SQLITE_INNOCUOUS | (scalar.pure ? SQLITE_DETERMINISTIC : 0);
    // SQLite calls the destructor also when registering fails.
    auto* data = new ScalarData{graph, scalar.call};
    const int code =
        sqlite3_create_function_v2(connection, scalar.name, scalar.arguments, flags, data, call_scalar, nullptr,
                                   nullptr, [](void* pointer) { delete static_cast<ScalarData*>(pointer); });
    if (code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}

}  // namespace queries
