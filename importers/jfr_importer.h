// JDK Flight Recorder's samples as `jfr print --json` prints them → an allocation profile and series.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "importers/import_job.h"

namespace importers {

/// Allocation samples: bytes are estimates (a sample's weight is what was allocated since the one before), how many
/// objects there were is not known. Old objects: leaks `at_end`, one for each sample. What an object is, is the
/// innermost frame of its path, "new byte[]". What holds the old objects goes to `meta`, "jfr.held_by". Heap sizes at
/// collections and resident set sizes are series.
void import_jfr(ImportJob& job);
[[nodiscard]] std::vector<std::pair<std::string, std::string>> describe_jfr(formats::Bytes head);

}  // namespace importers
