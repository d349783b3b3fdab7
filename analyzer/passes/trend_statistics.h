// Robust statistics of a value over time: what a leak verdict rests on. Rank statistics and medians, because a heap's
// size is neither normal nor independent from one moment to the next.
//
// Sen, Estimates of the regression coefficient based on Kendall's tau, JASA 63 (1968); Hamed and Rao, A modified
// Mann-Kendall trend test for autocorrelated data, J. Hydrology 204 (1998); Benjamini and Hochberg, JRSS B 57 (1995).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "queries/allocation_profile.h"

namespace analyzer {

struct TrendTest {
  double slope = 0;      ///< Theil–Sen: the median of the slopes between all pairs, per second
  double slope_low = 0;  ///< its 95 % interval, by the variance below
  double slope_high = 0;
  double intercept = 0;  ///< of the line with that slope through the medians, at t = 0
  double tau = 0;        ///< Kendall's, −1 … 1
  double p = 1;          ///< two-sided, Mann–Kendall with Hamed–Rao's correction for autocorrelation
};

/// Points in ascending t, none equal; fewer than three: no trend (p = 1). O(n² log n) time, 8 bytes per pair: call with
/// at most some hundred points (find_envelope makes few of many).
[[nodiscard]] TrendTest find_trend(std::span<const queries::SeriesPoint> points);

/// Of the least-squares line: the share of the variance that it explains, 0 … 1. O(n).
[[nodiscard]] double r_squared(std::span<const queries::SeriesPoint> points);

/// The smallest point of each of `windows` equal spans of time; spans without a point are left out. What a saw-tooth
/// falls back to is its live memory: garbage and caches are above. O(n).
[[nodiscard]] std::vector<queries::SeriesPoint> find_envelope(std::span<const queries::SeriesPoint> points,
                                                              std::size_t windows);

/// Length of the strongest repetition in points (not seconds), by the autocorrelation of the detrended values; 0 =
/// none. O(n · n/2), for at most 2,000 points evenly picked.
[[nodiscard]] std::size_t find_period(std::span<const queries::SeriesPoint> points);

/// Where one jump explains the series: two levels with nothing between. `share` = of the variance that the two levels
/// explain; `at` = first point of the higher level. share 0: fewer than four points. O(n).
struct Jump {
  std::size_t at = 0;
  double share = 0;
  double height = 0;   ///< difference of the two levels' means
  double at_once = 0;  ///< of it, what lies between the two points of the jump, 0 … 1 (and beyond)
};
[[nodiscard]] Jump find_jump(std::span<const queries::SeriesPoint> points);

/// p values adjusted so that calling all with q ≤ x significant makes at most a share x of the calls wrong
/// (Benjamini–Hochberg). O(n log n).
[[nodiscard]] std::vector<double> false_discovery_rates(std::span<const double> p);

}  // namespace analyzer
