// Massif's output → an allocation profile: series over all snapshots; the trees of the peak and of the last snapshot as
// sites. Bytes only: massif counts no allocations. Live is what the last snapshot shows, which may be before the end.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "formats/bytes.h"
#include "importers/import_job.h"

namespace importers {

/// Throws InputError when not one snapshot can be read. O(input); memory: the sites of two trees.
void import_massif(ImportJob& job);
[[nodiscard]] std::vector<std::pair<std::string, std::string>> describe_massif(formats::Bytes head);

}  // namespace importers
