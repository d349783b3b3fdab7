// heaptrack's recordings → an allocation profile.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "importers/import_job.h"

namespace importers {

/// One pass; nothing of the events is held. Interpreted files have lost the addresses of blocks: lifetimes are
/// estimated (KindTracker). Raw ones have them; their frames are named from the program's own files where those are
/// here and of the same build, else by module and offset. O(lines). Memory: 40 bytes per call path node and frame, and
/// what allocation_tracker.h says.
void import_heaptrack(ImportJob& job);
[[nodiscard]] std::vector<std::pair<std::string, std::string>> describe_heaptrack(formats::Bytes head);

}  // namespace importers
