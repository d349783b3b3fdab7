#include "importers/mapped_ranges.h"

#include <algorithm>
#include <limits>

namespace importers {

namespace {

std::uint64_t end_of(std::uint64_t address, std::uint64_t size) {
  return address + std::min(size, std::numeric_limits<std::uint64_t>::max() - address);
}

}  // namespace

void MappedRanges::map(std::uint64_t address, std::uint64_t size, queries::SiteId site) {
  const std::uint64_t end_address = end_of(address, size);
  end(address, end_address);
  if (events_ != nullptr) events_->allocate(queries::EventKind::mmap, address, end_address - address, site);
  add(address, end_address, site);
}

void MappedRanges::unmap(std::uint64_t address, std::uint64_t size) {
  if (!end(address, end_of(address, size)) && events_ != nullptr) {
    events_->unmap({address, 0, 0});
  }
}

void MappedRanges::add(std::uint64_t start, std::uint64_t end, queries::SiteId site) {
  tracker_.allocate(start, end - start, site);
  if (end > start) ranges_[start] = {end, site};
}

bool MappedRanges::end(std::uint64_t address, std::uint64_t end) {
  auto at = ranges_.upper_bound(address);
  if (at != ranges_.begin() && std::prev(at)->second.end > address) --at;
  bool was_there = false;
  while (at != ranges_.end() && at->first < end) {
    was_there = true;
    const std::uint64_t start = at->first;
    const Range range = at->second;
    tracker_.free(start);
    if (events_ != nullptr) end_part(start, range, address, end);
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
  return was_there;
}

/// The row of what ends between `from` and `to`; what is left stays a part of the mapping that mmap's row began.
void MappedRanges::end_part(std::uint64_t start, const Range& range, std::uint64_t from, std::uint64_t to) {
  const std::uint64_t before = start < from ? from - start : 0;
  const std::uint64_t behind = range.end > to ? range.end - to : 0;
  BlockEvents::Part part = events_->take(start);
  const std::uint64_t allocation = part.allocation;
  part.address = start + before;
  part.size -= std::min(part.size, before + behind);  // another block may lie there by now, of another size
  events_->unmap(part);
  if (before != 0) events_->keep({start, allocation, before});
  if (behind != 0) events_->keep({to, allocation, behind});
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
