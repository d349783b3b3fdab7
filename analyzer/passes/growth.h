// Does it leak? A verdict on a value over time, by the statistics of trend_statistics.h:
//
//   1. the beginning is dropped (warm-up), then the lower envelope is taken: what the value falls back to;
//   2. LEAKING needs all of: Mann–Kendall significant, the 95 % interval of the slope above zero, growth that matters,
//      and growth that persists (the last third rises at least 0.3 times as much as the first);
//   3. growth that slows down is WARMING UP, one jump between two levels is a STEP, all else is STABLE;
//   4. fewer than eight moments, or less than three periods of a repetition: INSUFFICIENT DATA, never "no leak".
//
// A rise between two snapshots is not in here: that is a difference, not a rate.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "queries/allocation_profile.h"

namespace analyzer {

struct GrowthOptions {
  double significance = 0.01;
  std::size_t least_points = 8;
  double warm_up_share = 0.1;         ///< of the time, dropped at the beginning when there are points enough
  double least_growth_bytes = 65536;  ///< over the whole record: less is the noise of pages and arenas
  double least_growth_share = 0.001;  ///< of the value at the beginning
  double limit = 0;                   ///< bytes at which the process dies; 0 = no estimate of when
};

/// O(points) plus the square of at most 24 windows. Points in ascending t; equal times keep the last.
[[nodiscard]] queries::Growth find_growth(std::span<const queries::SeriesPoint> points, const GrowthOptions& options);

/// The series that tells most of a leak: live memory after a collection, live bytes, what the allocator has handed out,
/// private memory, resident memory, in that order. nullptr: none of them.
[[nodiscard]] const queries::Series* primary_series(std::span<const queries::Series> series);

/// Rows of one kind that were asked together: their q, verdicts that do not survive it become STABLE; most rise first.
void compare_growth(std::vector<queries::GrowthRow>& rows, const GrowthOptions& options);

/// Growth of every series, and of every site with live bytes in at least three records; rows of table `growth`. Sites
/// are compared with each other: their q holds the false discovery rate. Sampled profiles: sites with fewer than ten
/// samples never leak. O(series + sites × records²).
void find_profile_growth(queries::AllocationProfile& profile, const GrowthOptions& options);

}  // namespace analyzer
