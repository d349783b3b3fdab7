// Walks and distances against their definitions: lists in order and shuffled, trees, circles, arrays, and random graphs
// measured again by a plain walk.
#include "analyzer/passes/locality.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>

#include "analyzer/passes/dominators.h"
#include "tests/support/graph_builder.h"

namespace {

using analyzer::Locality;
using queries::ObjectId;
using queries::Snapshot;
using queries::WalkRow;

constexpr std::uint32_t count = 1000;

Locality locality_of(const Snapshot& snapshot) {
  const queries::HeapGraph graph(snapshot);
  const auto dominators = analyzer::find_dominators(graph, queries::follow_collector);
  return analyzer::find_locality(snapshot, graph, dominators.immediate, 100);
}

/// `count` nodes of 16 bytes, linked in that order.
Snapshot list_of(const std::vector<std::uint32_t>& order, bool both_ways) {
  tests::GraphBuilder g;
  g.objects(count, "Node", 16);
  for (std::size_t i = 0; i + 1 < order.size(); ++i) {
    g.reference(ObjectId{order[i]}, ObjectId{order[i + 1]});
    if (both_ways) g.reference(ObjectId{order[i + 1]}, ObjectId{order[i]});
  }
  const ObjectId list = g.object("List", 16);
  g.reference(list, ObjectId{order[0]});
  g.root(list);
  return g.build();
}

/// What a walk over objects at 0x1000 + 16 · id touches, by the definition.
WalkRow expected_walk(const std::vector<std::uint32_t>& order) {
  WalkRow row;
  std::set<std::uint64_t> lines;
  std::set<std::uint64_t> pages;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::uint64_t at = 0x1000 + 16 * std::uint64_t{order[i]};
    lines.insert(at / 64);
    pages.insert(at / 4096);
    if (i == 0) continue;
    const std::uint64_t before = 0x1000 + 16 * std::uint64_t{order[i - 1]};
    row.near_count += at / 64 == before / 64 || at / 64 == before / 64 + 1 ? 1 : 0;
    row.page_changes += at / 4096 != before / 4096 ? 1 : 0;
  }
  row.element_count = order.size();
  row.line_count = lines.size();
  row.page_count = pages.size();
  return row;
}

void expect_equal(const WalkRow& found, const WalkRow& expected) {
  EXPECT_EQ(found.element_count, expected.element_count);
  EXPECT_EQ(found.near_count, expected.near_count);
  EXPECT_EQ(found.page_changes, expected.page_changes);
  EXPECT_EQ(found.line_count, expected.line_count);
  EXPECT_EQ(found.page_count, expected.page_count);
  EXPECT_EQ(found.bytes, 16 * expected.element_count);
}

std::vector<std::uint32_t> shuffled(unsigned seed) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  std::mt19937 random(seed);
  std::shuffle(order.begin(), order.end(), random);
  return order;
}

TEST(Locality, AListIsWalkedFromItsHeadAlongItsLinks) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  const Locality ordered = locality_of(list_of(order, false));
  ASSERT_EQ(ordered.walks.size(), 1u);
  expect_equal(ordered.walks[0], expected_walk(order));
  EXPECT_EQ(ordered.walks[0].near_count, count - 1);
  EXPECT_TRUE(ordered.walks[0].is_linked);

  for (unsigned seed = 1; seed <= 5; ++seed) {
    const std::vector<std::uint32_t> mixed = shuffled(seed);
    const Locality found = locality_of(list_of(mixed, false));
    ASSERT_EQ(found.walks.size(), 1u);
    expect_equal(found.walks[0], expected_walk(mixed));
    EXPECT_EQ(found.walks[0].first, ObjectId{mixed[0]});
  }
}

TEST(Locality, LinksThatLeadBackVisitNothingTwice) {
  const Locality found = locality_of(list_of(shuffled(7), true));
  ASSERT_EQ(found.walks.size(), 1u);
  EXPECT_EQ(found.walks[0].element_count, count);
}

