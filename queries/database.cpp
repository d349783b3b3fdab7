#include "queries/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "queries/database_details.h"
#include "queries/embedded_sql.h"
#include "queries/store.h"

namespace queries {
namespace {

constexpr int operations_between_checks = 5000;  // of SQLite's machine, about 0.1 ms

/// The first 100 bytes: https://www.sqlite.org/fileformat2.html#the_database_header
struct FileHeader {
  std::array<unsigned char, 100> bytes{};
  int error = 0;
  bool complete = false;

  explicit FileHeader(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
      error = errno;
      return;
    }
    const ssize_t size = ::pread(file, bytes.data(), bytes.size(), 0);
    if (size < 0) error = errno;
    complete = size == static_cast<ssize_t>(bytes.size());
    ::close(file);
  }
  [[nodiscard]] int field(std::size_t offset) const {
    return static_cast<int>(std::uint32_t{bytes[offset]} << 24 | std::uint32_t{bytes[offset + 1]} << 16 |
                            std::uint32_t{bytes[offset + 2]} << 8 | bytes[offset + 3]);
  }
  [[nodiscard]] bool is_sqlite() const { return complete && std::memcmp(bytes.data(), "SQLite format 3\0", 16) == 0; }
  [[nodiscard]] bool is_ours() const { return is_sqlite() && field(68) == application_id; }
  [[nodiscard]] int version() const { return field(60); }
};

bool is_read_only_pragma(std::string_view name, const char* argument) {
  constexpr std::string_view with_argument[] = {"table_info",       "table_xinfo",     "table_list",
                                                "index_list",       "index_info",      "index_xinfo",
                                                "foreign_key_list", "integrity_check", "quick_check"};
  constexpr std::string_view without_argument[] = {
      "database_list",   "function_list",  "module_list", "pragma_list",    "collation_list",
      "compile_options", "page_count",     "page_size",   "freelist_count", "schema_version",
      "user_version",    "application_id", "encoding",    "data_version"};
  const auto holds = [&](const auto& list) {
    return std::find(std::begin(list), std::end(list), name) != std::end(list);
  };
  return holds(with_argument) || (argument == nullptr && holds(without_argument));
}

/// What SQL of strangers (a shell, a gate file, a database that was sent by mail) may do: read this one database.
int authorize(void*, int action, const char* first, const char* second, const char*, const char*) {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT: return SQLITE_OK;
    case SQLITE_FUNCTION:
      return second != nullptr && sqlite3_stricmp(second, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_UPDATE:
      // SQLite asks this when a table-valued function (json_tree, pragma_table_info, ours) declares its columns. A real
      // UPDATE of the schema fails all the same: the connection is read only and defensive.
      return first != nullptr && sqlite3_stricmp(first, "sqlite_master") == 0 ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_PRAGMA: {
      std::string name(first == nullptr ? "" : first);
      for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
      return is_read_only_pragma(name, second) ? SQLITE_OK : SQLITE_DENY;
    }
    default: return SQLITE_DENY;  // writes, schema changes, ATTACH, ANALYZE
  }
}

void harden(sqlite3* connection) {
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  // Scans read through the map, 64 MiB of pages are kept for look-ups. None of these reads the file.
  sqlite3_exec(connection, "PRAGMA cell_size_check=ON; PRAGMA mmap_size=2147418112; PRAGMA cache_size=-65536", nullptr,
               nullptr, nullptr);
}

}  // namespace

Database::Database(sqlite3* connection, std::string path) : connection_(connection), path_(std::move(path)) {
  harden(connection_);
  int code = register_functions(connection_);
  if (code == SQLITE_OK) {
    // query_only refuses TEMP views too, so it comes after them.
    const std::string session = std::string(embedded::session_views) + "; PRAGMA query_only=ON";
    code = sqlite3_exec(connection_, session.c_str(), nullptr, nullptr, nullptr);
  }
  if (code != SQLITE_OK) {
    const std::string message = path_ + ": cannot set the connection up: " + sqlite3_errmsg(connection_);
    sqlite3_close_v2(connection_);
    throw StoreError(message);
  }
  sqlite3_set_authorizer(connection_, authorize, nullptr);
}

