// What changed between two snapshots: by class, by suspect signature, by keep-alive path and by metric. Never by
// address or object id, which mean nothing in another process.
#pragma once

#include "analyzer/reports/reports.h"

namespace analyzer {

/// Reads both databases' small tables only; digests will do. Classes of one name (several loaders) are one row.
[[nodiscard]] Report build_diff(const queries::Database& before, const queries::Database& after,
                                const ReportOptions& options);
/// Of two allocation profiles: by site, with the sampling error of each difference.
[[nodiscard]] Report build_profile_diff(const queries::Database& before, const queries::Database& after,
                                        const ReportOptions& options);

}  // namespace analyzer