TEST(Locality, ACircleIsWalkedOnce) {
  tests::GraphBuilder g;
  g.objects(count, "Node", 16);
  for (std::uint32_t i = 0; i < count; ++i) g.reference(ObjectId{i}, ObjectId{(i + 1) % count});
  g.root(ObjectId{5});
  const Locality found = locality_of(g.build());
  ASSERT_EQ(found.walks.size(), 1u);
  EXPECT_EQ(found.walks[0].element_count, count);
}

TEST(Locality, ATreeIsOneWalkWithItsLeaves) {
  tests::GraphBuilder g;
  g.objects(1023, "Tree", 16);
  for (std::uint32_t i = 0; 2 * i + 2 < 1023; ++i) {
    g.reference(ObjectId{i}, ObjectId{2 * i + 1});
    g.reference(ObjectId{i}, ObjectId{2 * i + 2});
  }
  g.root(ObjectId{0});
  const Locality found = locality_of(g.build());
  ASSERT_EQ(found.walks.size(), 1u);
  EXPECT_EQ(found.walks[0].element_count, 1023u);
  // Depth first, children in the order of their slots: 0 1 3 7 … .
  std::vector<std::uint32_t> order;
  const auto visit = [&](auto&& self, std::uint32_t i) -> void {
    order.push_back(i);
    if (2 * i + 2 >= 1023) return;
    self(self, 2 * i + 1);
    self(self, 2 * i + 2);
  };
  visit(visit, 0);
  expect_equal(found.walks[0], expected_walk(order));
}

TEST(Locality, AnArrayIsWalkedSlotBySlotAndMayRepeat) {
  tests::GraphBuilder g;
  g.objects(count, "Item", 16);
  std::vector<std::uint32_t> order = shuffled(3);
  order.insert(order.end(), {order[0], order[1]});
  const ObjectId array = g.array("Item[]", static_cast<std::uint32_t>(order.size()), 8 * order.size());
  for (const std::uint32_t item : order) g.reference(array, ObjectId{item});
  g.root(array);
  const Locality found = locality_of(g.build());
  ASSERT_EQ(found.walks.size(), 1u);
  WalkRow expected = expected_walk(order);
  EXPECT_FALSE(found.walks[0].is_linked);
  EXPECT_EQ(found.walks[0].first, array);
  EXPECT_EQ(found.walks[0].element_count, order.size());
  EXPECT_EQ(found.walks[0].near_count, expected.near_count);
  EXPECT_EQ(found.walks[0].page_changes, expected.page_changes);
  EXPECT_EQ(found.walks[0].line_count, expected.line_count);
  EXPECT_EQ(found.walks[0].bytes, 16u * count) << "each element's bytes once";
}

TEST(Locality, BackReferencesAreNoSteps) {
  tests::GraphBuilder g;
  g.objects(count, "Node", 16);
  for (std::uint32_t i = 0; i + 1 < count; ++i) g.reference(ObjectId{i + 1}, ObjectId{i}, queries::Strength::weak);
  g.root(ObjectId{0});
  EXPECT_TRUE(locality_of(g.build()).walks.empty());
}

TEST(Locality, DistancesAreFromTheOwner) {
  tests::GraphBuilder g;
  const ObjectId owner = g.object("Owner", 16);
  const ObjectId near = g.object("Near", 16);  // right behind it
  g.objects(400, "Filler", 16);
  const ObjectId far = g.object("Far", 16);
  g.reference(owner, near);
  g.reference(owner, far);
  g.root(owner);
  const Locality found = locality_of(g.build());
  ASSERT_EQ(found.pairs.size(), 2u);
  for (const queries::LocalityRow& row : found.pairs) {
    const bool is_near = row.median_distance == 0;
    EXPECT_EQ(row.object_count, 1u);
    EXPECT_EQ(row.same_page, is_near ? 1u : 0u);
    EXPECT_EQ(row.median_distance, is_near ? 0u : 8192u) << "400 · 16 = 6,400 bytes and the near one between them";
  }
}

}  // namespace
