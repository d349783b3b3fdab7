// What every importer of an allocation profile does: begins one, adds figures up by site.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "importers/import_job.h"
#include "queries/allocation_profile.h"

namespace importers {

/// Makes `snapshot` one of an allocation profile with one empty record, and returns that profile.
queries::AllocationProfile& begin_profile(ImportJob& job, std::string_view format);

/// A count or size of the file as a figure: what cannot be one (beyond 2^62) becomes the largest that can.
[[nodiscard]] constexpr std::int64_t figure(std::uint64_t value) {
  constexpr std::int64_t most = std::int64_t{1} << 62;
  return value > static_cast<std::uint64_t>(most) ? most : static_cast<std::int64_t>(value);
}
[[nodiscard]] constexpr std::int64_t signed_figure(std::int64_t value) {
  constexpr std::int64_t most = std::int64_t{1} << 62;
  return value > most ? most : value < -most ? -most : value;
}
/// The nearest integer, bounded as a figure is.
[[nodiscard]] std::int64_t rounded_figure(double value);

/// Rows of site_stat and site_size, one per site (and size), made when they are first asked for. Order: first seen.
/// 4 bytes per site beside the rows, 8 to 16 per (site, size).
class SiteRows {
 public:
  /// With room for figures of so many samples at so many sites, where that is known.
  explicit SiteRows(queries::ProfileRecord& record, std::size_t samples = 0, std::size_t sites = 0);
  /// Valid until the next call.
  queries::SiteStatRow& stat(queries::SiteId site);
  queries::SiteSizeRow& size(queries::SiteId site, std::uint64_t size);

 private:
  /// Where the row of (site, size) is numbered, or is to be.
  [[nodiscard]] std::size_t size_slot(queries::SiteId site, std::uint64_t size) const;

  queries::ProfileRecord& record_;
  std::size_t samples_;
  std::vector<std::uint32_t> stat_of_;     // row + 1 by site; 0 = none yet
  std::uint32_t unknown_stat_ = 0;         // the same of no_site
  std::vector<std::uint32_t> size_slots_;  // row + 1, 0 = free; a power of two, at most half full
};

}  // namespace importers
