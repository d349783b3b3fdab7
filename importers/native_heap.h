// The heaps of a native process, whatever allocators made them, as one list of regions and one walk over their blocks.
//
// Sub-allocators plug in here, between the walks and the types: one that cuts up mappings of its own (CPython's
// pymalloc) is a walk like any other; one that cuts up blocks of another allocator (a memory context, a pool resource)
// is a walk whose regions lie inside those blocks. A block with such regions gives way to what they hold: the program's
// objects, rather than the chunk they were cut from. Up to its first region it stays a block, as headers point to
// things too.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "formats/heap_walk.h"
#include "queries/snapshot.h"

namespace importers::native {

/// A set of address ranges; built once, then asked. O(log n).
class AddressRanges {
 public:
  void add(std::uint64_t start, std::uint64_t end) {
    if (start < end) ranges_.push_back({start, end});
  }
  /// Sorts, joins what touches or overlaps.
  void freeze();
  [[nodiscard]] bool contains(std::uint64_t address) const;
  /// Calls f(start, end) for the parts of [start, end) that are in no range, ascending.
  template <typename F>
  void for_each_gap(std::uint64_t start, std::uint64_t end, F&& f) const {
    for (std::size_t i = first_ending_after(start); i < ranges_.size() && ranges_[i].start < end; ++i) {
      if (ranges_[i].start > start) f(start, ranges_[i].start);
      start = ranges_[i].end;
    }
    if (start < end) f(start, end);
  }
  [[nodiscard]] std::span<const formats::AddressRange> ranges() const { return ranges_; }

 private:
  [[nodiscard]] std::size_t first_ending_after(std::uint64_t address) const;
  std::vector<formats::AddressRange> ranges_;
};

class NativeHeap {
 public:
  /// Asks every allocator's finder. O(image); throws nothing.
  NativeHeap(const formats::ProcessImage& image, formats::DamageLog& damage);
  /// Of these walks. A region that overlaps another is left out, with damage, unless it lies in one of another walk.
  NativeHeap(std::vector<std::unique_ptr<formats::HeapWalk>> walks, formats::DamageLog& damage);

  [[nodiscard]] std::span<const std::unique_ptr<formats::HeapWalk>> walks() const { return walks_; }
  /// Whether every block is glibc's malloc's.
  [[nodiscard]] bool is_glibc() const;
  [[nodiscard]] bool empty() const { return parts_.empty(); }
  [[nodiscard]] std::size_t region_count() const { return parts_.size(); }
  /// Regions of all allocators and their metadata: what is in here is no root.
  [[nodiscard]] const AddressRanges& owned() const { return owned_; }
  /// Metadata alone: no reference starts there, not even inside a used block.
  [[nodiscard]] const AddressRanges& metadata() const { return metadata_; }
  /// Blocks that an allocator took for itself, by address.
  [[nodiscard]] const std::vector<std::pair<std::uint64_t, std::string>>& own_blocks() const { return own_blocks_; }

  /// Calls f(block, region index) for every block of every region, addresses ascending; a block that overlaps the one
  /// before, or leaves its region, is left out. What a sub-allocator has free is free to it alone: cached.
  template <typename F>
  void for_each_block(F&& f) const {
    std::uint64_t end = 0;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const formats::HeapRegion& region = region_of(i);
      parts_[i].walk->visit(parts_[i].region, [&](const formats::HeapBlock& block) {
        if (block.address < end || block.address < region.start || block.address >= region.end ||
            block.usable > region.end - block.address) {
          return;
        }
        end = block.address + block.usable;
        const std::size_t first =
            block.state == formats::BlockState::used ? first_inside(block.address) : inner_.size();
        if (first == inner_.size() || !is_inside(first, end)) return f(block, i);
        carve(block, first, [&](const formats::HeapBlock& part) { f(part, i); });
      });
    }
  }
  [[nodiscard]] const formats::HeapWalk& walk_of(std::size_t part) const { return *parts_[part].walk; }
  [[nodiscard]] const formats::HeapRegion& region_of(std::size_t part) const {
    return parts_[part].walk->regions()[parts_[part].region];
  }

  /// Addresses and sizes of the used blocks, regions and free blocks, allocators and their checks into `snapshot`.
  void fill(queries::Snapshot& snapshot) const;

 private:
  struct Part {
    const formats::HeapWalk* walk = nullptr;
    std::size_t region = 0;
  };
  std::vector<std::unique_ptr<formats::HeapWalk>> walks_;
  void arrange(formats::DamageLog& damage);
  [[nodiscard]] static const formats::HeapRegion& region(const Part& part) { return part.walk->regions()[part.region]; }
  /// The first of inner_ that begins at or behind `address`; inner_.size() = none.
  [[nodiscard]] std::size_t first_inside(std::uint64_t address) const;
  [[nodiscard]] bool is_inside(std::size_t inner, std::uint64_t end) const { return region(inner_[inner]).end <= end; }
  /// The blocks of the inner regions from `first` on that lie in `outer`, and what is in front of them.
  void carve(const formats::HeapBlock& outer, std::size_t first, const formats::BlockVisitor& visit) const;

  std::vector<Part> parts_;  ///< by start; none overlaps another
  std::vector<Part> inner_;  ///< by start; each inside one of parts_, none overlaps another
  AddressRanges owned_;
  AddressRanges metadata_;
  std::vector<std::pair<std::uint64_t, std::string>> own_blocks_;
};

}  // namespace importers::native
