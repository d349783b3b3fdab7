// A database made from a snapshot of the tests, in a file that is gone at the end.
#pragma once

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "queries/database.h"
#include "queries/store.h"
#include "tests/queries/naive_graph.h"

namespace tests {

class GraphDatabase {
 public:
  /// References get the names f0, f1 … by slot; those of arrays have none.
  explicit GraphDatabase(queries::Snapshot snapshot, const queries::StoreOptions& options = {})
      : GraphDatabase(snapshot, NaiveGraph(snapshot).results(), options) {}

  GraphDatabase(queries::Snapshot snapshot, const queries::Results& results, const queries::StoreOptions& options,
                const std::vector<std::pair<queries::ObjectId, std::string>>& strings = {},
                const std::vector<queries::PrimitiveValue>& values = {}) {
    static std::atomic<int> number{0};
    path_ = "/tmp/heapql_test_" + std::to_string(getpid()) + "_" + std::to_string(number++) + ".db";
    {
      queries::Store store(path_, options);
      for (std::uint32_t v = 0; v < snapshot.object_count; ++v) {
        const queries::ObjectId id{v};
        const std::uint32_t first = snapshot.references.first[v];
        for (std::uint32_t e = first; e < snapshot.references.first[v + 1]; ++e) {
          const bool weaker = snapshot.references.strength.has(queries::ObjectId{e});
          const bool array = snapshot.class_row(id).kind == queries::ClassKind::object_array;
          store.reference(id, e - first, snapshot.references.target[e],
                          array ? queries::no_name : snapshot.name_id("f" + std::to_string(e - first)),
                          weaker ? snapshot.references.strength[queries::ObjectId{e}] : queries::Strength::strong);
        }
      }
      for (const auto& [object, text] : strings) store.string(object, text, 1);
      for (const queries::PrimitiveValue& value : values) store.value(value);
      store.finish(snapshot, results);
    }
    database_ = queries::Database::open(path_);
  }
  ~GraphDatabase() {
    database_.reset();
    std::remove(path_.c_str());
  }
  GraphDatabase(const GraphDatabase&) = delete;
  GraphDatabase& operator=(const GraphDatabase&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const queries::Database& operator*() const { return *database_; }
  [[nodiscard]] const queries::Database* operator->() const { return database_.get(); }

  /// Rows as integers; NULL is -999.
  [[nodiscard]] std::vector<std::vector<std::int64_t>> rows(const std::string& sql) const {
    std::vector<std::vector<std::int64_t>> result;
    queries::Statement statement = database_->prepare(sql);
    while (statement.step()) {
      result.emplace_back();
      for (int i = 0; i < statement.column_count(); ++i) {
        result.back().push_back(statement.is_null(i) ? -999 : statement.integer(i));
      }
    }
    return result;
  }
  /// The first column of the first row; "" for NULL, "(none)" for no row.
  [[nodiscard]] std::string text(const std::string& sql) const {
    queries::Statement statement = database_->prepare(sql);
    if (!statement.step()) return "(none)";
    return statement.is_null(0) ? "" : statement.text(0);
  }

 private:
  std::string path_;
  std::unique_ptr<queries::Database> database_;
};

}  // namespace tests
