// Rows of an allocation profile → the tables site, site_stat … and series, within a transaction of the caller.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <string>

#include "queries/allocation_profile.h"
#include "queries/page_writer.h"
#include "queries/snapshot.h"

namespace queries {

/// The newest record is snapshot 1, whose row of `snapshot` is there already; earlier ones become 2, 3 … in time order.
/// Rows of no_site get a site of their own, "(unknown)". All but the tables of the two functions below. About 1 µs a
/// row.
void write_profile(sqlite3* connection, const std::string& path, const Snapshot& snapshot,
                   const AllocationProfile& profile);

/// Where the trees of the tables that grow with the profile begin; see PageFile.
struct ProfileRoots {
  std::uint32_t site_path = 0, site_stat = 0, site_stat_by_site = 0, site_size = 0;
};
/// site_path, site_stat, site_size: as pages, about 0.1 µs a row.
void write_profile_pages(PageFile& file, const ProfileRoots& roots, const AllocationProfile& profile);
/// The same rows through SQLite, about 1 µs each: for a database in memory.
void write_profile_rows(sqlite3* connection, const std::string& path, const AllocationProfile& profile);

}  // namespace queries
