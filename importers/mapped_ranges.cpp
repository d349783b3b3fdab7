#include "importers/mapped_ranges.h"

#include <algorithm>
#include <limits>

namespace importers {

void MappedRanges::map(std::uint64_t address, std::uint64_t size, queries::SiteId site) {
  const std::uint64_t end = address + std::min(size, std::numeric_limits<std::uint64_t>::max() - address);
  unmap(address, size);
  add(address, end, site);
}

void MappedRanges::add(std::uint64_t start, std::uint64_t end, queries::SiteId site) {
  tracker_.allocate(start, end - start, site);
  if (end > start) ranges_[start] = {end, site};
}

void MappedRanges::unmap(std::uint64_t address, std::uint64_t size) {
  const std::uint64_t end = address + std::min(size, std::numeric_limits<std::uint64_t>::max() - address);
  auto at = ranges_.upper_bound(address);
  if (at != ranges_.begin() && std::prev(at)->second.end > address) --at;
  while (at != ranges_.end() && at->first < end) {
    const std::uint64_t start = at->first;
    const Range range = at->second;
    tracker_.free(start);
    at = ranges_.erase(at);
    if (start < address) {
      rests_.push_back({address - start, range.site});
      add(start, address, range.site);
    }
    if (range.end > end) {
      rests_.push_back({range.end - end, range.site});
      add(end, range.end, range.site);
    }
  }
}

void MappedRanges::correct(queries::ProfileRecord& record) const {
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::int64_t> by_size;  // (site, size) → how many rests
  for (const Rest& rest : rests_) ++by_size[{index(rest.site), rest.size}];
  for (queries::SiteSizeRow& row : record.sizes) {
    const auto found = by_size.find({index(row.site), row.size});
    if (found == by_size.end()) continue;
    row.allocation_count -= found->second;
    row.allocated_bytes -= found->second * static_cast<std::int64_t>(row.size);
  }
  std::map<std::uint32_t, std::pair<std::int64_t, std::int64_t>> by_site;  // count, bytes
  for (const Rest& rest : rests_) {
    auto& [count, bytes] = by_site[index(rest.site)];
    ++count;
    bytes += static_cast<std::int64_t>(rest.size);
  }
  for (queries::SiteStatRow& row : record.stats) {
    const auto found = by_site.find(index(row.site));
    if (found == by_site.end()) continue;
    row.allocation_count -= found->second.first;
    row.allocated_bytes -= found->second.second;
    record.total.allocation_count -= found->second.first;
    record.total.allocated_bytes -= found->second.second;
  }
}

}  // namespace importers
