// pprof profiles of memory → sites and their figures. What each sample type says is a row of the table in the .cpp.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "importers/import_job.h"

namespace importers {

/// Throws InputError for profiles of something else (CPU, contention, goroutines), naming what they are of.
void import_pprof(ImportJob& job);
[[nodiscard]] std::vector<std::pair<std::string, std::string>> describe_pprof(formats::Bytes head);

}  // namespace importers
