// Reports of bcc's memleak → a series of records, one a report: what is outstanding by stack. Maps of bpftrace → one
// record: a map whose name has "byte" or "size" in it sums bytes, every other one counts allocations.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "formats/bytes.h"
#include "importers/import_job.h"

namespace importers {

/// Throws InputError when there is no report. O(input). memleak shows only the largest stacks (-T, 10 if not asked
/// for more), and with -s only every N-th allocation: figures are lower bounds, which a warning says.
void import_memleak(ImportJob& job);
[[nodiscard]] std::vector<std::pair<std::string, std::string>> describe_memleak(formats::Bytes head);

void import_bpftrace(ImportJob& job);
[[nodiscard]] std::vector<std::pair<std::string, std::string>> describe_bpftrace(formats::Bytes head);

}  // namespace importers
