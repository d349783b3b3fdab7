#include "analyzer/passes/trend_statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace analyzer {
namespace {

using queries::SeriesPoint;
using Points = std::vector<SeriesPoint>;

Points line(std::size_t n, double slope, double start = 0) {
  Points points;
  for (std::size_t i = 0; i < n; ++i)
    points.push_back({static_cast<double>(i), start + slope * static_cast<double>(i)});
  return points;
}

TEST(TrendStatistics, LineHasItsSlope) {
  const TrendTest trend = find_trend(line(20, 3, 100));
  EXPECT_DOUBLE_EQ(trend.slope, 3);
  EXPECT_DOUBLE_EQ(trend.slope_low, 3);
  EXPECT_DOUBLE_EQ(trend.slope_high, 3);
  EXPECT_DOUBLE_EQ(trend.intercept, 100);
  EXPECT_DOUBLE_EQ(trend.tau, 1);
  EXPECT_LT(trend.p, 1e-6);
}

TEST(TrendStatistics, OutliersDoNotMoveTheSlope) {
  Points points = line(21, 2);
  points[3].value = 1e9;
  points[17].value = -1e9;
  EXPECT_NEAR(find_trend(points).slope, 2, 0.2);
}

/// Worked by hand: S of 1 3 2 4 is 4 (five rises, one fall), its variance 4·3·13/18, tau 4/6.
TEST(TrendStatistics, MannKendallByHand) {
  const TrendTest trend = find_trend(Points{{0, 1}, {1, 3}, {2, 2}, {3, 4}});
  EXPECT_NEAR(trend.tau, 4.0 / 6, 1e-12);
  EXPECT_NEAR(trend.p, std::erfc((4 - 1) / std::sqrt(4 * 3 * 13 / 18.0) / std::sqrt(2.0)), 1e-12);
}

TEST(TrendStatistics, ConstantHasNoTrend) {
  const TrendTest trend = find_trend(line(20, 0, 7));
  EXPECT_EQ(trend.slope, 0);
  EXPECT_EQ(trend.tau, 0);
  EXPECT_EQ(trend.p, 1);
}

TEST(TrendStatistics, FewerThanThreePointsAreNoTrend) {
  EXPECT_EQ(find_trend(line(2, 5)).p, 1);
  EXPECT_EQ(find_trend({}).p, 1);
}

/// Of independent noise, one test in a hundred is below 0.01: 300 of them may have at most nine.
TEST(TrendStatistics, NoiseIsRarelySignificant) {
  std::mt19937_64 random(42);
  std::normal_distribution<double> normal;
  int significant = 0;
  for (int run = 0; run < 300; ++run) {
    Points points;
    for (int i = 0; i < 24; ++i) points.push_back({static_cast<double>(i), normal(random)});
    significant += find_trend(points).p < 0.01 ? 1 : 0;
  }
  EXPECT_LE(significant, 9);
}

/// A random walk without drift goes far: the plain test calls half of them trends, the corrected one few.
TEST(TrendStatistics, AutocorrelationIsCorrectedFor) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  int significant = 0;
  for (int run = 0; run < 200; ++run) {
    Points points;
    double value = 0;
    for (int i = 0; i < 24; ++i) points.push_back({static_cast<double>(i), value = 0.8 * value + normal(random)});
    significant += find_trend(points).p < 0.01 ? 1 : 0;
  }
  EXPECT_LE(significant, 40);
}

TEST(TrendStatistics, RSquared) {
  EXPECT_DOUBLE_EQ(r_squared(line(10, -4, 3)), 1);
  EXPECT_DOUBLE_EQ(r_squared(Points{{0, 0}, {1, 1}, {2, 0}}), 0);
  EXPECT_EQ(r_squared(line(10, 0)), 0);
}

TEST(TrendStatistics, EnvelopeKeepsTheLowsOfASaw) {
  Points points;
  for (int i = 0; i < 100; ++i) points.push_back({static_cast<double>(i), static_cast<double>(i % 10)});
  const Points lows = find_envelope(points, 9);
  ASSERT_EQ(lows.size(), 9u);
  for (const SeriesPoint& low : lows) EXPECT_LE(low.value, 1);
}

TEST(TrendStatistics, EnvelopeOfOneMomentIsThatMoment) {
  EXPECT_EQ(find_envelope(Points{{5, 1}, {5, 2}}, 4).size(), 1u);
  EXPECT_TRUE(find_envelope({}, 4).empty());
}

TEST(TrendStatistics, PeriodOfASaw) {
  for (const int period : {7, 16, 30}) {
    Points points;
    for (int i = 0; i < 240; ++i) points.push_back({0.5 * i, static_cast<double>(i % period) + 0.05 * i});
    EXPECT_EQ(find_period(points), static_cast<std::size_t>(period));
  }
}

TEST(TrendStatistics, LineAndNoiseHaveNoPeriod) {
  EXPECT_EQ(find_period(line(200, 2)), 0u);
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal;
  Points points;
  for (int i = 0; i < 300; ++i) points.push_back({static_cast<double>(i), normal(random)});
  EXPECT_EQ(find_period(points), 0u);
}

TEST(TrendStatistics, JumpIsFound) {
  Points points = line(20, 0, 5);
  for (std::size_t i = 12; i < 20; ++i) points[i].value = 9;
  const Jump jump = find_jump(points);
  EXPECT_EQ(jump.at, 12u);
  EXPECT_DOUBLE_EQ(jump.share, 1);
  EXPECT_DOUBLE_EQ(jump.height, 4);
  EXPECT_DOUBLE_EQ(jump.at_once, 1);
  EXPECT_LT(find_jump(line(40, 1)).share, 0.76);  // a ramp is no jump: 3/4 at most
}

/// The example of Benjamini and Hochberg's paper (table 1): at 0.05, the first four of fifteen.
TEST(TrendStatistics, FalseDiscoveryRates) {
  const std::vector<double> p{0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
                              0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000};
  const std::vector<double> q = false_discovery_rates(p);
  int significant = 0;
  for (const double rate : q) significant += rate <= 0.05 ? 1 : 0;
  EXPECT_EQ(significant, 4);
  for (std::size_t i = 0; i < p.size(); ++i) EXPECT_GE(q[i], p[i]);
}

}  // namespace
}  // namespace analyzer
