// A database seen through stock SQLite: no function, no authorizer, nothing of ours.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>
#include <string_view>
#include <vector>

namespace tests {

class PlainSqlite {
 public:
  explicit PlainSqlite(const std::string& path) {
    EXPECT_EQ(sqlite3_open_v2(path.c_str(), &connection_, SQLITE_OPEN_READWRITE, nullptr), SQLITE_OK);
  }
  PlainSqlite(const PlainSqlite&) = delete;
  PlainSqlite& operator=(const PlainSqlite&) = delete;
  ~PlainSqlite() { sqlite3_close(connection_); }

  /// All rows: columns joined by '|', rows by newlines, NULL as nothing. A failure of SQLite fails the test.
  [[nodiscard]] std::string text(const std::string& sql) const {
    std::string result;
    for (const std::string& row : rows(sql)) result += (result.empty() ? "" : "\n") + row;
    return result;
  }
  [[nodiscard]] std::vector<std::string> column(const std::string& sql) const { return rows(sql); }
  /// f(first column, second column as bytes) for each row.
  template <typename F>
  void each_blob(const std::string& sql, F&& f) const {
    sqlite3_stmt* statement = prepare(sql);
    while (sqlite3_step(statement) == SQLITE_ROW) {
      f(sqlite3_column_int64(statement, 0),
        std::string_view(static_cast<const char*>(sqlite3_column_blob(statement, 1)),
                         static_cast<std::size_t>(sqlite3_column_bytes(statement, 1))));
    }
    sqlite3_finalize(statement);
  }

 private:
  [[nodiscard]] sqlite3_stmt* prepare(const std::string& sql) const {
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(connection_, sql.c_str(), -1, &statement, nullptr), SQLITE_OK)
        << sqlite3_errmsg(connection_) << "\n"
        << sql;
    return statement;
  }
  [[nodiscard]] std::vector<std::string> rows(const std::string& sql) const {
    std::vector<std::string> result;
    sqlite3_stmt* statement = prepare(sql);
    int code = SQLITE_DONE;
    while (statement != nullptr && (code = sqlite3_step(statement)) == SQLITE_ROW) {
      std::string row;
      for (int i = 0; i < sqlite3_column_count(statement); ++i) {
        if (i != 0) row += '|';
        const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement, i));
        if (bytes != nullptr) row.append(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement, i)));
      }
      result.push_back(std::move(row));
    }
    EXPECT_EQ(code, SQLITE_DONE) << sqlite3_errmsg(connection_) << "\n" << sql;
    sqlite3_finalize(statement);
    return result;
  }
  sqlite3* connection_ = nullptr;
};

}  // namespace tests
