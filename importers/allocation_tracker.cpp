#include "importers/allocation_tracker.h"

#include <utility>

#include "importers/spread.h"

namespace importers {
namespace {

std::uint64_t mix(std::uint32_t site, std::uint64_t size) { return size * 0xC2B2'AE3D'27D4'EB4F + site; }

bool is_full(std::size_t used, std::size_t slots) { return used * 10 >= slots * 7; }

}  // namespace

void AllocationTracker::wait_for(std::uint64_t address, std::uint32_t kind) {
  blocks_.prefetch(address);
  if (waiting_count_ == waiting_events) {
    take(waiting_[waiting_at_]);
    waiting_[waiting_at_] = {address, kind};
    waiting_at_ = (waiting_at_ + 1) % waiting_events;
    return;
  }
  waiting_[(waiting_at_ + waiting_count_++) % waiting_events] = {address, kind};
}

void AllocationTracker::catch_up() {
  for (; waiting_count_ > 0; --waiting_count_) {
    const Event event = waiting_[waiting_at_];
    waiting_at_ = (waiting_at_ + 1) % waiting_events;
    take(event);
  }
}

void AllocationTracker::begin(std::uint64_t address, KindId kind) {
  std::size_t slot = blocks_.slot_of(address);
  if (!blocks_[slot].is_empty()) {
    ++missed_frees_;
    has_last_ = false;
    end(address);
    slot = blocks_.slot_of(address);
  }
  const Birth born = figures_.allocated(kind);
  blocks_.insert(slot, {address, born.bytes, born.ms, index(kind)});
  last_address_ = address;
  has_last_ = true;
}

void AllocationTracker::end(std::uint64_t address) {
  const bool is_temporary = has_last_ && last_address_ == address;
  has_last_ = false;
  const std::size_t slot = blocks_.slot_of(address);
  const Block block = blocks_[slot];
  if (block.is_empty()) {
    ++unknown_frees_;
    return;
  }
  figures_.freed(KindId{block.kind}, {block.born_bytes, block.born_ms}, is_temporary);
  blocks_.erase(slot);
}

KindId AllocationTracker::kind_of(queries::SiteId site, std::uint64_t size) {
  const std::uint32_t number = queries::index(site);
  const std::size_t mask = kinds_.size() - 1;
  std::size_t slot = spread(mix(number, size), kinds_.size());
  while (kinds_[slot].kind != no_kind) {
    if (kinds_[slot].size == size && kinds_[slot].site == number) return KindId{kinds_[slot].kind};
    slot = (slot + 1) & mask;
  }
  const KindId kind = figures_.add_kind(site, size);
  kinds_[slot] = {size, number, index(kind)};
  if (is_full(figures_.kind_count(), kinds_.size())) grow_kinds();
  return kind;
}

void AllocationTracker::grow_kinds() {
  std::vector<KindKey> old(kinds_.size() * 2);
  old.swap(kinds_);
  for (const KindKey& key : old) {
    if (key.kind == no_kind) continue;
    std::size_t slot = spread(mix(key.site, key.size), kinds_.size());
    while (kinds_[slot].kind != no_kind) slot = (slot + 1) & (kinds_.size() - 1);
    kinds_[slot] = key;
  }
}

}  // namespace importers
