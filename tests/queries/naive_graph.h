// A small graph as plain sets, and every question of the SQL functions answered the slow, obvious way.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "queries/results.h"
#include "queries/snapshot.h"

namespace tests {

struct NaiveEdge {
  std::uint32_t source = 0;
  std::int64_t slot = 0;  ///< -1 = the edge to the class object
  std::uint32_t target = 0;
  queries::Strength strength = queries::Strength::strong;
};

class NaiveGraph {
 public:
  explicit NaiveGraph(const queries::Snapshot& snapshot) : count_(snapshot.object_count) {
    for (std::uint32_t v = 0; v < count_; ++v) {
      const queries::ObjectId id{v};
      shallow_.push_back(snapshot.shallow[id]);
      const std::uint32_t first = snapshot.references.first[v];
      for (std::uint32_t e = first; e < snapshot.references.first[v + 1]; ++e) {
        const bool weaker = snapshot.references.strength.has(queries::ObjectId{e});
        edges_.push_back({v, e - first, queries::index(snapshot.references.target[e]),
                          weaker ? snapshot.references.strength[queries::ObjectId{e}] : queries::Strength::strong});
      }
      const queries::ObjectId mirror = snapshot.class_row(id).object;
      if (mirror != queries::no_object) edges_.push_back({v, -1, queries::index(mirror), queries::Strength::strong});
    }
    for (const queries::ObjectId root : snapshot.direct_roots) roots_.insert(queries::index(root));
  }

  [[nodiscard]] std::uint32_t count() const { return count_; }
  [[nodiscard]] const std::vector<NaiveEdge>& edges() const { return edges_; }
  [[nodiscard]] const std::set<std::uint32_t>& roots() const { return roots_; }
  [[nodiscard]] static bool holds(const NaiveEdge& edge) {
    return edge.strength == queries::Strength::strong || edge.strength == queries::Strength::soft ||
           edge.strength == queries::Strength::internal;
  }
  [[nodiscard]] static bool strong(const NaiveEdge& edge) {
    return edge.strength == queries::Strength::strong || edge.strength == queries::Strength::internal;
  }

  /// Reachable from `starts` without passing `removed`, over edges that hold (or all), `cut` left out.
  [[nodiscard]] std::set<std::uint32_t> reach(std::set<std::uint32_t> starts, bool all = false,
                                              std::optional<std::uint32_t> removed = {},
                                              const NaiveEdge* cut = nullptr) const {
    if (removed) starts.erase(*removed);
    std::set<std::uint32_t> seen = starts;
    for (bool changed = true; changed;) {
      changed = false;
      for (const NaiveEdge& edge : edges_) {
        if (&edge == cut || (!all && !holds(edge)) || (removed && edge.target == *removed)) continue;
        if (seen.count(edge.source) != 0 && seen.insert(edge.target).second) changed = true;
      }
    }
    return seen;
  }

  [[nodiscard]] std::uint64_t bytes(const std::set<std::uint32_t>& objects) const {
    std::uint64_t sum = 0;
    for (const std::uint32_t v : objects) sum += shallow_[v];
    return sum;
  }

  /// What v dominates, itself included; empty when it is not live.
  [[nodiscard]] std::set<std::uint32_t> dominated(std::uint32_t v) const {
    const std::set<std::uint32_t> live = reach(roots_);
    if (live.count(v) == 0) return {};
    const std::set<std::uint32_t> without = reach(roots_, false, v);
    std::set<std::uint32_t> result;
    std::set_difference(live.begin(), live.end(), without.begin(), without.end(), std::inserter(result, result.end()));
    return result;
  }

  /// Every simple path of strong references from a root, none of whose later objects but the last is a root.
  [[nodiscard]] std::vector<std::vector<std::uint32_t>> strong_paths(std::uint32_t to) const {
    std::set<std::vector<std::uint32_t>> complete;
    std::vector<std::vector<std::uint32_t>> partial{{to}};  // reversed
    while (!partial.empty()) {
      const std::vector<std::uint32_t> path = partial.back();
      partial.pop_back();
      if (roots_.count(path.back()) != 0) {
        complete.insert({path.rbegin(), path.rend()});
        continue;
      }
      for (const NaiveEdge& edge : edges_) {
        if (edge.target != path.back() || !strong(edge)) continue;
        if (std::find(path.begin(), path.end(), edge.source) != path.end()) continue;
        partial.push_back(path);
        partial.back().push_back(edge.source);
      }
    }
    std::vector<std::vector<std::uint32_t>> paths(complete.begin(), complete.end());
    std::stable_sort(paths.begin(), paths.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); });
    return paths;
  }

  /// What the passes would store: by waves of strength, as object.reachability and root_distance are defined.
  [[nodiscard]] queries::Results results() const {
    using queries::ObjectId;
    using queries::Strength;
    queries::Results results;
    results.dominator.assign(count_, queries::no_object);
    results.retained_size.assign(count_, 0);
    results.reachability.assign(count_, queries::Reachability::unreachable);
    results.root_distance.assign(count_, queries::unreachable_distance);
    for (std::uint32_t v = 0; v < count_; ++v) {
      const std::set<std::uint32_t> mine = dominated(v);
      results.retained_size[v] = bytes(mine);
      for (const std::uint32_t w : mine) {
        // The immediate dominator is the one that dominates least.
        if (w == v) continue;
        const ObjectId best = results.dominator[w];
        if (best == queries::no_object || dominated(queries::index(best)).size() > mine.size()) {
          results.dominator[w] = ObjectId{v};
        }
      }
    }
    for (std::uint8_t wave = 0; wave < 5; ++wave) {
      std::set<std::uint32_t> earlier;
      for (std::uint32_t v = 0; v < count_; ++v) {
        if (results.root_distance[v] != queries::unreachable_distance) earlier.insert(v);
      }
      for (bool changed = true; changed;) {
        changed = false;
        const auto reach_at = [&](std::uint32_t v, std::uint32_t distance) {
          if (earlier.count(v) != 0 || results.root_distance[v] <= distance) return;
          results.root_distance[v] = distance;
          results.reachability[v] = static_cast<queries::Reachability>(wave);
          changed = true;
        };
        if (wave == 0) {
          for (const std::uint32_t root : roots_) reach_at(root, 0);
        }
        for (const NaiveEdge& edge : edges_) {
          const auto needs = edge.strength == Strength::internal ? 0 : static_cast<int>(edge.strength);
          if (needs > wave || results.root_distance[edge.source] == queries::unreachable_distance) continue;
          reach_at(edge.target, results.root_distance[edge.source] + 1);
        }
      }
    }
    return results;
  }

 private:
  std::uint32_t count_;
  std::vector<NaiveEdge> edges_;
  std::vector<std::uint64_t> shallow_;
  std::set<std::uint32_t> roots_;
};

}  // namespace tests
