// Paths from roots to one object, as a tree that reads from the root down (LeakCanary's shape) or as JSON.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include "queries/database.h"

namespace analyzer {

struct PathOptions {
  std::uint64_t paths = 1;  ///< at most this many
  bool json = false;
  bool full = false;  ///< every step of long paths; else text leaves out the middle
};

/// OBJECT is an id or a 0x address. Throws QueryError when there is no such object.
void write_paths(const queries::Database& database, const std::string& object, const PathOptions& options,
                 std::ostream& out);

}  // namespace analyzer
