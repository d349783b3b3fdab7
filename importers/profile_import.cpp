#include "importers/profile_import.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "importers/spread.h"

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

SiteRows::SiteRows(queries::ProfileRecord& record, std::size_t samples, std::size_t sites)
    : record_(record), samples_(samples), stat_of_(sites) {
  record.stats.reserve(std::min(samples, sites));
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

std::size_t SiteRows::size_slot(queries::SiteId site, std::uint64_t size) const {
  const std::size_t mask = size_slots_.size() - 1;
  std::size_t at = spread(size * 0xC2B2'AE3D'27D4'EB4F + index(site), size_slots_.size());
  for (;; at = (at + 1) & mask) {
    if (size_slots_[at] == 0) return at;
    const queries::SiteSizeRow& row = record_.sizes[size_slots_[at] - 1];
    if (row.site == site && row.size == size) return at;
  }
}

queries::SiteSizeRow& SiteRows::size(queries::SiteId site, std::uint64_t size) {
  if (record_.sizes.size() * 2 >= size_slots_.size()) {
    if (size_slots_.empty()) record_.sizes.reserve(samples_);
    size_slots_.assign(std::bit_ceil(std::max({size_slots_.size() * 2, samples_ * 2, std::size_t{1024}})), 0);
    for (std::size_t i = 0; i < record_.sizes.size(); ++i) {
      size_slots_[size_slot(record_.sizes[i].site, record_.sizes[i].size)] = static_cast<std::uint32_t>(i + 1);
    }
  }
  std::uint32_t& row = size_slots_[size_slot(site, size)];
  if (row == 0) {
    queries::SiteSizeRow& fresh = record_.sizes.emplace_back();
    fresh.site = site;
    fresh.size = size;
    row = static_cast<std::uint32_t>(record_.sizes.size());
  }
  return record_.sizes[row - 1];
}

}  // namespace importers
