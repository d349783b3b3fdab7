#include "importers/allocation_events.h"

#include <string>

namespace importers {

using queries::EventKind;
using queries::SiteId;

std::uint64_t EventRows::write(EventKind kind, std::uint64_t address, std::int64_t size, SiteId site,
                               std::uint64_t allocation) {
  ++row_.id;
  row_.kind = kind;
  row_.address = address;
  row_.size = size;
  row_.site = site;
  row_.allocation = allocation;
  job_.rows->event(row_);  // by the job: its sink changes with the first row
  return row_.id;
}

void EventRows::finish(bool is_estimated) const {
  if (!are_wanted_) return;
  job_.snapshot.meta.emplace_back("event.count", std::to_string(row_.id));
  job_.snapshot.meta.emplace_back("event.is_estimated", is_estimated ? "1" : "0");
}

std::size_t BlockEvents::make_empty(std::uint64_t address) {
  const std::size_t slot = blocks_.slot_of(address);
  if (blocks_[slot].is_empty()) return slot;
  const Part missed = blocks_[slot];
  rows_.end(EventKind::missed_free, address, missed.size, queries::no_site, missed.allocation);
  blocks_.erase(slot);
  return blocks_.slot_of(address);
}

void BlockEvents::allocate(EventKind kind, std::uint64_t address, std::uint64_t size, SiteId site) {
  const std::size_t slot = make_empty(address);
  blocks_.insert(slot, {address, rows_.begin(kind, address, size, site), size});
}

void BlockEvents::free(EventKind kind, std::uint64_t address, SiteId site) {
  const std::size_t slot = blocks_.slot_of(address);
  const Part block = blocks_[slot];
  if (block.is_empty()) return rows_.end_unknown(kind, address, site);
  rows_.end(kind, address, block.size, site, block.allocation);
  blocks_.erase(slot);
}

BlockEvents::Part BlockEvents::take(std::uint64_t address) {
  const std::size_t slot = blocks_.slot_of(address);
  const Part block = blocks_[slot];
  if (!block.is_empty()) blocks_.erase(slot);
  return block;
}

void BlockEvents::keep(const Part& part) {
  const std::size_t slot = make_empty(part.address);
  blocks_.insert(slot, part);
}

void BlockEvents::unmap(const Part& part) {
  if (part.is_empty()) return rows_.end_unknown(EventKind::munmap, part.address, queries::no_site);
  rows_.end(EventKind::munmap, part.address, part.size, queries::no_site, part.allocation);
}

void KindEvents::allocate(KindId id) {
  Kind& kind = kinds_[index(id)];
  std::uint32_t entry = unused_;
  if (entry == none) {
    entry = static_cast<std::uint32_t>(live_.size());
    live_.emplace_back();
  } else {
    unused_ = live_[entry].next;
  }
  live_[entry] = {rows_.begin(EventKind::allocation, 0, kind.size, kind.site), kind.youngest};
  kind.youngest = entry;
}

void KindEvents::free(KindId id) {
  Kind& kind = kinds_[index(id)];
  const std::uint32_t entry = kind.youngest;
  if (entry == none) return rows_.end_unknown(EventKind::free, 0, queries::no_site);
  rows_.end(EventKind::free, 0, kind.size, queries::no_site, live_[entry].allocation);
  kind.youngest = live_[entry].next;
  live_[entry].next = unused_;
  unused_ = entry;
}

}  // namespace importers
