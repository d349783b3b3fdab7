// Memcheck's reports → an allocation profile: loss records as leaks of sites, by kind. What the report counts but has
// no record of (kinds that were not asked for) is of no site. Several processes in one file are added up.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "formats/bytes.h"
#include "importers/import_job.h"

namespace importers {

/// Throws InputError when there is no process in it. O(input).
void import_memcheck(ImportJob& job);
[[nodiscard]] std::vector<std::pair<std::string, std::string>> describe_memcheck(formats::Bytes head);

}  // namespace importers
