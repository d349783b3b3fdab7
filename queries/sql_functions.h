// The SQL functions' own plumbing, shared by scalars and table-valued functions. Users include queries/database.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "queries/graph_cache.h"
#include "queries/sqlite_api.h"

namespace queries {

/// One function as `heapql_functions` lists it.
struct FunctionHelp {
  std::string_view name;
  std::string_view kind;  ///< "scalar" or "table"
  std::string_view usage;
  std::string_view help;
};

using SharedGraph = std::shared_ptr<GraphCache>;

int register_scalar_functions(sqlite3* connection, const SharedGraph& graph);
int register_table_functions(sqlite3* connection, const SharedGraph& graph);

/// An OBJECT argument: an id, or the text of an id or of a 0x address. nullopt for NULL. Throws FunctionError when
/// there is no such object.
[[nodiscard]] std::optional<ObjectId> object_argument(GraphCache& graph, sqlite3_value* value);

/// "0x" and 16 hex digits at most, lower case, no leading zeros.
[[nodiscard]] std::string hex_address(std::int64_t address);
/// The text of a string object, the name of a class object, else Class@0xaddress.
[[nodiscard]] std::string object_text(GraphCache& graph, ObjectId object);
[[nodiscard]] std::optional<std::string> string_value(GraphCache& graph, ObjectId object);
/// "999 B", "1.2 MiB"; units are powers of 1024.
[[nodiscard]] std::string human_size(double bytes);
/// "64 MiB", "64M", "1.5 GB", "123" → bytes; nullopt when it is not a size.
[[nodiscard]] std::optional<std::int64_t> parse_bytes(std::string_view text);

[[nodiscard]] std::string_view value_text(sqlite3_value* value);
void result_text(sqlite3_context* context, std::string_view text);

/// Calls body() and turns exceptions into the statement's error: none may cross SQLite's C frames.
template <typename Body>
void guarded(sqlite3_context* context, Body&& body) {
  try {
    body();
  } catch (const FunctionError& error) {
    sqlite3_result_error(context, error.what(), -1);
    if (error.code != SQLITE_ERROR) sqlite3_result_error_code(context, error.code);
  } catch (const std::bad_alloc&) {
    sqlite3_result_error_nomem(context);
  } catch (const std::exception& error) {
    sqlite3_result_error(context, error.what(), -1);
  }
}

}  // namespace queries
