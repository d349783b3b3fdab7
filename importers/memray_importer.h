// memray captures → sites and their figures, exactly.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "importers/import_job.h"

namespace importers {

/// Throws InputError for versions that are not read, naming them and what to do.
void import_memray(ImportJob& job);
[[nodiscard]] std::vector<std::pair<std::string, std::string>> describe_memray(formats::Bytes head);

}  // namespace importers
