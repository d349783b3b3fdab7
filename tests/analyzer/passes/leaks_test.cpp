// Leak heads against their definition: a strongly connected component that no other leaked component points to.
#include "analyzer/passes/leaks.h"

#include <gtest/gtest.h>

#include <random>

#include "analyzer/passes/passes.h"
#include "tests/support/graph_builder.h"
#include "tests/support/naive_graph.h"

namespace {

using queries::LeakRow;
using queries::ObjectId;
using tests::Mask;

std::vector<LeakRow> leaks_of(const queries::Snapshot& snapshot) {
  return analyzer::find_leaks(queries::HeapGraph(snapshot), tests::NaiveGraph(snapshot).reachability());
}

TEST(Leaks, AChainHasOneHead) {
  tests::GraphBuilder g;
  const ObjectId held = g.object("Held", 8);
  g.root(held);
  const ObjectId last = g.object("Node", 16);
  const ObjectId middle = g.object("Node", 16);
  const ObjectId head = g.object("List", 24);
  g.reference(head, middle);
  g.reference(middle, last);
  g.reference(last, held);  // holds nothing that is leaked
  const auto leaks = leaks_of(g.build());
  ASSERT_EQ(leaks.size(), 1u);
  EXPECT_EQ(leaks[0].head_count, 1u);
  EXPECT_EQ(leaks[0].cycle_count, 0u);
  EXPECT_EQ(leaks[0].object_count, 3u);
  EXPECT_EQ(leaks[0].shallow_bytes, 56u);
  EXPECT_EQ(leaks[0].example, head);
}

TEST(Leaks, ACycleHasOneHeadAndSaysSo) {
  tests::GraphBuilder g;
  const ObjectId first = g.object("Node");
  const ObjectId second = g.object("Node");
  const ObjectId payload = g.object("Payload");
  g.reference(first, second);
  g.reference(second, first);
  g.reference(second, payload);
  const auto leaks = leaks_of(g.build());
  ASSERT_EQ(leaks.size(), 1u);
  EXPECT_EQ(leaks[0].head_count, 1u);
  EXPECT_EQ(leaks[0].cycle_count, 1u);
  EXPECT_EQ(leaks[0].object_count, 3u);
}

TEST(Leaks, WhatTwoHeadsReachIsCountedOnce) {
  tests::GraphBuilder g;
  const ObjectId a = g.object("A", 10);
  const ObjectId b = g.object("B", 20);
  const ObjectId shared = g.object("Shared", 300);
  g.reference(a, shared);
  g.reference(b, shared);
  std::uint64_t objects = 0, bytes = 0, heads = 0;
  for (const LeakRow& row : leaks_of(g.build())) {
    objects += row.object_count;
    bytes += row.shallow_bytes;
    heads += row.head_count;
  }
  EXPECT_EQ(objects, 3u);
  EXPECT_EQ(bytes, 330u);
  EXPECT_EQ(heads, 2u);
}

TEST(Leaks, AgreeWithTheDefinitionOnRandomGraphs) {
  for (std::uint32_t seed = 0; seed < 5'000; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
    tests::GraphBuilder g;
    const std::uint32_t n = 2 + below(40);
    for (std::uint32_t v = 0; v < n; ++v) g.object("C" + std::to_string(below(3)), 8 * (1 + below(10)));
    for (std::uint32_t i = below(2 * n); i > 0; --i) g.reference(ObjectId{below(n)}, ObjectId{below(n)});
    for (std::uint32_t roots = below(3); roots > 0; --roots) g.root(ObjectId{below(n)});
    const queries::Snapshot snapshot = g.build();
    const tests::NaiveGraph naive(snapshot);
    const auto reachability = naive.reachability();
    const auto components = naive.components();
    Mask leaked = 0;
    for (std::uint32_t v = 0; v < n; ++v) {
      if (reachability[v] == queries::Reachability::unreachable) leaked |= Mask{1} << v;
    }
    const auto component_of = [&](std::uint32_t v) { return components[v] == 0 ? Mask{1} << v : components[v]; };
    Mask heads = leaked;  // members of components that nothing leaked outside of them points to
    const queries::HeapGraph graph(snapshot);
    for (std::uint32_t v = 0; v < n; ++v) {
      if ((leaked >> v & 1) == 0) continue;
      graph.for_each_successor(ObjectId{v}, [&](ObjectId target, queries::Strength) {
        if ((component_of(index(target)) >> v & 1) == 0) heads &= ~component_of(index(target));
      });
    }
    std::uint64_t expected_heads = 0;
    std::uint64_t expected_cycles = 0;
    for (std::uint32_t v = 0; v < n; ++v) {
      const Mask component = component_of(v);
      if ((heads >> v & 1) == 0 || (component & ((Mask{1} << v) - 1)) != 0) continue;  // its lowest member counts
      ++expected_heads;
      expected_cycles += __builtin_popcountll(component) > 1 ? 1u : 0u;
    }
    std::uint64_t objects = 0, bytes = 0, head_count = 0, cycles = 0;
    for (const LeakRow& row : analyzer::find_leaks(graph, reachability)) {
      objects += row.object_count;
      bytes += row.shallow_bytes;
      head_count += row.head_count;
      cycles += row.cycle_count;
      EXPECT_EQ(heads >> index(row.example) & 1, 1u) << "seed " << seed;
      EXPECT_EQ(graph.class_of(row.example), row.class_id) << "seed " << seed;
    }
    ASSERT_EQ(objects, static_cast<std::uint64_t>(__builtin_popcountll(leaked))) << "seed " << seed;
    ASSERT_EQ(bytes, naive.bytes(leaked)) << "seed " << seed;
    ASSERT_EQ(head_count, expected_heads) << "seed " << seed;
    ASSERT_EQ(cycles, expected_cycles) << "seed " << seed;
  }
}

TEST(Leaks, WhatOnlyUncertainEvidenceHoldsIsPossiblyLeaked) {
  tests::GraphBuilder g;
  const ObjectId held = g.object("Held", 8);
  const ObjectId doubtful = g.object("Doubtful", 16);
  const ObjectId below = g.object("Below", 32);
  const ObjectId stale = g.object("Stale", 64);
  const ObjectId lost = g.object("Lost", 128);
  const ObjectId both = g.object("Both", 256);
  g.root(held);
  g.reference(held, doubtful, queries::Strength::uncertain);
  g.reference(doubtful, below);
  g.root(stale, queries::RootKind::stack_word, queries::Doubt::below_stack);
  g.reference(lost, both);
  g.root(both, queries::RootKind::stack_word, queries::Doubt::below_stack);
  g.root(both, queries::RootKind::static_data);
  const auto leaks = leaks_of(g.build());
  ASSERT_EQ(leaks.size(), 3u);
  EXPECT_TRUE(leaks[0].is_certain);
  EXPECT_EQ(leaks[0].example, lost);
  EXPECT_EQ(leaks[0].shallow_bytes, 128u);
  EXPECT_FALSE(leaks[1].is_certain);
  EXPECT_EQ(leaks[1].example, stale);
  EXPECT_EQ(leaks[1].holder, queries::no_object);
  EXPECT_FALSE(leaks[2].is_certain);
  EXPECT_EQ(leaks[2].example, doubtful);
  EXPECT_EQ(leaks[2].holder, held);
  EXPECT_EQ(leaks[2].object_count, 2u);
  EXPECT_EQ(leaks[2].shallow_bytes, 48u);
}

TEST(Leaks, TheHeadIsWhatTheEvidencePointsTo) {
  tests::GraphBuilder g;
  const ObjectId held = g.object("Held");
  g.root(held);
  const ObjectId ring = g.objects(20);
  for (std::uint32_t i = 0; i < 20; ++i) g.reference(ObjectId{index(ring) + i}, ObjectId{index(ring) + (i + 1) % 20});
  g.reference(held, ObjectId{index(ring) + 13}, queries::Strength::uncertain);
  const auto leaks = leaks_of(g.build());
  ASSERT_EQ(leaks.size(), 1u);
  EXPECT_EQ(leaks[0].example, ObjectId{index(ring) + 13});
  EXPECT_EQ(leaks[0].holder, held);
  EXPECT_EQ(leaks[0].head_count, 1u);
  EXPECT_EQ(leaks[0].cycle_count, 1u);
  EXPECT_EQ(leaks[0].object_count, 20u);
}

TEST(Leaks, CyclesOfTheSameClassesAreOneGroup) {
  tests::GraphBuilder g;
  for (int i = 0; i < 6; ++i) {  // made in both orders: the search comes upon A first, or upon B
    const ObjectId first = g.object(i % 2 == 0 ? "A" : "B");
    const ObjectId second = g.object(i % 2 == 0 ? "B" : "A");
    g.reference(first, second);
    g.reference(second, first);
  }
  const auto leaks = leaks_of(g.build());
  ASSERT_EQ(leaks.size(), 1u);
  EXPECT_EQ(leaks[0].head_count, 6u);
  EXPECT_EQ(leaks[0].cycle_count, 6u);
  EXPECT_EQ(leaks[0].cycle.size(), 2u);
  EXPECT_EQ(leaks[0].example, leaks[0].cycle.front());
}

TEST(Leaks, ACollectedHeapHasNone) {
  tests::GraphBuilder g;
  g.object("Garbage");
  queries::Snapshot snapshot = g.build();
  const auto has = [](const queries::Results& results, std::string_view name) {
    for (const queries::MetricRow& row : results.metrics) {
      if (row.name == name) return true;
    }
    return false;
  };
  EXPECT_FALSE(has(analyzer::run_passes(snapshot, {}), "leaks.count"));
  snapshot.manual_memory = true;
  EXPECT_TRUE(has(analyzer::run_passes(snapshot, {}), "leaks.count"));
}

}  // namespace
