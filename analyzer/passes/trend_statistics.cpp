#include "analyzer/passes/trend_statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace analyzer {
namespace {

using queries::SeriesPoint;
using Points = std::span<const SeriesPoint>;

constexpr double normal_975 = 1.959963985;  // two-sided 95 %

/// Ranks 1 … n, ties share their mean.
std::vector<double> ranks_of(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const double rank = (static_cast<double>(begin + end) + 1) / 2;
    for (std::size_t i = begin; i < end; ++i) ranks[order[i]] = rank;
  }
  return ranks;
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Autocorrelation at lags 1 … lags; empty when the values are constant.
std::vector<double> autocorrelation(const std::vector<double>& values, std::size_t lags) {
  const double mean = mean_of(values);
  double variance = 0;
  for (const double value : values) variance += (value - mean) * (value - mean);
  if (variance <= 0) return {};
  std::vector<double> result;
  for (std::size_t lag = 1; lag <= lags; ++lag) {
    double sum = 0;
    for (std::size_t i = lag; i < values.size(); ++i) sum += (values[i] - mean) * (values[i - lag] - mean);
    result.push_back(sum / variance);
  }
  return result;
}

/// Var(S) of Mann and Kendall, with ties.
double variance_of_s(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  double variance = n * (n - 1) * (2 * n + 5);
  std::vector<double> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t begin = 0, end = 0; begin < sorted.size(); begin = end) {
    while (end < sorted.size() && sorted[end] == sorted[begin]) ++end;
    const auto ties = static_cast<double>(end - begin);
    variance -= ties * (ties - 1) * (2 * ties + 5);
  }
  return variance / 18;
}

/// n/n*: how much larger the variance of S is than that of independent values. Never below 1: values that alternate do
/// not make a trend more certain.
double autocorrelation_factor(Points points, double slope) {
  const std::size_t n = points.size();
  if (n < 4) return 1;
  std::vector<double> detrended;
  for (const SeriesPoint& point : points) detrended.push_back(point.value - slope * point.t);
  const auto count = static_cast<double>(n);
  const double significant = normal_975 / std::sqrt(count);
  double sum = 0;
  const std::vector<double> correlations = autocorrelation(ranks_of(detrended), n - 3);
  for (std::size_t i = 0; i < correlations.size(); ++i) {
    if (std::abs(correlations[i]) <= significant) continue;
    const auto lag = static_cast<double>(i + 1);
    sum += (count - lag) * (count - lag - 1) * (count - lag - 2) * correlations[i];
  }
  return std::max(1.0, 1 + 2 / (count * (count - 1) * (count - 2)) * sum);
}

double median_of(std::vector<double> values) {
  const std::size_t middle = values.size() / 2;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(middle), values.end());
  const double upper = values[middle];
  if (values.size() % 2 != 0) return upper;
  return (upper + *std::max_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(middle))) / 2;
}

}  // namespace

TrendTest find_trend(Points points) {
  TrendTest trend;
  const std::size_t n = points.size();
  if (n < 3) return trend;
  std::vector<double> slopes;
  slopes.reserve(n * (n - 1) / 2);
  double s = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j) {
      const double rise = points[j].value - points[i].value;
      s += rise > 0 ? 1 : rise < 0 ? -1 : 0;
      slopes.push_back(rise / (points[j].t - points[i].t));
    }
  }
  std::sort(slopes.begin(), slopes.end());
  const std::size_t pairs = slopes.size();
  trend.slope = pairs % 2 != 0 ? slopes[pairs / 2] : (slopes[pairs / 2 - 1] + slopes[pairs / 2]) / 2;
  trend.tau = s / static_cast<double>(pairs);

  std::vector<double> values, rests;
  for (const SeriesPoint& point : points) {
    values.push_back(point.value);
    rests.push_back(point.value - trend.slope * point.t);
  }
  trend.intercept = median_of(rests);
  const double deviation = std::sqrt(variance_of_s(values) * autocorrelation_factor(points, trend.slope));
  if (deviation > 0) {
    const double z = std::max(0.0, std::abs(s) - 1) / deviation;
    trend.p = std::erfc(z / std::sqrt(2.0));
  }
  // Sen's interval: the slopes whose ranks lie that far from the middle.
  const double reach = normal_975 * deviation / 2;
  const double middle = static_cast<double>(pairs) / 2;
  const auto rank = [&](double at) {
    return static_cast<std::size_t>(std::clamp(at, 0.0, static_cast<double>(pairs - 1)));
  };
  trend.slope_low = slopes[rank(std::floor(middle - reach))];
  trend.slope_high = slopes[rank(std::ceil(middle + reach))];
  return trend;
}

