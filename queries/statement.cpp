#include <sqlite3.h>

#include <utility>

#include "queries/database.h"
#include "queries/sql_hints.h"

namespace queries {

Statement::Statement(sqlite3* connection, std::string_view sql) : connection_(connection) {
  const char* tail = nullptr;
  const int code = sqlite3_prepare_v2(connection, sql.data(), static_cast<int>(sql.size()), &statement_, &tail);
  if (code != SQLITE_OK) {
    const std::string message = sqlite3_errmsg(connection);
    throw QueryError(message + hint_for(connection, message, sql));
  }
  if (tail != nullptr) tail_ = sql.substr(static_cast<std::size_t>(tail - sql.data()));
}

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_), statement_(std::exchange(other.statement_, nullptr)), tail_(other.tail_) {}

Statement::~Statement() { sqlite3_finalize(statement_); }

namespace {

int parameter(sqlite3_stmt* statement, std::string_view name) {
  for (const char sigil : {':', '@', '$'}) {
    if (const int at = sqlite3_bind_parameter_index(statement, (sigil + std::string(name)).c_str())) return at;
  }
  throw QueryError("the SQL has no parameter :" + std::string(name));
}

}  // namespace

Statement& Statement::bind(std::string_view name, std::int64_t value) {
  sqlite3_bind_int64(statement_, parameter(statement_, name), value);
  return *this;
}

Statement& Statement::bind(std::string_view name, double value) {
  sqlite3_bind_double(statement_, parameter(statement_, name), value);
  return *this;
}

Statement& Statement::bind(std::string_view name, std::string_view value) {
  const char* data = value.data() == nullptr ? "" : value.data();
  sqlite3_bind_text64(statement_, parameter(statement_, name), data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

std::vector<std::string> Statement::parameter_names() const {
  std::vector<std::string> names;
  for (int i = 1; i <= sqlite3_bind_parameter_count(statement_); ++i) {
    const char* name = sqlite3_bind_parameter_name(statement_, i);
    names.emplace_back(name == nullptr ? "" : name + 1);
  }
  return names;
}

bool Statement::step() {
  if (statement_ == nullptr) return false;  // nothing but comments
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  if (code == SQLITE_INTERRUPT) throw QueryError("stopped: interrupted, or out of time (--timeout)");
  throw QueryError(sqlite3_errmsg(connection_));
}

int Statement::column_count() const { return sqlite3_column_count(statement_); }

std::string Statement::column_name(int column) const {
  const char* name = sqlite3_column_name(statement_, column);
  return name == nullptr ? "" : name;
}

bool Statement::is_null(int column) const { return type(column) == SQLITE_NULL; }

int Statement::type(int column) const { return sqlite3_column_type(statement_, column); }

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }

double Statement::real(int column) const { return sqlite3_column_double(statement_, column); }

std::string Statement::text(int column) const {
  // A blob is handed out as it is, anything else as text; the size has to be asked for afterwards.
  const void* bytes =
      type(column) == SQLITE_BLOB ? sqlite3_column_blob(statement_, column) : sqlite3_column_text(statement_, column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

}  // namespace queries
