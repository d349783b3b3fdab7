// Writes one snapshot as a database file: the bulk tables as B-tree pages of our own, the small tables through SQLite.
// The file is written beside its final name and renamed by finish(): a run that ends by an exception leaves nothing
// behind; one that ends by a signal removes temporary_path() (InterruptGuard::remove_on_interrupt).
//
// File format: https://www.sqlite.org/fileformat2.html. Cost measured in tests/bench.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "queries/results.h"
#include "queries/row_sink.h"
#include "queries/snapshot.h"

namespace queries {

inline constexpr int application_id = 0x48505147;  // 'HPQG'
inline constexpr int schema_version = 3;

/// The store cannot go on: disk full, no permission, not our database. Message names file and cause.
struct StoreError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class ReferenceRows : std::uint8_t {
  rows,    ///< one row of `reference` each, visible to every SQLite
  packed,  ///< varint pages behind our functions; `reference` is then empty for a stock shell
  none,    ///< no references stored
};

struct StoreOptions {
  ReferenceRows references = ReferenceRows::rows;
  bool inbound = true;  ///< packed inbound pages: path_to_root() and referrers() at once instead of after a scan
};

/// Life: construct → (as a RowSink) rows in key order while importing → finish(snapshot, results) once. Destroyed
/// without finish(), it removes its temporary file.
class Store final : public RowSink {
 public:
  /// `path` is the final name. Throws StoreError when the place cannot be written.
  Store(const std::string& path, const StoreOptions& options);
  ~Store() override;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// Where the file is until finish(): `path` with ".tmp-" and the process id. No other file is made beside it.
  [[nodiscard]] static std::string temporary_path(const std::string& path);

  /// Rows that do not arrive in ascending key order throw std::logic_error.
  void reference(ObjectId source, std::uint32_t slot, ObjectId target, NameId name, Strength strength) override;
  void string(ObjectId object, std::string_view utf8, std::uint64_t hash) override;
  void value(const PrimitiveValue& value) override;
  void event(const AllocationEvent& event) override;

  /// Writes object rows, inbound pages and every small table, checks, syncs, renames. Throws StoreError. Move the
  /// results in: their per-object columns are freed as soon as the rows are written.
  void finish(const Snapshot& snapshot, Results results);

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

/// The small tables only, into an open in-memory database: what `analyze` and `check` without -o make their reports
/// from. `object` holds just the objects that suspects, threads and roots of interest mention. Returns an owned handle.
[[nodiscard]] std::unique_ptr<class Database> write_digest(const Snapshot& snapshot, const Results& results);

}  // namespace queries
