// Address ⇄ dense id, for every object of a snapshot.
//
// One bit per 8-byte granule of the address space in use, and the number of set bits before each 64-bit word: id_of()
// is one load and a popcount (2–6 ns measured), ids come out in address order whatever the order of insertion.
// About 1.1 bytes per object on a JVM heap. Where addresses are too sparse or not 8-byte aligned (ids of the old hprof
// agent, ART's synthetic objects) a sorted array takes over: 8 bytes per object, O(log n).
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "queries/ids.h"

namespace queries {

class AddressMap {
 public:
  /// Records an address; any order, duplicates are one object. Amortised O(1); memory stays below 24 bytes per
  /// distinct address + 8 MB whatever the addresses are.
  void add(std::uint64_t address);
  /// Ends building: sorts, numbers. Throws std::length_error at 2^32-1 objects or more.
  void freeze();

  /// Number of distinct addresses. Needs freeze().
  [[nodiscard]] std::uint32_t size() const { return size_; }
  /// The object at exactly this address, or no_object. Needs freeze().
  [[nodiscard]] ObjectId id_of(std::uint64_t address) const {
    if (!sorted_.empty()) return search(address);
    const std::uint64_t page = address >> page_shift;
    const std::uint32_t slot = slot_of(page);
    if (slot == no_slot || (address & 7) != 0) return no_object;
    const std::uint64_t granule = (address >> 3) & (granules_per_page - 1);
    const Cell& cell = cells_[std::size_t{slot} * cells_per_page + (granule >> 6)];
    const std::uint64_t bit = granule & 63;
    if (((cell.bits >> bit) & 1) == 0) return no_object;
    const std::uint64_t below = cell.bits & ((std::uint64_t{1} << bit) - 1);
    return ObjectId{cell.rank + static_cast<std::uint32_t>(__builtin_popcountll(below))};
  }
  /// Fetches the cache line that id_of(address) will need.
  void prefetch(std::uint64_t address) const {
    if (!sorted_.empty()) return;
    const std::uint32_t slot = slot_of(address >> page_shift);
    if (slot == no_slot) return;
    const std::uint64_t granule = (address >> 3) & (granules_per_page - 1);
    __builtin_prefetch(&cells_[std::size_t{slot} * cells_per_page + (granule >> 6)]);
  }
  /// O(log n). For many objects in order use for_each.
  [[nodiscard]] std::uint64_t address_of(ObjectId id) const;
  struct Place {
    ObjectId id = no_object;
    std::uint64_t address = 0;
  };
  /// The object with the greatest address ≤ `address`; id = no_object when there is none. O(1) when it lies within a
  /// few hundred bytes, else O(log n).
  [[nodiscard]] Place at_or_below(std::uint64_t address) const;
  /// Calls f(ObjectId, address) in id order.
  template <typename F>
  void for_each(F&& f) const {
    std::uint32_t id = 0;
    for (const std::uint64_t address : sorted_) f(ObjectId{id++}, address);
    if (!sorted_.empty()) return;
    for (const Page& page : pages_) {
      const Cell* cells = &cells_[std::size_t{page.slot} * cells_per_page];
      for (std::size_t i = 0; i < cells_per_page; ++i) {
        for (std::uint64_t bits = cells[i].bits; bits != 0; bits &= bits - 1) {
          const auto bit = static_cast<std::uint64_t>(__builtin_ctzll(bits));
          f(ObjectId{id++}, (page.number << page_shift) + ((i * 64 + bit) << 3));
        }
      }
    }
  }
  [[nodiscard]] std::size_t bytes() const;

 private:
  struct Cell {
    std::uint64_t bits = 0;
    std::uint32_t rank = 0;  ///< id of the first set bit; valid after freeze()
    std::uint32_t unused = 0;
  };
  struct Page {
    std::uint64_t number = 0;  ///< address >> page_shift
    std::uint32_t slot = 0;    ///< position in cells_, in units of cells_per_page
    std::uint32_t first_id = 0;
  };
  static constexpr unsigned page_shift = 17;  // 128 KiB of address space: a 4 KiB run of cells
  static constexpr std::uint64_t granules_per_page = std::uint64_t{1} << (page_shift - 3);
  static constexpr std::size_t cells_per_page = granules_per_page / 64;
  static constexpr std::uint32_t no_slot = 0xFFFF'FFFFu;
  static constexpr std::size_t most_runs = 16;

  /// Pages that lie near each other: a process has a few heaps far apart. They have a direct table.
  struct Run {
    std::uint64_t first = 0;  ///< page
    std::uint64_t count = 0;
    std::size_t table = 0;  ///< where its part of table_ begins
    Place last;             ///< its last object
  };

  [[nodiscard]] std::uint32_t slot_of(std::uint64_t page) const {
    const std::uint64_t at = page - largest_.first;
    return at < largest_.count ? table_[largest_.table + at] : slot_elsewhere(page);
  }
  /// Of a page that is not in the largest run.
  [[nodiscard]] std::uint32_t slot_elsewhere(std::uint64_t page) const;
  /// The last run that ends before a page; nullptr when there is none, or the page lies in one.
  [[nodiscard]] const Run* run_before(std::uint64_t page) const;
  void make_runs();
  [[nodiscard]] ObjectId search(std::uint64_t address) const;
  void spill();  // gives up on pages: everything becomes the sorted array

  bool spilled_ = false;
  bool frozen_ = false;
  std::uint32_t size_ = 0;
  std::uint64_t added_ = 0;
  std::uint64_t last_page_ = ~std::uint64_t{0};
  std::uint32_t last_slot_ = no_slot;
  std::vector<Cell> cells_;
  std::vector<Page> pages_;                                 // sorted by number after freeze()
  std::unordered_map<std::uint64_t, std::uint32_t> slots_;  // while building
  std::vector<Run> runs_;                                   // by first page; empty: pages are searched
  Run largest_;                                             // the one of most pages
  std::vector<std::uint32_t> table_;                        // by run: page - first → slot
  std::vector<std::uint64_t> sorted_;
};

}  // namespace queries
