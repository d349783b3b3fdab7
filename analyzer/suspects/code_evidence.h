// Who touches the variable that a path begins at, by the machine code: "written by acme::Server::accept; read by …".
#pragma once

#include <string>

#include "analyzer/suspects/root_paths.h"
#include "queries/snapshot.h"

namespace analyzer {

/// "" where the path does not begin at static data, or no code was read that has its address. O(references).
[[nodiscard]] std::string who_touches(const queries::Snapshot& snapshot, const RootPath& path);

}  // namespace analyzer
