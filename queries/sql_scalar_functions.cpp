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

void disasm(GraphCache&, sqlite3_context*, int, Arguments) {
  throw FunctionError("disasm(): this database holds no machine code (it was made from a managed heap dump)");
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
