// Two dumps of one process, block by block: a block that has the same address, size and type in both is the same. What
// is new, what is gone, and which of the old blocks hold what is new.
#pragma once

#include <vector>

#include "analyzer/reports/report.h"
#include "analyzer/reports/reports.h"
#include "queries/database.h"

namespace analyzer {

/// Whether both are dumps of one process that frees its memory itself, with every object in the database.
[[nodiscard]] bool are_of_one_process(const queries::Database& before, const queries::Database& after);

/// Needs are_of_one_process(). One walk over both in address order: O(n). Work memory: 24 bytes per new block, and
/// names.
[[nodiscard]] Section block_diff(const queries::Database& before, const queries::Database& after,
                                 const ReportOptions& options);

}  // namespace analyzer
