// The passes together: what must hold for every heap. Heaps of extreme shape: extreme_heaps_large_test.cpp.
#include "analyzer/passes/passes.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <string>

#include "tests/support/graph_builder.h"

namespace {

using analyzer::run_passes;
using queries::ObjectId;
using queries::Results;
using queries::Snapshot;
using queries::Strength;

std::map<std::string, double> metrics_of(const Results& results) {
  std::map<std::string, double> metrics;
  for (const queries::MetricRow& row : results.metrics) metrics[row.name] = row.value;
  return metrics;
}

/// Two threads' worth of objects, weak things, garbage with a cycle, duplicates.
Snapshot small_heap() {
  tests::GraphBuilder g;
  const ObjectId root = g.object("Root", 24);
  const ObjectId map = g.object("Map", 48);
  const ObjectId a = g.object("Node", 32);
  const ObjectId b = g.object("Node", 32);
  const ObjectId soft = g.object("Soft", 40);
  const ObjectId weak = g.object("Weak", 56);
  const ObjectId final = g.object("Final", 64);
  const ObjectId garbage = g.object("Garbage", 100);
  const ObjectId cycle = g.object("Garbage", 200);
  g.class_row("Garbage").has_finalizer = true;
  const ObjectId class_object = g.class_object("Node", 8);
  g.root(root);
  g.reference(root, map);
  g.reference(map, a);
  g.reference(a, b);
  g.reference(b, a);
  g.reference(root, soft, Strength::soft);
  g.reference(soft, weak, Strength::weak);
  g.reference(root, final, Strength::final);
  g.reference(garbage, cycle);
  g.reference(cycle, garbage);
  g.reference(class_object, soft);
  for (const std::uint32_t copy : {0u, 1u, 2u}) {
    const ObjectId string = g.object("java.lang.String", 24);
    const ObjectId bytes = g.array("byte[]", 3, 24);
    g.reference(string, bytes);
    if (copy != 2) g.reference(map, string);  // the third is garbage
    g.content(string, 77, true);
  }
  return g.build();
}

TEST(Passes, PartsSumToTheHeap) {
  const Snapshot heap = small_heap();
  for (const queries::Follow follow : {queries::follow_collector, queries::follow_all}) {
    analyzer::PassOptions options;
    options.follow = follow;
    const Results results = run_passes(heap, options);
    std::map<std::string, double> m = metrics_of(results);
    std::uint64_t top_level = 0;
    for (std::uint32_t v = 0; v < heap.object_count; ++v) {
      if (results.dominator[v] == queries::no_object) top_level += results.retained_size[v];
    }
    EXPECT_EQ(static_cast<double>(top_level), m["heap.live_bytes"]);
    EXPECT_EQ(m["heap.live_bytes"] + m["heap.weak_bytes"] + m["heap.final_bytes"] + m["heap.phantom_bytes"] +
                  m["heap.unreachable_bytes"],
              m["heap.total_bytes"]);
    EXPECT_EQ(m["heap.live_count"] + m["heap.weak_count"] + m["heap.final_count"] + m["heap.phantom_count"] +
                  m["heap.unreachable_count"],
              m["heap.object_count"]);
    std::uint64_t count = 0, bytes = 0, live_bytes = 0;
    for (const queries::ClassStatRow& row : results.class_stats) {
      count += row.object_count;
      bytes += row.shallow_bytes;
      live_bytes += row.reachable_bytes;
    }
    EXPECT_EQ(count, heap.object_count);
    EXPECT_EQ(static_cast<double>(bytes), m["heap.total_bytes"]);
    EXPECT_EQ(static_cast<double>(live_bytes), m["heap.live_bytes"]);
  }
}

TEST(Passes, SmallHeapIsDescribedExactly) {
  const Snapshot heap = small_heap();
  const Results results = run_passes(heap, {});
  std::map<std::string, double> m = metrics_of(results);
  EXPECT_EQ(m["heap.weak_bytes"], 56);
  EXPECT_EQ(m["heap.final_bytes"], 64);
  EXPECT_EQ(m["heap.unreachable_bytes"], 300 + 48);
  EXPECT_EQ(m["cycles.count"], 2);
  EXPECT_EQ(m["cycles.unreachable_bytes"], 300);
  EXPECT_EQ(m["cycles.finalizer_bytes"], 300);
  ASSERT_EQ(results.components.size(), 2u);
  EXPECT_EQ(results.components[0].shallow_bytes, 300u);
  EXPECT_TRUE(results.components[0].has_finalizer);
  EXPECT_EQ(results.components[1].reachability, queries::Reachability::strong);
  EXPECT_EQ(results.components[1].retained_bytes, 72u);  // both nodes and their class object
  EXPECT_EQ(m["duplicates.wasted_bytes"], 48);           // the copy that is garbage wastes nothing
  ASSERT_EQ(results.duplicates.size(), 1u);
  EXPECT_EQ(results.duplicates[0].object_count, 2u);
  EXPECT_EQ(results.duplicates[0].bytes_each, 48u);
}

TEST(Passes, StringsThatShareAnArrayWasteOnlyThemselves) {
  tests::GraphBuilder g;
  const ObjectId bytes = g.array("byte[]", 100, 120);
  for (int copy = 0; copy < 3; ++copy) {
    const ObjectId string = g.object("java.lang.String", 24);
    g.reference(string, bytes);
    g.root(string);
    g.content(string, 5, true);
  }
  const Results results = run_passes(g.build(), {});
  EXPECT_EQ(metrics_of(results)["duplicates.string_wasted_bytes"], 48);
}

TEST(Passes, AnArrayThatOtherStringsUseIsNotWasted) {
  tests::GraphBuilder g;
  const ObjectId window = g.array("char[]", 1000, 2016);  // of an old JDK: strings are windows of it
  const ObjectId own = g.array("char[]", 4, 24);
  const ObjectId first = g.object("java.lang.String", 24);
  const ObjectId second = g.object("java.lang.String", 24);
  const ObjectId other = g.object("java.lang.String", 24);
  g.reference(first, window);
  g.reference(other, window);
  g.reference(second, own);
  for (const ObjectId string : {first, second, other}) g.root(string);
  g.content(first, 5, true);
  g.content(second, 5, true);
  const Results results = run_passes(g.build(), {});
  EXPECT_EQ(metrics_of(results)["duplicates.string_wasted_bytes"], 24 + 24);
}

TEST(Passes, RunTwiceGiveTheSame) {
  const Snapshot heap = small_heap();
  const Results a = run_passes(heap, {});
  analyzer::PassOptions options;
  options.threads = 4;
  const Results b = run_passes(heap, options);
  EXPECT_EQ(a.dominator, b.dominator);
  EXPECT_EQ(a.retained_size, b.retained_size);
  EXPECT_EQ(a.root_distance, b.root_distance);
  EXPECT_EQ(a.reachability, b.reachability);
}

TEST(Passes, EmptyAndRootlessHeaps) {
  EXPECT_TRUE(run_passes(tests::GraphBuilder().build(), {}).dominator.empty());
  tests::GraphBuilder g;
  const ObjectId object = g.object();
  g.reference(object, object);
  const Results results = run_passes(g.build(), {});
  EXPECT_EQ(results.retained_size[0], 0u);
  EXPECT_EQ(results.reachability[0], queries::Reachability::unreachable);
  EXPECT_EQ(results.components.size(), 1u);
}

TEST(Passes, ClassThatIsItsOwnInstanceAndClassLoops) {
  tests::GraphBuilder g;
  const ObjectId klass = g.class_object("java.lang.Class", 8);
  const ObjectId loader_class = g.class_object("Loader", 8);
  const ObjectId loader = g.object("Loader", 16);
  g.reference(klass, loader);
  g.reference(loader_class, loader);
  g.reference(loader, loader_class);
  g.root(loader);
  const Results results = run_passes(g.build(), {});
  EXPECT_EQ(results.retained_size[index(loader)], 32u);
  EXPECT_EQ(results.dominator[index(klass)], loader_class);
}

}  // namespace
