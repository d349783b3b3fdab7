// Every table but the bulk ones, through SQLite's own INSERTs: for the store and for the in-memory digest.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "queries/ids.h"
#include "queries/results.h"
#include "queries/snapshot.h"

namespace queries {

/// Runs SQL without a result. Throws StoreError with `path` and SQLite's message.
void execute(sqlite3* connection, const std::string& path, std::string_view sql);

/// Tables, views, application_id and user_version of an empty database.
void create_schema(sqlite3* connection, const std::string& path);

/// A prepared INSERT. `insert(a, b, …)` binds and runs it; ids that are none and empty optionals become NULL.
class Inserter {
 public:
  struct Null {};

  Inserter(sqlite3* connection, const std::string& path, std::string_view sql);
  Inserter(const Inserter&) = delete;
  Inserter& operator=(const Inserter&) = delete;
  ~Inserter() { sqlite3_finalize(statement_); }

  template <typename... Values>
  void insert(const Values&... values) {
    int at = 0;
    (bind(++at, values), ...);
    run();
  }

 private:
  template <typename Integer>
  requires std::is_integral_v<Integer>
  void bind(int at, Integer value) { sqlite3_bind_int64(statement_, at, static_cast<sqlite3_int64>(value)); }
  void bind(int at, double value) { sqlite3_bind_double(statement_, at, value); }
  void bind(int at, std::string_view value);
  void bind(int at, const std::string& value) { bind(at, std::string_view(value)); }
  void bind(int at, const char* value) { bind(at, std::string_view(value)); }
  void bind(int at, Null) { sqlite3_bind_null(statement_, at); }
  void bind(int at, ObjectId id) { bind_id(at, index(id)); }
  void bind(int at, ClassId id) { bind_id(at, index(id)); }
  void bind(int at, NameId id) { bind_id(at, index(id)); }
  template <typename Value>
  void bind(int at, const std::pair<bool, Value>& known) {
    known.first ? bind(at, known.second) : bind(at, Null{});
  }
  void bind_id(int at, std::uint32_t id) { id == 0xFFFF'FFFFu ? bind(at, Null{}) : bind(at, id); }
  void run();

  sqlite3* connection_;
  const std::string& path_;
  sqlite3_stmt* statement_ = nullptr;
  std::string scratch_;  // sanitized text, until run()
};

/// A value, or NULL when `is_known` is false.
template <typename Value>
std::pair<bool, Value> known_if(bool is_known, Value value) {
  return {is_known, std::move(value)};
}

/// NULL where -1 stands for "not known".
inline std::pair<bool, std::int64_t> not_negative(std::int64_t value) { return {value >= 0, value}; }

/// object.reachability … of one object as the store writes it.
struct ObjectRow {
  ObjectId id{};
  std::uint64_t address = 0;
  ClassId class_id{};
  ObjectKind kind = ObjectKind::instance;
  std::uint64_t shallow_size = 0;
  std::int64_t length = -1;        ///< -1 = NULL
  std::int64_t reachability = -1;  ///< -1 = NULL
  std::int64_t retained_size = -1;
  std::int64_t dominator = -1;
  std::int64_t root_distance = -1;
};
/// `kind` and `address` are left to the caller, who goes through them in order. O(1).
[[nodiscard]] ObjectRow object_row(const Snapshot& snapshot, const Results& results, ObjectId id);

/// Rows of every small table, within a transaction of the caller. `meta`: further rows of that table.
void write_small_tables(sqlite3* connection, const std::string& path, const Snapshot& snapshot, const Results& results,
                        std::span<const std::pair<std::string, std::string>> meta);

}  // namespace queries
