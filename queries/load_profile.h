// An allocation profile read back from a database, so that it is compared and exported without its input.
#pragma once

#include "queries/allocation_profile.h"
#include "queries/database.h"

namespace queries {

/// What may be left out, as it costs time.
struct ProfileParts {
  bool sizes = true;  ///< ProfileRecord::sizes
};

/// Sites, records with all their rows but accesses by offset, and series; not growth. Records in time order, as the
/// importer had them; the newest with the totals that the importer knew. Empty when the database holds no profile.
/// About 0.3 µs a row. Throws StoreError when ids contradict each other.
[[nodiscard]] AllocationProfile load_profile(const Database& database, ProfileParts parts = {});

}  // namespace queries
