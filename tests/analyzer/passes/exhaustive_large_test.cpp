// Every pass on every directed graph of up to five objects, against the naive reference: a million graphs of five, each
// 17th of them under the sanitizers.
#include <bit>
#include <cstdint>

#include "tests/analyzer/passes/check_passes.h"
#include "tests/support/sanitized.h"

namespace {

using queries::ObjectId;

/// One snapshot, refilled for each graph: making a new one would take longer than all passes.
class SmallGraphs {
 public:
  explicit SmallGraphs(std::uint32_t objects) : objects_(objects) {
    snapshot_.object_count = objects;
    snapshot_.classes.resize(2);
    for (std::uint32_t v = 0; v < objects; ++v) {
      snapshot_.class_of.push_back(queries::ClassId{v % 2});
      snapshot_.shallow.push_back(std::uint64_t{1} << (8 * v % 40));  // every sum tells its parts
    }
  }
  /// Bit (v, w) of `edges` in row order, without the diagonal, is the reference v → w.
  const queries::Snapshot& graph(std::uint32_t edges, std::uint32_t roots) {
    auto& [first, target, strength] = snapshot_.references;
    first.clear();
    target.clear();
    for (std::uint32_t v = 0; v < objects_; ++v) {
      first.push_back(static_cast<std::uint32_t>(target.size()));
      for (std::uint32_t w = 0; w < objects_; ++w) {
        if (w == v) continue;
        if ((edges & 1) != 0) target.push_back(ObjectId{w});
        edges >>= 1;
      }
    }
    first.push_back(static_cast<std::uint32_t>(target.size()));
    snapshot_.direct_roots.clear();
    for (; roots != 0; roots &= roots - 1) {
      snapshot_.direct_roots.push_back(ObjectId{static_cast<std::uint32_t>(std::countr_zero(roots))});
    }
    return snapshot_;
  }

 private:
  std::uint32_t objects_;
  queries::Snapshot snapshot_;
};

TEST(Exhaustive, EveryGraphOfUpToFourObjectsAndEverySetOfRoots) {
  for (std::uint32_t n = 1; n <= 4; ++n) {
    SmallGraphs graphs(n);
    for (std::uint32_t edges = 0; edges < 1u << (n * (n - 1)); ++edges) {
      for (std::uint32_t roots = 0; roots < 1u << n; ++roots) {
        const queries::Snapshot& snapshot = graphs.graph(edges, roots);
        const std::string pass = tests::disagreement(snapshot, queries::follow_collector);
        ASSERT_EQ(pass, "") << tests::in_words(snapshot);
      }
    }
  }
}

TEST(Exhaustive, EveryGraphOfFiveObjects) {
  SmallGraphs graphs(5);
  constexpr std::uint32_t step = tests::is_sanitized ? 17 : 1;
  for (std::uint32_t edges = 0; edges < 1u << 20; edges += step) {
    const std::uint32_t roots = edges % 16 == 0 ? edges / 16 % 31 + 1 : 1;  // mostly object 0; every set comes up
    const queries::Snapshot& snapshot = graphs.graph(edges, roots);
    const std::string pass = tests::disagreement(snapshot, queries::follow_collector);
    ASSERT_EQ(pass, "") << tests::in_words(snapshot);
  }
}

}  // namespace
