// jemalloc's heap profiles → sites and their figures.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "importers/import_job.h"

namespace importers {

/// Samples are scaled up line by line, as jeprof does; frames inside of jemalloc's own library are left out.
void import_jemalloc_profile(ImportJob& job);
[[nodiscard]] std::vector<std::pair<std::string, std::string>> describe_jemalloc_profile(formats::Bytes head);

}  // namespace importers