double r_squared(Points points) {
  if (points.size() < 3) return 0;
  double t = 0, value = 0;
  for (const SeriesPoint& point : points) {
    t += point.t;
    value += point.value;
  }
  t /= static_cast<double>(points.size());
  value /= static_cast<double>(points.size());
  double tt = 0, tv = 0, vv = 0;
  for (const SeriesPoint& point : points) {
    tt += (point.t - t) * (point.t - t);
    tv += (point.t - t) * (point.value - value);
    vv += (point.value - value) * (point.value - value);
  }
  return tt > 0 && vv > 0 ? tv * tv / (tt * vv) : 0;
}

std::vector<SeriesPoint> find_envelope(Points points, std::size_t windows) {
  std::vector<SeriesPoint> lowest;
  if (points.empty() || windows == 0) return lowest;
  const double start = points.front().t;
  const double length = points.back().t - start;
  if (length <= 0) return {points.front()};
  std::size_t last = windows;  // no window yet
  for (const SeriesPoint& point : points) {
    const double share = (point.t - start) / length * static_cast<double>(windows);
    const std::size_t window = std::min(windows - 1, static_cast<std::size_t>(share));
    if (window != last) {
      lowest.push_back(point);
      last = window;
    } else if (point.value < lowest.back().value) {
      lowest.back() = point;
    }
  }
  return lowest;
}

std::size_t find_period(Points points) {
  constexpr std::size_t most_points = 2000;
  constexpr double strong = 0.4;         // weaker ones are noise
  constexpr double about_as_high = 0.8;  // of the highest: longer lags correlate less, fewer points are left
  const std::size_t step = points.size() / most_points + 1;
  std::vector<SeriesPoint> picked;
  for (std::size_t i = 0; i < points.size(); i += step) picked.push_back(points[i]);
  if (picked.size() < 16) return 0;
  std::vector<SeriesPoint> few;  // for the slope alone
  for (std::size_t i = 0; i < picked.size(); i += picked.size() / 128 + 1) few.push_back(picked[i]);
  const TrendTest trend = find_trend(few);
  std::vector<double> rests;
  rests.reserve(picked.size());
  for (const SeriesPoint& point : picked) rests.push_back(point.value - trend.slope * point.t);
  const std::vector<double> correlations = autocorrelation(rests, picked.size() / 2);
  // Peaks behind the first dip below zero: before it, values correlate because they are neighbours. The first peak that
  // is about as high as the highest is the period, later ones are its multiples.
  std::size_t from = 0;
  while (from < correlations.size() && correlations[from] > 0) ++from;
  std::vector<std::size_t> peaks;
  double highest = strong;
  for (std::size_t at = std::max<std::size_t>(from, 1); at + 1 < correlations.size(); ++at) {
    if (correlations[at] < correlations[at - 1] || correlations[at] <= correlations[at + 1]) continue;
    peaks.push_back(at);
    highest = std::max(highest, correlations[at] * about_as_high);
  }
  const auto first =
      std::find_if(peaks.begin(), peaks.end(), [&](std::size_t at) { return correlations[at] >= highest; });
  if (first == peaks.end()) return 0;
  return (*first + 1) * step;
}

Jump find_jump(Points points) {
  Jump jump;
  const std::size_t n = points.size();
  if (n < 4) return jump;
  double total = 0, squares = 0;
  for (const SeriesPoint& point : points) {
    total += point.value;
    squares += point.value * point.value;
  }
  const double variance = squares - total * total / static_cast<double>(n);
  if (variance <= 0) return jump;
  double below = 0;
  for (std::size_t at = 1; at < n; ++at) {
    below += points[at - 1].value;
    const auto left = static_cast<double>(at);
    const auto right = static_cast<double>(n - at);
    const double difference = (total - below) / right - below / left;
    const double share = difference * difference * left * right / static_cast<double>(n) / variance;
    if (share <= jump.share) continue;
    jump = {at, share, difference, difference != 0 ? (points[at].value - points[at - 1].value) / difference : 0};
  }
  return jump;
}

std::vector<double> false_discovery_rates(std::span<const double> p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  std::vector<double> rates(p.size());
  double least = 1;
  for (std::size_t i = order.size(); i-- > 0;) {
    least = std::min(least, p[order[i]] * static_cast<double>(p.size()) / static_cast<double>(i + 1));
    rates[order[i]] = least;
  }
  return rates;
}

}  // namespace analyzer
