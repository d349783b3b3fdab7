// Valgrind's xtrees in callgrind's format → an allocation profile: what --xtree-memory or --xtree-leak counted, by
// site.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "formats/bytes.h"
#include "importers/import_job.h"

namespace importers {

/// Throws InputError when the file has no events that are ours. O(input).
void import_xtree(ImportJob& job);
[[nodiscard]] std::vector<std::pair<std::string, std::string>> describe_xtree(formats::Bytes head);

}  // namespace importers
