#include "importers/allocation_tracker.h"

#include <utility>

#include "importers/spread.h"

namespace importers {
namespace {

std::uint64_t mix(std::uint32_t site, std::uint64_t size) { return size * 0xC2B2'AE3D'27D4'EB4F + site; }

bool is_full(std::size_t used, std::size_t slots) { return used * 10 >= slots * 7; }

}  // namespace

std::size_t AllocationTracker::slot_of(std::uint64_t address) const {
  std::size_t slot = spread(address, blocks_.size());
  while (blocks_[slot].kind != no_kind && blocks_[slot].address != address) slot = (slot + 1) & (blocks_.size() - 1);
  return slot;
}

void AllocationTracker::wait_for(std::uint64_t address, std::uint32_t kind) {
  __builtin_prefetch(&blocks_[spread(address, blocks_.size())], 1);
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
  std::size_t slot = slot_of(address);
  if (blocks_[slot].kind != no_kind) {
    ++missed_frees_;
    has_last_ = false;
    end(address);
    slot = slot_of(address);
  }
  if (is_full(block_count_ + 1, blocks_.size())) {
    grow_blocks();
    slot = slot_of(address);
  }
  const Birth born = figures_.allocated(kind);
  blocks_[slot] = {address, born.bytes, born.ms, index(kind)};
  ++block_count_;
  last_address_ = address;
  has_last_ = true;
}

void AllocationTracker::end(std::uint64_t address) {
  const bool is_temporary = has_last_ && last_address_ == address;
  has_last_ = false;
  const std::size_t slot = slot_of(address);
  const Block block = blocks_[slot];
  if (block.kind == no_kind) {
    ++unknown_frees_;
    return;
  }
  figures_.freed(KindId{block.kind}, {block.born_bytes, block.born_ms}, is_temporary);
  erase(slot);
}

/// Blocks behind the slot that would not be found any more move up (Knuth 6.4, algorithm R): no tombstones.
void AllocationTracker::erase(std::size_t slot) {
  const std::size_t mask = blocks_.size() - 1;
  std::size_t hole = slot;
  for (std::size_t at = (hole + 1) & mask; blocks_[at].kind != no_kind; at = (at + 1) & mask) {
    const std::size_t home = spread(blocks_[at].address, blocks_.size());
    if (((at - home) & mask) >= ((at - hole) & mask)) {
      blocks_[hole] = blocks_[at];
      hole = at;
    }
  }
  blocks_[hole].kind = no_kind;
  --block_count_;
}

void AllocationTracker::grow_blocks() {
  std::vector<Block> old(blocks_.size() * 2);
  old.swap(blocks_);
  for (const Block& block : old) {
    if (block.kind != no_kind) blocks_[slot_of(block.address)] = block;
  }
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
