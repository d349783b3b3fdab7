// ELF cores → rows: the blocks of every allocator found in the process, their types, references, roots and regions.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "formats/bytes.h"
#include "importers/import_job.h"

namespace importers {

/// Throws formats::InputError when the file is no core that is read here, or holds no heap of a known allocator.
void import_core(ImportJob& job);
[[nodiscard]] std::vector<std::pair<std::string, std::string>> describe_core(formats::Bytes head);

}  // namespace importers
