// A snapshot read back from a database, so that passes, suspects and comparisons run again without the dump.
#pragma once

#include <memory>

#include "queries/database.h"
#include "queries/snapshot.h"

namespace queries {

/// Everything the store wrote of a snapshot: columns, references (rows or packed), classes, fields, roots, names,
/// threads, frames, regions, free blocks, damage, meta. Not the content hashes of primitive arrays (only strings' are
/// stored), nor how many bytes blocks were requested with. About 0.5 µs per object and 0.3 µs per reference (a scan of
/// each table). Throws StoreError when the database holds only a digest or no references, or when its ids contradict
/// each other.
[[nodiscard]] std::unique_ptr<Snapshot> load_snapshot(const Database& database);

}  // namespace queries
