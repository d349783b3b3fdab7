// Who was freed: traces' events as figures (allocation_figures.h). AllocationTracker knows every live block by its
// address, for traces that have addresses; KindTracker knows only of what kind a freed block was, for traces whose
// recorder has dropped the addresses (heaptrack's interpreted files).
//
// Temporary: the next event of the trace after the allocation is its free, whatever the thread; as heaptrack counts.
// The allocation that a realloc moves is freed by it: malloc and realloc in a row make one temporary allocation.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "importers/allocation_figures.h"
#include "importers/block_table.h"

namespace importers {

/// Where a block lies in the table is a cache miss in any large trace: events wait, a few at a time, while their slots
/// are fetched.
/// Memory: 24 bytes a slot, 34 to 48 per live block; 20 to 28 per (site × size) and its figures.
class AllocationTracker {
 public:
  /// A block of `size` bytes at `address`. If there is one already, the recorder has missed its free: it ends here.
  void allocate(std::uint64_t address, std::uint64_t size, queries::SiteId site) {
    wait_for(address, index(kind_of(site, size)));
  }
  /// Where no live block is (allocated before the recording began, or freed twice), it counts as unknown.
  void free(std::uint64_t address) { wait_for(address, no_kind); }

  [[nodiscard]] AllocationFigures& figures() {
    catch_up();
    return figures_;
  }
  [[nodiscard]] std::uint64_t unknown_frees() {
    catch_up();
    return unknown_frees_;
  }
  [[nodiscard]] std::uint64_t missed_frees() {
    catch_up();
    return missed_frees_;
  }
  void finish(queries::AllocationProfile& profile) { figures().finish(profile, false); }

 private:
  struct Block {
    std::uint64_t address = 0;
    std::uint64_t born_bytes = 0;
    std::uint32_t born_ms = 0;
    std::uint32_t kind = no_kind;  // no_kind = an empty slot
    [[nodiscard]] bool is_empty() const { return kind == no_kind; }
  };
  static constexpr std::uint32_t no_kind = 0xFFFF'FFFFu;

  struct Event {
    std::uint64_t address = 0;
    std::uint32_t kind = no_kind;  // no_kind = a free
  };
  static constexpr std::size_t waiting_events = 8;

  void wait_for(std::uint64_t address, std::uint32_t kind);
  void catch_up();
  void take(const Event& event) {
    event.kind == no_kind ? end(event.address) : begin(event.address, KindId{event.kind});
  }
  void begin(std::uint64_t address, KindId kind);
  void end(std::uint64_t address);
  KindId kind_of(queries::SiteId site, std::uint64_t size);
  void grow_kinds();

  AllocationFigures figures_;
  std::array<Event, waiting_events> waiting_{};
  std::size_t waiting_at_ = 0;  // of the oldest
  std::size_t waiting_count_ = 0;
  BlockTable<Block> blocks_;
  struct KindKey {
    std::uint64_t size = 0;
    std::uint32_t site = 0;
    std::uint32_t kind = no_kind;
  };
  std::vector<KindKey> kinds_ = std::vector<KindKey>(256);
  std::uint64_t last_address_ = 0;  // of the allocation that was the event before
  bool has_last_ = false;
  std::uint64_t unknown_frees_ = 0;
  std::uint64_t missed_frees_ = 0;
};

/// A freed block is taken for the youngest of its kind: the count, the peak and what is live are exact, the sum of
/// lifetimes of a kind is if all of it was freed, who lived how long is an estimate.
/// Memory: 16 bytes per live block, 4 per kind.
class KindTracker {
 public:
  KindId add_kind(queries::SiteId site, std::uint64_t size) {
    youngest_.push_back(none);
    return figures_.add_kind(site, size);
  }
  [[nodiscard]] std::size_t kind_count() const { return youngest_.size(); }
  void allocate(KindId id) {
    const Birth born = figures_.allocated(id);
    std::uint32_t entry = free_entry_;
    if (entry == none) {
      entry = static_cast<std::uint32_t>(births_.size());
      births_.emplace_back();
    } else {
      free_entry_ = births_[entry].next;
    }
    births_[entry] = {born.bytes, born.ms, youngest_[index(id)]};
    youngest_[index(id)] = entry;
    last_ = index(id);
  }
  /// false: no block of the kind is live.
  bool free(KindId id) {
    const bool is_temporary = last_ == index(id);
    last_ = none;
    const std::uint32_t entry = youngest_[index(id)];
    if (entry == none) {
      ++unknown_frees_;
      return false;
    }
    const Entry birth = births_[entry];
    youngest_[index(id)] = birth.next;
    births_[entry].next = free_entry_;
    free_entry_ = entry;
    figures_.freed(id, {birth.bytes, birth.ms}, is_temporary);
    return true;
  }
  [[nodiscard]] AllocationFigures& figures() { return figures_; }
  [[nodiscard]] std::uint64_t unknown_frees() const { return unknown_frees_; }
  void finish(queries::AllocationProfile& profile) { figures_.finish(profile, true); }

 private:
  static constexpr std::uint32_t none = 0xFFFF'FFFFu;
  struct Entry {
    std::uint64_t bytes = 0;
    std::uint32_t ms = 0;
    std::uint32_t next = none;  // an older one of the kind; of an unused entry, another such
  };
  AllocationFigures figures_;
  std::vector<std::uint32_t> youngest_;  // by kind: entry of births_
  std::vector<Entry> births_;
  std::uint32_t free_entry_ = none;
  std::uint32_t last_ = none;  // kind of the allocation that was the event before
  std::uint64_t unknown_frees_ = 0;
};

}  // namespace importers
