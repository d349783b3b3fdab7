#include "importers/profile_import.h"

#include <algorithm>
#include <cmath>

namespace importers {

queries::AllocationProfile& begin_profile(ImportJob& job, std::string_view format) {
  job.snapshot.path = job.input.path();
  job.snapshot.format = format;
  job.snapshot.profile = std::make_shared<queries::AllocationProfile>();
  queries::AllocationProfile& profile = *job.snapshot.profile;
  profile.records.emplace_back().path = job.input.path();
  return profile;
}

std::int64_t rounded_figure(double value) {
  constexpr double most = 4.6e18;  // below 2^62
  if (std::isnan(value)) return 0;
  return std::llround(std::clamp(value, -most, most));
}

queries::SiteStatRow& SiteRows::stat(queries::SiteId site) {
  if (site != queries::no_site && index(site) >= stat_of_.size()) {
    stat_of_.resize(std::max<std::size_t>(std::size_t{index(site)} + 1, stat_of_.size() * 2));
  }
  std::uint32_t& row = site == queries::no_site ? unknown_stat_ : stat_of_[index(site)];
  if (row == 0) {
    record_.stats.emplace_back().site = site;
    row = static_cast<std::uint32_t>(record_.stats.size());
  }
  return record_.stats[row - 1];
}

queries::SiteSizeRow& SiteRows::size(queries::SiteId site, std::uint64_t size) {
  const auto [found, is_new] = size_of_.try_emplace(SizeKey{site, size}, record_.sizes.size());
  if (is_new) {
    queries::SiteSizeRow& row = record_.sizes.emplace_back();
    row.site = site;
    row.size = size;
  }
  return record_.sizes[found->second];
}

}  // namespace importers