Database::~Database() { sqlite3_close_v2(connection_); }

bool Database::looks_like(const std::string& path) { return FileHeader(path).is_ours(); }

std::unique_ptr<Database> Database::open(const std::string& path) {
  const FileHeader header(path);
  if (header.error != 0) throw StoreError(path + ": cannot open: " + std::generic_category().message(header.error));
  if (!header.is_ours()) {
    throw StoreError(path +
                     (header.is_sqlite() ? ": an SQLite database, but not one of heapql (application_id)"
                                         : ": not a heapql database") +
                     "; heapql import DUMP -o DB makes one");
  }
  if (header.version() != schema_version) {
    throw StoreError(path + ": schema version " + std::to_string(header.version()) + ", this heapql knows " +
                     std::to_string(schema_version) +
                     (header.version() > schema_version ? ": a newer heapql wrote it" : ": import the dump again"));
  }
  sqlite3* connection = nullptr;
  // One thread at a time uses a connection: SQLite's locks around every column would cost a tenth of a report.
  const int code = sqlite3_open_v2(path.c_str(), &connection, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
  if (code != SQLITE_OK) {
    const std::string message = path + ": cannot open: " + sqlite3_errstr(code);
    sqlite3_close(connection);
    throw StoreError(message);
  }
  // Reads the schema: a damaged file is told here, not in the middle of a report.
  if (sqlite3_exec(connection, "SELECT 1 FROM sqlite_schema LIMIT 1", nullptr, nullptr, nullptr) != SQLITE_OK) {
    const std::string message = path + ": damaged database: " + sqlite3_errmsg(connection);
    sqlite3_close(connection);
    throw StoreError(message);
  }
  return std::unique_ptr<Database>(new Database(connection, path));
}

std::unique_ptr<Database> Database::adopt(sqlite3* connection) {
  return std::unique_ptr<Database>(new Database(connection, ""));
}

Statement Database::prepare(std::string_view sql) const { return {connection_, sql}; }

void Database::set_limits(std::chrono::milliseconds timeout, const std::atomic<bool>* interrupted) {
  deadline_ =
      timeout.count() > 0 ? std::chrono::steady_clock::now() + timeout : std::chrono::steady_clock::time_point{};
  interrupted_ = interrupted;
  const auto check = [](void* context) -> int {
    const auto* self = static_cast<const Database*>(context);
    if (self->interrupted_ != nullptr && self->interrupted_->load(std::memory_order_relaxed)) return 1;
    return self->deadline_ != std::chrono::steady_clock::time_point{} &&
                   std::chrono::steady_clock::now() >= self->deadline_
               ? 1
               : 0;
  };
  const bool any = interrupted != nullptr || timeout.count() > 0;
  sqlite3_progress_handler(connection_, any ? operations_between_checks : 0, any ? +check : nullptr, this);
}

std::optional<double> Database::metric(std::string_view name) const {
  Statement statement = prepare("SELECT value FROM metric WHERE snapshot_id = 1 AND name = :name");
  statement.bind("name", name);
  if (!statement.step() || statement.is_null(0)) return std::nullopt;
  return statement.real(0);
}

std::optional<std::string> Database::meta(std::string_view key) const {
  Statement statement = prepare("SELECT value FROM meta WHERE key = :key");
  statement.bind("key", key);
  if (!statement.step() || statement.is_null(0)) return std::nullopt;
  return statement.text(0);
}

bool Database::has_objects() const { return meta("object_rows") == "all"; }

std::unique_ptr<ObjectDetails> Database::details() const { return make_details(connection_); }

}  // namespace queries
