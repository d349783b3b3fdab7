// ELF programs and libraries with debugging information → the layouts of their types. There is no heap in them: counts
// are 0, and what would be multiplied by them is not known.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "importers/import_job.h"

namespace importers {

/// Throws formats::InputError when the file is cut, of a machine that is not read, or has no debugging information.
void import_program(ImportJob& job);
[[nodiscard]] bool looks_like_program(formats::Bytes head);
[[nodiscard]] std::vector<std::pair<std::string, std::string>> describe_program(formats::Bytes head);

}  // namespace importers
