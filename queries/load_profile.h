// An allocation profile read back from a database, so that it is compared and exported without its input.
#pragma once

#include "queries/allocation_profile.h"
#include "queries/database.h"

namespace queries {

/// Sites, records with their stats and leaks, and series; not sizes, lifetimes, accesses and growth. Records in time
/// order, as the importer had them. Empty when the database holds no profile. About 1 µs a row. Throws StoreError when
/// ids contradict each other.
[[nodiscard]] AllocationProfile load_profile(const Database& database);

}  // namespace queries
