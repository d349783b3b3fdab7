// SQLite's API for code that is linked into the program and also into the loadable extension: the extension must call
// the SQLite that loads it (which may be another copy than libsqlite3) through the table of pointers that it is handed.
// https://www.sqlite.org/loadext.html
#pragma once

#ifdef HEAPQL_LOADABLE_EXTENSION
#include <sqlite3ext.h>
extern "C" {
SQLITE_EXTENSION_INIT3
}
#else
#include <sqlite3.h>
#endif

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace queries {

/// A SQL function cannot answer: becomes the statement's error. `code` is SQLite's.
struct FunctionError : std::runtime_error {
  explicit FunctionError(const std::string& message, int sqlite_code = SQLITE_ERROR)
      : std::runtime_error(message), code(sqlite_code) {}
  int code;
};

/// A prepared statement of ours, positional parameters from 1. Throws FunctionError.
class Lookup {
 public:
  Lookup(sqlite3* connection, std::string_view sql);
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;
  ~Lookup() { sqlite3_finalize(statement_); }

  /// Starts over with these integer parameters.
  template <typename... Integers>
  Lookup& with(Integers... values) {
    sqlite3_reset(statement_);
    int position = 0;
    (sqlite3_bind_int64(statement_, ++position, static_cast<sqlite3_int64>(values)), ...);
    return *this;
  }
  Lookup& bind_text(int position, std::string_view value) {
    sqlite3_bind_text(statement_, position, value.data(), static_cast<int>(value.size()), SQLITE_TRANSIENT);
    return *this;
  }
  /// false = no further row; the statement is then reset.
  bool step();
  void reset() { sqlite3_reset(statement_); }
  [[nodiscard]] bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  [[nodiscard]] std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::string_view blob(int column) const;  ///< valid until the next step
  [[nodiscard]] sqlite3_value* value(int column) const { return sqlite3_column_value(statement_, column); }

 private:
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace queries
