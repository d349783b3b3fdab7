// Text heap profiles (gperftools, Go's debug=1, a JVM's heapz) and jemalloc's → sites and their figures.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "importers/import_job.h"

namespace importers {

/// Samples are scaled up as pprof does. Throws InputError for profiles of something else, naming what they are of.
void import_heap_profile_text(ImportJob& job);
[[nodiscard]] std::vector<std::pair<std::string, std::string>> describe_heap_profile_text(formats::Bytes head);

}  // namespace importers
