// Rows of an allocation profile → the tables site, site_stat … and series, within a transaction of the caller.
#pragma once

#include <sqlite3.h>

#include <string>

#include "queries/allocation_profile.h"
#include "queries/snapshot.h"

namespace queries {

/// The newest record is snapshot 1, whose row of `snapshot` is there already; earlier ones become 2, 3 … in time order.
/// Rows of no_site get a site of their own, "(unknown)". About 1 µs a row.
void write_profile(sqlite3* connection, const std::string& path, const Snapshot& snapshot,
                   const AllocationProfile& profile);

}  // namespace queries
