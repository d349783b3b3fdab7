// glibc's mtrace and valgrind's --trace-malloc=yes → an allocation profile. Every event has an address, so all figures
// are exact; neither has times or call paths beyond the caller.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "importers/import_job.h"

namespace importers {

/// One pass; nothing of the events is held. O(bytes). Memory: what allocation_tracker.h says.
void import_mtrace(ImportJob& job);
void import_valgrind_trace(ImportJob& job);
[[nodiscard]] std::vector<std::pair<std::string, std::string>> describe_malloc_trace(formats::Bytes head);

}  // namespace importers
