// Every pass on random graphs with what real heaps have: weak references, class edges, self references, repeated
// references, garbage, long paths with short cuts.
#include <random>

#include "tests/analyzer/passes/check_passes.h"
#include "tests/support/graph_builder.h"

namespace {

using queries::ObjectId;
using queries::Strength;

queries::Snapshot random_graph(std::uint32_t seed) {
  std::mt19937 random(seed);
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  tests::GraphBuilder g;
  const std::uint32_t n = 2 + below(62);
  const std::uint32_t classes = 1 + below(4);
  for (std::uint32_t v = 0; v < n; ++v) g.object("C" + std::to_string(below(classes)), below(100));
  for (std::uint32_t c = 0; c < classes; ++c) {
    if (below(2) == 0) g.set_class_object("C" + std::to_string(c), ObjectId{below(n)});
  }
  const std::uint32_t edges = below(4 * n);
  const std::uint32_t weak_percent = below(3) * 20;
  const bool local = below(2) == 0;  // mostly to near ids: long paths, back edges, cross edges
  for (std::uint32_t i = 0; i < edges; ++i) {
    const std::uint32_t v = below(n);
    const std::uint32_t w = local ? (v + below(6) + n - 2) % n : below(n);
    g.reference(ObjectId{v}, ObjectId{w},
                below(100) < weak_percent ? Strength{static_cast<std::uint8_t>(1 + below(6))} : Strength::strong);
  }
  for (std::uint32_t roots = below(4); roots > 0; --roots) {
    const bool is_doubtful = weak_percent != 0 && below(3) == 0;
    g.root(ObjectId{below(n)}, queries::RootKind::stack_word,
           is_doubtful ? queries::Doubt::interior : queries::Doubt::none);
  }
  return g.build();
}

TEST(RandomGraphs, PassesAgreeWithTheReference) {
  for (std::uint32_t seed = 0; seed < 20'000; ++seed) {
    const queries::Snapshot snapshot = random_graph(seed);
    for (const queries::Follow follow : {queries::follow_collector, queries::follow_all, queries::follow_strong}) {
      const std::string pass = tests::disagreement(snapshot, follow);
      ASSERT_EQ(pass, "") << "seed " << seed << ": " << tests::in_words(snapshot);
    }
  }
}

}  // namespace
