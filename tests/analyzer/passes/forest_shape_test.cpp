#include "analyzer/passes/forest_shape.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace {

using analyzer::ForestShape;
using analyzer::WorkArray;

/// `parents[i]`: of vertex i + 1.
void expect_kept(const std::vector<std::uint32_t>& parents) {
  WorkArray<std::uint32_t> parent(parents.size() + 1);
  parent[0] = 0;
  for (std::size_t i = 0; i < parents.size(); ++i) parent[i + 1] = parents[i];
  const ForestShape shape(parent, static_cast<std::uint32_t>(parents.size()));
  const WorkArray<std::uint32_t> read = shape.parents();
  ASSERT_EQ(read.size(), parent.size());
  for (std::size_t v = 0; v < read.size(); ++v) ASSERT_EQ(read[v], parent[v]) << "vertex " << v;
}

TEST(ForestShape, KeepsSmallForests) {
  expect_kept({});
  expect_kept({0});
  expect_kept({0, 0, 0});
  expect_kept({0, 1, 2, 2, 1, 0, 6});
}

TEST(ForestShape, KeepsALongListAndWhatComesBehindIt) {
  for (const std::uint32_t length : {62u, 63u, 64u, 65u, 127u, 128u, 1000u}) {
    std::vector<std::uint32_t> parents;
    for (std::uint32_t v = 0; v < length; ++v) parents.push_back(v);
    parents.push_back(1);  // leaves the list: more zeros than a word has
    parents.push_back(0);
    expect_kept(parents);
  }
}

TEST(ForestShape, KeepsRandomForests) {
  for (std::uint32_t seed = 0; seed < 1000; ++seed) {
    std::mt19937 random(seed);
    std::vector<std::uint32_t> path = {0};
    std::vector<std::uint32_t> parents;
    const auto count = static_cast<std::uint32_t>(random() % 500);
    for (std::uint32_t v = 1; v <= count; ++v) {
      while (path.size() > 1 && random() % 2 == 0) path.pop_back();
      parents.push_back(path.back());
      path.push_back(v);
    }
    expect_kept(parents);
  }
}

TEST(WorkArray, GivesBackOnlyWhatIsBehind) {
  constexpr std::size_t size = (std::size_t{5} << 20) + 3;  // 20 MiB and a little
  WorkArray<std::uint32_t> array(size);
  for (std::size_t i = 0; i < size; ++i) array[i] = static_cast<std::uint32_t>(i);
  for (std::size_t at = size; at > 0; at -= std::min<std::size_t>(at, 777'777)) {
    array.give_back_from(at);
    for (std::size_t i = 0; i < at; ++i) ASSERT_EQ(array[i], i);
  }
  array.give_back_from(0);
  WorkArray<std::uint32_t> small(1000);
  for (std::size_t i = 0; i < 1000; ++i) small[i] = static_cast<std::uint32_t>(i);
  small.give_back_from(500);
  for (std::size_t i = 0; i < 500; ++i) ASSERT_EQ(small[i], i);
  WorkArray<std::uint32_t>().give_back_from(0);
}

}  // namespace
