// Snapshots of Python's tracemalloc → sites and what is live at each.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "importers/import_job.h"

namespace importers {

/// Throws InputError for pickles that do what a snapshot does not, naming it.
void import_tracemalloc(ImportJob& job);
[[nodiscard]] std::vector<std::pair<std::string, std::string>> describe_tracemalloc(formats::Bytes head);

}  // namespace importers
