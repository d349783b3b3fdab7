// Reports of gperftools' heap leak checker → sites and leaks.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "importers/import_job.h"

namespace importers {

void import_heapcheck(ImportJob& job);
[[nodiscard]] std::vector<std::pair<std::string, std::string>> describe_heapcheck(formats::Bytes head);

}  // namespace importers
