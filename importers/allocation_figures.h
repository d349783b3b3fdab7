// What a trace's events add up to, in one pass: figures per (site × requested size) and per site, the peak, lifetimes,
// values over time. Knows nothing of addresses: who was freed is told by allocation_tracker.h.
//
// Peak: what each pair held when the whole program was at its peak is found without a second pass. A pair remembers the
// last peak it has looked back at; before it changes again, its count of then is saved if there has been a new peak
// since. O(1) an event, 16 bytes a pair.
//
// Lifetimes: the clock is bytes allocated by the program, and seconds where the record has them.
//
// Memory: 64 bytes per pair and site, 20 more for its look-up (allocation_tracker.h), at most 1024 points over time.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "queries/allocation_profile.h"

namespace importers {

/// What was asked for, and where: a pair of site and requested size.
enum class KindId : std::uint32_t {};
constexpr std::uint32_t index(KindId id) { return static_cast<std::uint32_t>(id); }

/// When a block was allocated.
struct Birth {
  std::uint64_t bytes = 0;  ///< allocated by the whole program before it
  std::uint32_t ms = 0;
};

class AllocationFigures {
 public:
  static constexpr std::uint64_t largest_size = std::uint64_t{1} << 46;  ///< of a block; importers refuse larger ones
  static constexpr std::size_t most_kinds = std::size_t{1} << 24;        ///< a trace with more is refused (InputError)

  /// A new pair, of a size of at most largest_size; equal ones become one row at the end. `site` may be no_site.
  KindId add_kind(queries::SiteId site, std::uint64_t size);
  [[nodiscard]] std::size_t kind_count() const { return kinds_.size(); }

  /// One block more; when it was born.
  Birth allocated(KindId id) {
    Kind& kind = kinds_[importers::index(id)];
    Site& site = sites_[kind.site];
    if (allocated_bytes_ > most_bytes) too_many_bytes();
    const Birth born{allocated_bytes_, now_ms_};
    look_back(kind);
    ++kind.allocations;
    allocated_bytes_ += kind.size;
    site.live_bytes += kind.size;
    ++site.live_count;
    if (site.live_bytes > site.max_bytes) {
      site.max_bytes = site.live_bytes;
      site.max_count = site.live_count;
    }
    ++allocation_count_;
    live_bytes_ += kind.size;
    if (live_bytes_ > highest_) {
      highest_ = live_bytes_;
      if (live_bytes_ > peak_bytes_) {
        peak_bytes_ = live_bytes_;
        ++peaks_;
      }
    }
    return born;
  }

  /// One block of the kind less. `is_temporary`: nothing happened between its allocation and this.
  void freed(KindId id, Birth born, bool is_temporary) {
    Kind& kind = kinds_[importers::index(id)];
    Site& site = sites_[kind.site];
    look_back(kind);
    ++kind.frees;
    kind.temporary += is_temporary ? 1u : 0u;
    site.live_bytes -= kind.size;
    --site.live_count;
    live_bytes_ -= kind.size;
    // The block's own bytes are not part of its age: one that is freed at once has lived for nothing.
    const std::uint64_t age = allocated_bytes_ - born.bytes - kind.size;
    site.age_bytes += static_cast<double>(age);
    Survival& by_bytes = by_bytes_[static_cast<std::size_t>(std::bit_width(age))];
    ++by_bytes.count;
    by_bytes.bytes += kind.size;
    const std::uint32_t age_ms = now_ms_ - born.ms;
    site.age_ms += age_ms;
    std::size_t bucket = 0;
    while (bucket < ms_limits.size() && age_ms >= ms_limits[bucket]) ++bucket;
    ++by_ms_[bucket].count;
    by_ms_[bucket].bytes += kind.size;
  }

  /// Time goes on; steps backwards are ignored. Without a call the record has no time.
  void set_time(std::uint32_t ms);
  void set_rss(std::uint64_t bytes) {
    rss_bytes_ = static_cast<std::int64_t>(bytes);
    highest_rss_ = std::max(highest_rss_, rss_bytes_);
  }

  [[nodiscard]] std::uint64_t live_bytes() const { return live_bytes_; }
  [[nodiscard]] std::uint64_t allocated_bytes() const { return allocated_bytes_; }
  [[nodiscard]] std::uint64_t peak_bytes() const { return peak_bytes_; }

  /// Appends the one record of the trace, its series and, unless it is known to be longer, its length to `profile`.
  /// Rows are ordered by site and size. `is_estimated`: which block was freed is not known (ClassTracker). O(k log k)
  /// in the kinds.
  void finish(queries::AllocationProfile& profile, bool is_estimated);

 private:
  struct Kind {
    std::uint64_t size = 0;
    std::uint32_t site = 0;  // index into sites_
    std::uint64_t allocations = 0;
    std::uint64_t frees = 0;
    std::uint64_t temporary = 0;
    std::uint64_t seen_peak = 0;  // peaks_ when at_peak was saved
    std::uint64_t at_peak = 0;    // blocks live then
  };
  struct Site {
    queries::SiteId id = queries::no_site;
    std::uint64_t live_bytes = 0;
    std::uint64_t live_count = 0;
    std::uint64_t max_bytes = 0;
    std::uint64_t max_count = 0;
    double age_bytes = 0;
    std::uint64_t age_ms = 0;
  };
  struct Survival {
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;
  };
  struct Point {
    std::uint32_t ms = 0;
    std::uint64_t live_bytes = 0;
    std::uint64_t highest = 0;  // live bytes at most, since the point before
    std::uint64_t allocated_bytes = 0;
    std::uint64_t allocations = 0;
    std::int64_t rss_bytes = queries::not_known;
  };
  static constexpr std::array<std::uint32_t, 8> ms_limits{10,      100,       1'000,      10'000,
                                                          100'000, 1'000'000, 10'000'000, 100'000'000};
  static constexpr std::uint64_t most_bytes = std::uint64_t{1} << 62;  // so that no sum overflows
  static constexpr std::size_t most_points = 1024;

  void look_back(Kind& kind) const {
    if (kind.seen_peak == peaks_) return;
    kind.seen_peak = peaks_;
    kind.at_peak = kind.allocations - kind.frees;
  }
  [[noreturn]] static void too_many_bytes();
  void add_point();
  void finish_rows(queries::ProfileRecord& record, bool is_estimated);
  void finish_lifetimes(queries::ProfileRecord& record, bool is_estimated) const;
  void finish_series(queries::AllocationProfile& profile) const;

  std::vector<Kind> kinds_;
  std::vector<Site> sites_;
  std::vector<std::uint32_t> site_numbers_;  // by SiteId + 1: index into sites_, plus one; 0 = none yet
  std::uint64_t allocation_count_ = 0;
  std::uint64_t allocated_bytes_ = 0;
  std::uint64_t live_bytes_ = 0;
  std::uint64_t peak_bytes_ = 0;
  std::uint64_t peaks_ = 0;
  std::array<Survival, 65> by_bytes_{};  // by bit width of the age
  std::array<Survival, ms_limits.size() + 1> by_ms_{};
  std::uint32_t now_ms_ = 0;
  bool has_time_ = false;
  std::int64_t rss_bytes_ = queries::not_known;
  std::int64_t highest_rss_ = queries::not_known;
  std::uint64_t highest_ = 0;  // live bytes since the last point
  std::uint32_t interval_ms_ = 1;
  std::vector<Point> points_;
};

}  // namespace importers
