#include "tests/support/naive_graph.h"

#include <bit>
#include <cassert>

#include "queries/results.h"

namespace tests {

using namespace queries;

namespace {

constexpr Mask bit(std::uint32_t object) { return Mask{1} << object; }

/// Strengths that objects of this reachability may be reached over.
Follow at_most(Reachability reachability) {
  Follow follow = follow_strong;
  for (std::uint32_t s = 0; s <= static_cast<std::uint32_t>(reachability); ++s) {
    follow.mask = static_cast<std::uint8_t>(follow.mask | (1u << s));
  }
  return follow;
}

}  // namespace

NaiveGraph::NaiveGraph(const Snapshot& snapshot) : size_(snapshot.object_count) {
  assert(size_ <= 64);
  for (const ObjectId root : snapshot.direct_roots) roots_ |= bit(index(root));
  for (const ObjectId root : snapshot.uncertain_roots) uncertain_roots_ |= bit(index(root));
  for (std::uint32_t v = 0; v < size_; ++v) {
    sizes_.push_back(snapshot.shallow[ObjectId{v}]);
    for (std::uint32_t e = snapshot.references.first[v]; e < snapshot.references.first[v + 1]; ++e) {
      const ObjectId edge{e};
      const auto& strengths = snapshot.references.strength;
      edges_.push_back(
          {v, index(snapshot.references.target[e]), strengths.has(edge) ? strengths[edge] : Strength::strong, false});
    }
    const ObjectId class_object = snapshot.class_row(ObjectId{v}).object;
    if (class_object != no_object) edges_.push_back({v, index(class_object), Strength::strong, true});
  }
}

std::array<Mask, 64> NaiveGraph::successors(Follow follow, bool class_edges) const {
  std::array<Mask, 64> result{};
  for (const Edge& edge : edges_) {
    if (edge.is_class_edge ? class_edges : follow.has(edge.strength)) result[edge.source] |= bit(edge.target);
  }
  return result;
}

Mask NaiveGraph::closure(Mask from, Mask removed, const std::array<Mask, 64>& successors) const {
  Mask reached = from & ~removed;
  for (Mask open = reached; open != 0;) {
    const auto v = static_cast<std::uint32_t>(std::countr_zero(open));
    open &= open - 1;
    const Mask fresh = successors[v] & ~reached & ~removed;
    reached |= fresh;
    open |= fresh;
  }
  return reached;
}

Mask NaiveGraph::reachable(Follow follow, Mask removed) const {
  return closure(roots_, removed, successors(follow, true));
}

std::vector<Mask> NaiveGraph::dominator_sets(Follow follow) const {
  const std::array<Mask, 64> next = successors(follow, true);
  const Mask reached = closure(roots_, 0, next);
  std::vector<Mask> sets(size_, 0);
  for (std::uint32_t w = 0; w < size_; ++w) {
    if ((reached & bit(w)) == 0) continue;
    const Mask lost = reached & ~closure(roots_, bit(w), next);
    for (std::uint32_t v = 0; v < size_; ++v) {
      if ((lost & bit(v)) != 0) sets[v] |= bit(w);
    }
  }
  return sets;
}

std::vector<ObjectId> NaiveGraph::immediate_dominators(Follow follow) const {
  const std::vector<Mask> sets = dominator_sets(follow);
  std::vector<ObjectId> result(size_, no_object);
  for (std::uint32_t v = 0; v < size_; ++v) {
    int depth = 0;
    for (Mask others = sets[v] & ~bit(v); others != 0; others &= others - 1) {
      const auto w = static_cast<std::uint32_t>(std::countr_zero(others));
      if (std::popcount(sets[w]) > depth) {
        depth = std::popcount(sets[w]);
        result[v] = ObjectId{w};
      }
    }
  }
  return result;
}

std::uint64_t NaiveGraph::bytes(Mask objects) const {
  std::uint64_t sum = 0;
  for (std::uint32_t v = 0; v < size_; ++v) {
    if ((objects & bit(v)) != 0) sum += sizes_[v];
  }
  return sum;
}

std::vector<std::uint64_t> NaiveGraph::retained_sizes(Follow follow) const {
  const std::array<Mask, 64> next = successors(follow, true);
  const Mask reached = closure(roots_, 0, next);
  std::vector<std::uint64_t> result(size_, 0);
  for (std::uint32_t v = 0; v < size_; ++v) {
    if ((reached & bit(v)) != 0) result[v] = bytes(reached & ~closure(roots_, bit(v), next));
  }
  return result;
}

std::uint64_t NaiveGraph::retained_as_set(Follow follow, Mask members) const {
  const std::vector<Mask> sets = dominator_sets(follow);
  const std::vector<std::uint64_t> retained = retained_sizes(follow);
  std::uint64_t sum = 0;
  for (std::uint32_t v = 0; v < size_; ++v) {
    if ((members & bit(v)) != 0 && (sets[v] & members & ~bit(v)) == 0) sum += retained[v];
  }
  return sum;
}

std::vector<Reachability> NaiveGraph::reachability() const {
  std::vector<Reachability> result(size_, Reachability::unreachable);
  for (const Reachability level : {Reachability::uncertain, Reachability::phantom, Reachability::final,
                                   Reachability::weak, Reachability::soft, Reachability::strong}) {
    const Mask roots = level == Reachability::uncertain ? roots_ : roots_ & ~uncertain_roots_;
    const Mask reached = closure(roots, 0, successors(at_most(level), true));
    for (std::uint32_t v = 0; v < size_; ++v) {
      if ((reached & bit(v)) != 0) result[v] = level;
    }
  }
  return result;
}

std::vector<std::uint32_t> NaiveGraph::root_distances() const {
  const std::vector<Reachability> level = reachability();
  std::vector<std::uint32_t> result(size_, unreachable_distance);
  for (std::uint32_t v = 0; v < size_; ++v) {
    const bool is_root = (roots_ & ~uncertain_roots_ & bit(v)) != 0;
    if (is_root || ((roots_ & bit(v)) != 0 && level[v] == Reachability::uncertain)) result[v] = 0;
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (const Edge& edge : edges_) {
      const Reachability to = level[edge.target];
      if (result[edge.source] == unreachable_distance || level[edge.source] > to) continue;
      if (!edge.is_class_edge && !at_most(to).has(edge.strength)) continue;
      if (result[edge.source] + 1 < result[edge.target]) {
        result[edge.target] = result[edge.source] + 1;
        changed = true;
      }
    }
  }
  return result;
}

std::vector<Mask> NaiveGraph::components() const {
  const std::array<Mask, 64> next =
      successors(Follow::of({Strength::strong, Strength::soft, Strength::internal, Strength::uncertain}), false);
  std::vector<Mask> reach(size_);
  for (std::uint32_t v = 0; v < size_; ++v) reach[v] = closure(next[v], 0, next);  // at least one step
  std::vector<Mask> result(size_, 0);
  for (std::uint32_t v = 0; v < size_; ++v) {
    for (std::uint32_t w = 0; w < size_; ++w) {
      if ((reach[v] & bit(w)) != 0 && (reach[w] & bit(v)) != 0) result[v] |= bit(w);
    }
  }
  return result;
}

}  // namespace tests
