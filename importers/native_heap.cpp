#include "importers/native_heap.h"

#include <algorithm>
#include <array>
#include <map>

#include "formats/glibc_heap.h"
#include "formats/jemalloc_heap.h"
#include "formats/mimalloc_heap.h"
#include "formats/tcmalloc_heap.h"

namespace importers::native {
namespace {

constexpr std::array finders{
    formats::find_glibc_heap,
    formats::find_jemalloc_heap,
    formats::find_mimalloc_heap,
    formats::find_tcmalloc_heap,
};

}  // namespace

void AddressRanges::freeze() {
  std::sort(ranges_.begin(), ranges_.end(), [](const auto& a, const auto& b) { return a.start < b.start; });
  std::size_t last = 0;
  for (std::size_t i = 1; i < ranges_.size(); ++i) {
    if (ranges_[i].start <= ranges_[last].end) {
      ranges_[last].end = std::max(ranges_[last].end, ranges_[i].end);
    } else {
      ranges_[++last] = ranges_[i];
    }
  }
  if (!ranges_.empty()) ranges_.resize(last + 1);
}

std::size_t AddressRanges::first_ending_after(std::uint64_t address) const {
  const auto found = std::partition_point(ranges_.begin(), ranges_.end(),
                                          [&](const formats::AddressRange& range) { return range.end <= address; });
  return static_cast<std::size_t>(found - ranges_.begin());
}

bool AddressRanges::contains(std::uint64_t address) const {
  const std::size_t at = first_ending_after(address);
  return at < ranges_.size() && ranges_[at].start <= address;
}

NativeHeap::NativeHeap(const formats::ProcessImage& image, formats::DamageLog& damage) {
  for (const formats::FindHeap find : finders) {
    if (auto walk = find(image, damage)) walks_.push_back(std::move(walk));
  }
  arrange(damage);
}

NativeHeap::NativeHeap(std::vector<std::unique_ptr<formats::HeapWalk>> walks, formats::DamageLog& damage)
    : walks_(std::move(walks)) {
  arrange(damage);
}

void NativeHeap::arrange(formats::DamageLog& damage) {
  for (const auto& walk : walks_) {
    for (std::size_t i = 0; i < walk->regions().size(); ++i) parts_.push_back({walk.get(), i});
    for (const formats::AddressRange& range : walk->metadata()) metadata_.add(range.start, range.end);
    own_blocks_.insert(own_blocks_.end(), walk->own_blocks().begin(), walk->own_blocks().end());
  }
  std::sort(own_blocks_.begin(), own_blocks_.end());
  metadata_.freeze();
  // Of regions that begin at the same place, the one around the others comes first.
  std::stable_sort(parts_.begin(), parts_.end(), [](const Part& a, const Part& b) {
    return std::pair(region(a).start, ~region(a).end) < std::pair(region(b).start, ~region(b).end);
  });
  std::uint64_t end = 0;
  std::uint64_t inner_end = 0;
  const formats::HeapWalk* outer = nullptr;
  std::erase_if(parts_, [&](const Part& part) {
    const formats::HeapRegion& r = region(part);
    if (r.start >= end && r.start < r.end) {
      end = r.end;
      outer = part.walk;
      return false;
    }
    if (r.start < r.end && r.end <= end && part.walk != outer && r.start >= inner_end) {
      inner_end = r.end;
      inner_.push_back(part);
    } else {
      damage.add(0, 0, part.walk->allocator() + ": region '" + r.name + "' overlaps another: left out");
    }
    return true;
  });
  for (const Part& part : parts_) owned_.add(region(part).start, region(part).end);
  for (const formats::AddressRange& range : metadata_.ranges()) owned_.add(range.start, range.end);
  owned_.freeze();
}

std::size_t NativeHeap::first_inside(std::uint64_t address) const {
  const auto found = std::partition_point(inner_.begin(), inner_.end(),
                                          [&](const Part& part) { return region(part).start < address; });
  return static_cast<std::size_t>(found - inner_.begin());
}

void NativeHeap::carve(const formats::HeapBlock& outer, std::size_t first, const formats::BlockVisitor& visit) const {
  const std::uint64_t end = outer.address + outer.usable;
  constexpr std::uint64_t smallest = 8;  // that can hold a reference
  if (const std::uint64_t head = region(inner_[first]).start - outer.address; head >= smallest) {
    visit({outer.address, head, formats::BlockState::used, outer.bin});
  }
  std::uint64_t covered = region(inner_[first]).start;
  for (std::size_t i = first; i < inner_.size() && is_inside(i, end); ++i) {
    const formats::HeapRegion& inner = region(inner_[i]);
    inner_[i].walk->visit(inner_[i].region, [&](formats::HeapBlock block) {
      if (block.address < std::max(covered, inner.start) || block.address >= inner.end ||
          block.usable > inner.end - block.address) {
        return;
      }
      covered = block.address + block.usable;
      if (block.state == formats::BlockState::free) block.state = formats::BlockState::cached;
      visit(block);
    });
  }
}

bool NativeHeap::is_glibc() const { return walks_.size() == 1 && walks_.front()->allocator().rfind("glibc", 0) == 0; }

void NativeHeap::fill(queries::Snapshot& snapshot) const {
  // Every allocator numbers its arenas from 0: those of each come behind those of the one before.
  std::map<const formats::HeapWalk*, std::int32_t> first_arena;
  std::int32_t next_arena = 0;
  for (const auto& walk : walks_) {
    first_arena[walk.get()] = next_arena;
    std::int32_t last = 0;
    for (const formats::HeapRegion& region : walk->regions()) last = std::max(last, region.arena);
    next_arena += last + 1;
  }
  snapshot.regions.reserve(parts_.size());
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const formats::HeapRegion& region = region_of(i);
    queries::RegionRow row;
    row.start = region.start;
    row.end = region.end;
    row.kind = region.kind;
    row.name = region.name;
    row.arena = first_arena[parts_[i].walk] + region.arena;
    snapshot.regions.push_back(std::move(row));
  }
  for_each_block([&](const formats::HeapBlock& block, std::size_t part) {
    queries::RegionRow& row = snapshot.regions[part];
    switch (block.state) {
      case formats::BlockState::used:
        snapshot.addresses.add(block.address);
        row.live_bytes += block.usable;
        ++row.live_count;
        break;
      case formats::BlockState::cached: row.cached_bytes += block.usable; break;
      case formats::BlockState::free:
        row.free_bytes += block.usable;
        row.largest_free_bytes = std::max(row.largest_free_bytes, block.usable);
        snapshot.free_blocks.push_back({block.address, block.usable, static_cast<std::uint32_t>(part), block.bin});
        break;
    }
  });
  for (queries::RegionRow& row : snapshot.regions) {
    row.overhead_bytes = row.end - row.start - row.live_bytes - row.free_bytes - row.cached_bytes;
  }
  snapshot.addresses.freeze();
  snapshot.object_count = snapshot.addresses.size();
  snapshot.shallow.reserve(snapshot.object_count);
  for_each_block([&](const formats::HeapBlock& block, std::size_t) {
    if (block.state == formats::BlockState::used) snapshot.shallow.push_back(block.usable);
  });
}

}  // namespace importers::native
