// DHAT's profiles → an allocation profile: totals, maxima, what was live at the peak and at the end, lifetimes, reads
// and writes, all by site. Frames of the allocating functions themselves are left out.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "formats/bytes.h"
#include "importers/import_job.h"

namespace importers {

/// Throws InputError for version 1 (Valgrind 3.15) and versions not known, and when there is no program point.
/// O(input). Sites whose paths differ by addresses only are one: their max_* are sums of maxima (meta
/// `dhat.merged_points` counts such points).
void import_dhat(ImportJob& job);
[[nodiscard]] std::vector<std::pair<std::string, std::string>> describe_dhat(formats::Bytes head);

}  // namespace importers
