// [sql "FILE or glob"] rules: a query whose rows are findings.
#pragma once

#include <vector>

#include "analyzer/gates/gate.h"

namespace analyzer {

/// Runs the file (or every file that the glob matches, in name order) and appends one result each to `results`.
/// `base` holds rule, severity and message. A missing file, a glob without match and SQL that fails are not_evaluated.
void check_sql(const GateConfig& config, const queries::Database& database, const RuleResult& base,
               std::vector<RuleResult>& results);

}  // namespace analyzer
