// What every importer of an allocation profile does: begins one, adds figures up by site.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
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
/// 4 bytes per site beside the rows, about 40 per (site, size).
class SiteRows {
 public:
  explicit SiteRows(queries::ProfileRecord& record) : record_(record) {}
  /// Valid until the next call.
  queries::SiteStatRow& stat(queries::SiteId site);
  queries::SiteSizeRow& size(queries::SiteId site, std::uint64_t size);

 private:
  struct SizeKey {
    queries::SiteId site;
    std::uint64_t size;
    bool operator==(const SizeKey& other) const { return site == other.site && size == other.size; }
  };
  struct SizeHash {
    std::size_t operator()(const SizeKey& key) const {
      const std::uint64_t hash = (key.size * 0x9E37'79B9'7F4A'7C15) ^ index(key.site);
      return hash * 0x9E37'79B9'7F4A'7C15 >> 7;
    }
  };
  queries::ProfileRecord& record_;
  std::vector<std::uint32_t> stat_of_;  // row + 1 by site; 0 = none yet
  std::uint32_t unknown_stat_ = 0;      // the same of no_site
  std::unordered_map<SizeKey, std::size_t, SizeHash> size_of_;
};

}  // namespace importers
