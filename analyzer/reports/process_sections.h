// The process behind a native heap: its memory by use, its threads and how deep their stacks are, its allocators and
// modules. Parts of the overview report.
#pragma once

#include "analyzer/reports/report.h"
#include "analyzer/reports/reports.h"
#include "queries/database.h"

namespace analyzer {

/// Nothing when the dump is of no process.
[[nodiscard]] std::vector<Section> process_sections(const queries::Database& database, const ReportOptions& options);

/// "signal  SIGSEGV (11) at 0x10" and the like: of the dump's process, for `heapql info`.
[[nodiscard]] std::vector<Fact> process_facts(const queries::Database& database);

}  // namespace analyzer
