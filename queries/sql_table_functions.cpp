// Table-valued SQL functions: eponymous virtual tables whose hidden columns are the arguments. One row of the table
// below each; the answer is computed whole when a scan begins. https://www.sqlite.org/vtab.html#tabfunc2
#include <array>
#include <cstddef>
#include <vector>

#include "queries/sql_functions.h"
#include "queries/traversal.h"

namespace queries {
namespace {

enum class Field : std::uint8_t {
  path,
  step,
  object_id,
  address,
  class_name,
  name,
  slot,
  strength,
  shallow_size,
  retained_size,
  root,
  weak_used,
};

struct Parameter {
  const char* name = nullptr;
  bool required = false;
};
constexpr std::size_t max_parameters = 2;

/// Values of the hidden columns; nullptr = not given.
using Given = std::array<sqlite3_value*, max_parameters>;

struct TableFunction {
  const char* name;
  const char* usage;
  const char* help;
  std::array<Parameter, max_parameters> parameters;
  const char* declaration;  ///< visible columns in the order of `fields`, as SQL
  std::vector<Field> fields;
  std::vector<Row> (*rows)(GraphCache&, const Given&);
};

std::int64_t integer_or(sqlite3_value* value, std::int64_t otherwise) {
  return value == nullptr || sqlite3_value_type(value) == SQLITE_NULL ? otherwise : sqlite3_value_int64(value);
}

std::vector<Row> rows_of_path(GraphCache& graph, const Given& given) {
  const auto object = object_argument(graph, given[0]);
  return object ? path_to_root(graph, *object) : std::vector<Row>{};
}
std::vector<Row> rows_of_paths(GraphCache& graph, const Given& given) {
  const auto object = object_argument(graph, given[0]);
  const std::int64_t k = integer_or(given[1], 5);
  if (k < 1 || k > 100'000) throw FunctionError("paths_to_root(): k is between 1 and 100000");
  return object ? paths_to_root(graph, *object, static_cast<std::uint32_t>(k)) : std::vector<Row>{};
}
std::vector<Row> rows_of_dominated(GraphCache& graph, const Given& given) {
  const auto object = object_argument(graph, given[0]);
  const std::int64_t depth = integer_or(given[1], 1);
  if (depth < 0 || depth >= no_distance) throw FunctionError("dominated(): depth is 1 or more; 0 = all levels");
  return object ? dominated(graph, *object, static_cast<std::uint32_t>(depth)) : std::vector<Row>{};
}
std::vector<Row> rows_of_reachable(GraphCache& graph, const Given& given) {
  const auto object = object_argument(graph, given[0]);
  const std::string_view follow = given[1] == nullptr ? std::string_view("collector") : value_text(given[1]);
  if (follow != "all" && follow != "collector") {
    throw FunctionError("reachable_from(): follow is 'collector' (what keeps alive) or 'all' (weak references too)");
  }
  return object ? reachable_from(graph, *object, follow == "all") : std::vector<Row>{};
}
std::vector<Row> rows_of_instances(GraphCache& graph, const Given& given) {
  if (sqlite3_value_type(given[0]) == SQLITE_NULL) return {};
  return instances(graph, std::string(value_text(given[0])), integer_or(given[1], 0) != 0);
}
template <std::vector<Row> (*Function)(GraphCache&, ObjectId)>
std::vector<Row> rows_of(GraphCache& graph, const Given& given) {
  const auto object = object_argument(graph, given[0]);
  return object ? Function(graph, *object) : std::vector<Row>{};
}

using F = Field;
const std::vector<TableFunction>& table_functions() {
  static const std::vector<TableFunction> functions{
      {"path_to_root",
       "path_to_root(object)",
       "a shortest path from a root (step 0) to the object",
       {{{"object", true}, {}}},
       "step, object_id, address, class, name, strength, slot, shallow_size, retained_size, root",
       {F::step, F::object_id, F::address, F::class_name, F::name, F::strength, F::slot, F::shallow_size,
        F::retained_size, F::root},
       rows_of_path},
      {"paths_to_root",
       "paths_to_root(object, k)",
       "the k shortest distinct paths without weak references; weak_used = 1 when there is none without",
       {{{"object", true}, {"k", false}}},
       "path, step, object_id, address, class, name, strength, slot, shallow_size, retained_size, root, weak_used",
       {F::path, F::step, F::object_id, F::address, F::class_name, F::name, F::strength, F::slot, F::shallow_size,
        F::retained_size, F::root, F::weak_used},
       rows_of_paths},
      {"dominated",
       "dominated(object[, depth])",
       "children in the dominator tree; depth levels of them, 0 = all",
       {{{"object", true}, {"max_depth", false}}},
       "depth, object_id, address, class, shallow_size, retained_size",
       {F::step, F::object_id, F::address, F::class_name, F::shallow_size, F::retained_size},
       rows_of_dominated},
      {"dominator_chain",
       "dominator_chain(object)",
       "the object (step 0), its dominator, … up to the virtual root",
       {{{"object", true}, {}}},
       "step, object_id, address, class, shallow_size, retained_size",
       {F::step, F::object_id, F::address, F::class_name, F::shallow_size, F::retained_size},
       rows_of<dominator_chain>},
      {"retained_set",
       "retained_set(object)",
       "what would be freed with the object, itself included",
       {{{"object", true}, {}}},
       "distance, object_id, address, class, shallow_size, retained_size",
       {F::step, F::object_id, F::address, F::class_name, F::shallow_size, F::retained_size},
       rows_of<retained_set>},
      {"reachable_from",
       "reachable_from(object[, 'all'])",
       "everything the object reaches, itself included; 'all' = over weak references too",
       {{{"object", true}, {"follow", false}}},
       "distance, object_id, address, class, shallow_size, retained_size",
       {F::step, F::object_id, F::address, F::class_name, F::shallow_size, F::retained_size},
       rows_of_reachable},
      {"referrers",
       "referrers(object)",
       "references to the object; instances refer to their class as <class>",
       {{{"object", true}, {}}},
       "object_id, address, class, name, slot, strength, shallow_size, retained_size",
       {F::object_id, F::address, F::class_name, F::name, F::slot, F::strength, F::shallow_size, F::retained_size},
       rows_of<referrers>},
      {"referents",
       "referents(object)",
       "references of the object",
       {{{"object", true}, {}}},
       "object_id, address, class, name, slot, strength, shallow_size, retained_size",
       {F::object_id, F::address, F::class_name, F::name, F::slot, F::strength, F::shallow_size, F::retained_size},
       rows_of<referents>},
      {"instances",
       "instances('class'[, with_subclasses])",
       "objects of the class; 1 = of its subclasses too",
       {{{"class_name", true}, {"with_subclasses", false}}},
       "object_id, address, class, shallow_size, retained_size",
       {F::object_id, F::address, F::class_name, F::shallow_size, F::retained_size},
       rows_of_instances},
  };
  return functions;
}

constexpr FunctionHelp scalar_help[] = {
    {"field", "scalar", "field(object, 'a.b[3].c')", "follows fields; text of strings, numbers, else the object's id"},
    {"to_string", "scalar", "to_string(object)", "text of a string, name of a class, else Class@0xaddress"},
    {"class_of", "scalar", "class_of(object)", "name of the object's class"},
    {"shallow_size", "scalar", "shallow_size(object)", "bytes of the object itself"},
    {"retained_size", "scalar", "retained_size(object)", "bytes freed with the object; NULL when it is not live"},
    {"root_distance", "scalar", "root_distance(object)", "references from the nearest root; 0 = held by a root"},
    {"addr", "scalar", "addr(object)", "address as 0x…"},
    {"obj_at", "scalar", "obj_at('0x…')", "id of the object at exactly this address"},
    {"what_if_cut", "scalar", "what_if_cut(source, slot)",
     "bytes freed if this one reference were cut; slot -1 = class"},
    {"hex_addr", "scalar", "hex_addr(n)", "n as 0x…"},
    {"human_size", "scalar", "human_size(n)", "1.2 MiB"},
    {"bytes", "scalar", "bytes('64 MiB')", "a size as people write it, in bytes"},
    {"demangle", "scalar", "demangle(name)", "a C++ symbol as C++ writes it"},
    {"disasm", "scalar", "disasm(address, n)", "n instructions as text, for databases of native programs"},
    {"describe", "scalar", "describe(address)", "what is at an address: object and field, free block, code, variable"},
};

constexpr std::string_view functions_table = "heapql_functions";

/// What a module hands to its tables.
struct Module {
  SharedGraph graph;
  const TableFunction* function = nullptr;  ///< nullptr: the list of functions
};

struct Table {
  sqlite3_vtab base{};  // SQLite's part: first
  const Module* module = nullptr;
};

struct Cursor {
  sqlite3_vtab_cursor base{};  // SQLite's part: first
  std::vector<Row> rows;
  std::size_t at = 0;
  std::size_t end = 0;
};

Table* table_of(sqlite3_vtab* table) { return reinterpret_cast<Table*>(table); }
Cursor* cursor_of(sqlite3_vtab_cursor* cursor) { return reinterpret_cast<Cursor*>(cursor); }
const Module& module_of(const Cursor* cursor) { return *table_of(cursor->base.pVtab)->module; }

void set_error(sqlite3_vtab* table, const std::string& message) {
  sqlite3_free(table->zErrMsg);
  table->zErrMsg = sqlite3_mprintf("%s", message.c_str());
}

int connect(sqlite3* connection, void* data, int, const char* const*, sqlite3_vtab** out, char**) {
  const auto* module = static_cast<const Module*>(data);
  std::string sql = "CREATE TABLE x(";
  if (module->function == nullptr) {
    sql += "name, kind, usage, help";
  } else {
    sql += module->function->declaration;
    for (const Parameter& parameter : module->function->parameters) {
      if (parameter.name != nullptr) sql += std::string(", ") + parameter.name + " HIDDEN";
    }
  }
  const int code = sqlite3_declare_vtab(connection, (sql + ")").c_str());
  if (code != SQLITE_OK) return code;
  sqlite3_vtab_config(connection, SQLITE_VTAB_INNOCUOUS);
  auto* table = new (std::nothrow) Table;
  if (table == nullptr) return SQLITE_NOMEM;
  table->module = module;
  *out = &table->base;
  return SQLITE_OK;
}

int disconnect(sqlite3_vtab* table) {
  // The connection is closing: it would refuse to while statements of ours live.
  table_of(table)->module->graph->release();
  delete table_of(table);
  return SQLITE_OK;
}

/// idxNum = bit set of the parameters given, in their order in argv.
int best_index(sqlite3_vtab* table, sqlite3_index_info* info) {
  const TableFunction* function = table_of(table)->module->function;
  info->estimatedCost = 100;
  info->estimatedRows = 100;
  if (function == nullptr) return SQLITE_OK;
  const int visible = static_cast<int>(function->fields.size());
  int arguments = 0;
  for (std::size_t p = 0; p < max_parameters; ++p) {
    const Parameter& parameter = function->parameters[p];
    if (parameter.name == nullptr) continue;
    bool mentioned = false;
    bool used = false;
    for (int i = 0; i < info->nConstraint && !used; ++i) {
      const auto& constraint = info->aConstraint[i];
      if (constraint.iColumn != visible + static_cast<int>(p) || constraint.op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
      mentioned = true;
      if (constraint.usable == 0) continue;
      used = true;
      info->aConstraintUsage[i].argvIndex = ++arguments;
      info->aConstraintUsage[i].omit = 1;
      info->idxNum |= 1 << p;
    }
    if (mentioned && !used) return SQLITE_CONSTRAINT;  // another order of the join gives it a value
    if (!mentioned && parameter.required) {
      set_error(table, std::string(function->name) + "() needs its argument: SELECT * FROM " + function->usage);
      return SQLITE_ERROR;
    }
  }
  return SQLITE_OK;
}

int open(sqlite3_vtab*, sqlite3_vtab_cursor** out) {
  auto* cursor = new (std::nothrow) Cursor;
  if (cursor == nullptr) return SQLITE_NOMEM;
  *out = &cursor->base;
  return SQLITE_OK;
}

int close(sqlite3_vtab_cursor* cursor) {
  delete cursor_of(cursor);
  return SQLITE_OK;
}

int filter(sqlite3_vtab_cursor* base, int given_set, const char*, int, sqlite3_value** arguments) {
  Cursor* cursor = cursor_of(base);
  const Module& module = module_of(cursor);
  cursor->at = 0;
  if (module.function == nullptr) {
    cursor->end = std::size(scalar_help) + table_functions().size();
    return SQLITE_OK;
  }
  Given given{};
  for (std::size_t p = 0, next = 0; p < max_parameters; ++p) {
    if ((given_set >> p) & 1) given[p] = arguments[next++];
  }
  try {
    cursor->rows = module.function->rows(*module.graph, given);
    cursor->end = cursor->rows.size();
    return SQLITE_OK;
  } catch (const FunctionError& error) {
    set_error(base->pVtab, error.what());
    return error.code;
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  } catch (const std::exception& error) {
    set_error(base->pVtab, error.what());
    return SQLITE_ERROR;
  }
}

int next(sqlite3_vtab_cursor* cursor) {
  ++cursor_of(cursor)->at;
  return SQLITE_OK;
}

int at_end(sqlite3_vtab_cursor* cursor) { return cursor_of(cursor)->at >= cursor_of(cursor)->end ? 1 : 0; }

int rowid(sqlite3_vtab_cursor* cursor, sqlite3_int64* out) {
  *out = static_cast<sqlite3_int64>(cursor_of(cursor)->at);
  return SQLITE_OK;
}

void help_column(std::size_t row, sqlite3_context* context, int column) {
  if (row < std::size(scalar_help)) {
    const FunctionHelp& help = scalar_help[row];
    result_text(context, std::array{help.name, help.kind, help.usage, help.help}[static_cast<std::size_t>(column)]);
    return;
  }
  const TableFunction& function = table_functions()[row - std::size(scalar_help)];
  const std::array<std::string_view, 4> texts{function.name, "table", function.usage, function.help};
  result_text(context, texts[static_cast<std::size_t>(column)]);
}

void field_column(GraphCache& graph, const Row& row, Field field, sqlite3_context* context) {
  switch (field) {
    case Field::path: sqlite3_result_int64(context, row.path); return;
    case Field::step: sqlite3_result_int64(context, row.step); return;
    case Field::object_id: sqlite3_result_int64(context, index(row.object)); return;
    case Field::address: result_text(context, hex_address(graph.address(row.object))); return;
    case Field::class_name: result_text(context, graph.class_name(graph.node(row.object).class_id)); return;
    case Field::name:
      if (row.by_edge) result_text(context, graph.edge_name({row.slot, row.object, row.name, row.strength}));
      return;
    case Field::slot:
      if (row.by_edge) sqlite3_result_int64(context, row.slot);
      return;
    case Field::strength:
      if (row.by_edge) result_text(context, to_text(row.strength));
      return;
    case Field::shallow_size:
      sqlite3_result_int64(context, static_cast<sqlite3_int64>(graph.node(row.object).shallow_size));
      return;
    case Field::retained_size:
      if (const auto size = graph.retained_size(row.object)) sqlite3_result_int64(context, *size);
      return;
    case Field::root:
      if (!row.by_edge) result_text(context, graph.root_kind(row.object));
      return;
    case Field::weak_used: sqlite3_result_int(context, row.weak_used ? 1 : 0); return;
  }
}

int column(sqlite3_vtab_cursor* base, sqlite3_context* context, int number) {
  const Cursor* cursor = cursor_of(base);
  const Module& module = module_of(cursor);
  if (module.function == nullptr) {
    help_column(cursor->at, context, number);
    return SQLITE_OK;
  }
  if (number < 0 || static_cast<std::size_t>(number) >= module.function->fields.size()) return SQLITE_OK;  // hidden
  const Field field = module.function->fields[static_cast<std::size_t>(number)];
  int code = SQLITE_OK;
  try {
    field_column(*module.graph, cursor->rows[cursor->at], field, context);
  } catch (const FunctionError& error) {
    sqlite3_result_error(context, error.what(), -1);
    code = error.code;
  } catch (const std::bad_alloc&) {
    code = SQLITE_NOMEM;
  }
  return code;
}

const sqlite3_module& methods() {
  static const sqlite3_module module = [] {
    sqlite3_module m{};
    m.xConnect = connect;  // xCreate stays null: eponymous only
    m.xBestIndex = best_index;
    m.xDisconnect = disconnect;
    m.xOpen = open;
    m.xClose = close;
    m.xFilter = filter;
    m.xNext = next;
    m.xEof = at_end;
    m.xColumn = column;
    m.xRowid = rowid;
    return m;
  }();
  return module;
}

/// Connects a table now: declaring it later would ask an authorizer that allows no schema changes for one
/// (SQLite 3.40), and its xDisconnect is what lets go of our statements when the connection closes.
void connect_now(sqlite3* connection, const char* name) {
  const std::string sql =
      std::string("SELECT 1 FROM ") + name + (std::string_view(name) == functions_table ? "" : "(0)");
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v2(connection, sql.c_str(), -1, &statement, nullptr);  // an error will be told when it is used
  sqlite3_finalize(statement);
}

int create_module(sqlite3* connection, const char* name, const SharedGraph& graph, const TableFunction* function) {
  return sqlite3_create_module_v2(connection, name, &methods(), new Module{graph, function},
                                  [](void* pointer) { delete static_cast<Module*>(pointer); });
}

}  // namespace

int register_table_functions(sqlite3* connection, const SharedGraph& graph) {
  int code = create_module(connection, functions_table.data(), graph, nullptr);
  for (const TableFunction& function : table_functions()) {
    if (code == SQLITE_OK) code = create_module(connection, function.name, graph, &function);
  }
  if (code != SQLITE_OK) return code;
  connect_now(connection, functions_table.data());
  for (const TableFunction& function : table_functions()) connect_now(connection, function.name);
  return SQLITE_OK;
}

}  // namespace queries
