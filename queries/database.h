// An open heapql database, read only, with every SQL function registered. All SQL that C++ runs is in queries/.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "queries/ids.h"
#include "queries/object_details.h"

struct sqlite3;
struct sqlite3_stmt;

namespace queries {

struct AllocationProfile;

/// What a column holds, by SQLite's numbers (SQLITE_INTEGER …), for those who do not include sqlite3.h.
namespace value_type {
inline constexpr int integer = 1, real = 2, text = 3, blob = 4, null = 5;
}

/// The SQL is wrong, or was stopped. Message is SQLite's, with a hint ("did you mean retained_size?") where there is
/// one.
struct QueryError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// One prepared statement. Columns are read by position; NULL is told by is_null().
class Statement {
 public:
  Statement(sqlite3* connection, std::string_view sql);
  Statement(Statement&&) noexcept;
  ~Statement();
  Statement& bind(std::string_view name, std::int64_t value);  ///< name without its colon
  Statement& bind(std::string_view name, double value);
  Statement& bind(std::string_view name, std::string_view value);
  [[nodiscard]] std::vector<std::string> parameter_names() const;  ///< without colon, in order
  bool step();                                                     ///< false = done; throws QueryError
  [[nodiscard]] int column_count() const;
  [[nodiscard]] std::string column_name(int column) const;
  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] int type(int column) const;  ///< one of value_type
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] double real(int column) const;
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::string_view tail() const { return tail_; }  ///< what follows the first statement in the SQL

 private:
  sqlite3* connection_;
  sqlite3_stmt* statement_ = nullptr;
  std::string_view tail_;
};

class Database {
 public:
  /// Opens read only: query_only, defensive, authorizer (no ATTACH, no writes, no PRAGMA that writes, no
  /// load_extension). Throws StoreError when the file is missing, not a heapql database, or of a newer schema.
  static std::unique_ptr<Database> open(const std::string& path);
  /// Takes over a connection (in-memory digest).
  static std::unique_ptr<Database> adopt(sqlite3* connection);
  ~Database();

  /// true when the file is an SQLite database with our application_id. Never throws.
  [[nodiscard]] static bool looks_like(const std::string& path);

  [[nodiscard]] Statement prepare(std::string_view sql) const;
  [[nodiscard]] sqlite3* connection() const { return connection_; }
  [[nodiscard]] const std::string& path() const { return path_; }  ///< "" for in-memory
  /// Stops running statements after this long (0 = never) or when `interrupted` becomes true.
  void set_limits(std::chrono::milliseconds timeout, const std::atomic<bool>* interrupted);

  // The few look-ups that every report needs.
  [[nodiscard]] std::optional<double> metric(std::string_view name) const;
  [[nodiscard]] std::optional<std::string> meta(std::string_view key) const;
  /// Has the bulk tables (object with every object), not only a digest.
  [[nodiscard]] bool has_objects() const;
  /// Fields, text and names from the rows.
  [[nodiscard]] std::unique_ptr<ObjectDetails> details() const;

  /// The profile that the rows were just made of, so that the first who asks for it (load_profile) need not read it
  /// back.
  void keep_profile(std::shared_ptr<AllocationProfile> profile) { profile_ = std::move(profile); }
  /// nullptr when there is none, or it was taken.
  [[nodiscard]] std::shared_ptr<AllocationProfile> take_profile() const { return std::move(profile_); }

 private:
  explicit Database(sqlite3* connection, std::string path);
  sqlite3* connection_;
  std::string path_;
  std::chrono::steady_clock::time_point deadline_{};
  const std::atomic<bool>* interrupted_ = nullptr;
  mutable std::shared_ptr<AllocationProfile> profile_;
};

/// Registers every SQL function and table-valued function on a connection: the CLI and the loadable extension do this.
/// Returns an SQLite result code.
int register_functions(sqlite3* connection);

}  // namespace queries
