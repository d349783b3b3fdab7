// Suspects that are known and accepted, by signature: stable across dumps, never an address. A baseline is a small
// JSON file to commit (heapql/baseline@1), the JSON output of `check`, or a heapql database.
#pragma once

#include <set>
#include <string>

#include "analyzer/gates/gate.h"
#include "queries/database.h"

namespace analyzer {

/// Every "signature" in the file. Throws UsageError when the file is missing or not JSON; the missing one is told by
/// baseline_exists().
[[nodiscard]] std::set<std::string> read_baseline(const std::string& path, const queries::Database& database);
[[nodiscard]] bool baseline_exists(const std::string& path);

/// heapql/baseline@1 of the suspects in `findings`, sorted by signature: the same suspects give the same bytes.
[[nodiscard]] std::string render_baseline(const std::vector<Finding>& findings);

}  // namespace analyzer
