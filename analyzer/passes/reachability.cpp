#include "analyzer/passes/reachability.h"

#include <algorithm>
#include <array>

#include "queries/columns.h"

namespace analyzer {
namespace {

using queries::ObjectId;
using queries::Reachability;
using queries::Strength;

constexpr std::array wave_results{Reachability::strong, Reachability::soft,    Reachability::weak,
                                  Reachability::final,  Reachability::phantom, Reachability::uncertain};
constexpr std::size_t waves = wave_results.size();

/// The wave in which references of this strength are followed first.
constexpr std::size_t wave_of(Strength strength) {
  if (strength == Strength::internal) return 0;
  return strength == Strength::uncertain ? waves - 1 : static_cast<std::size_t>(strength);
}

class Search {
 public:
  explicit Search(const queries::HeapGraph& graph) : graph_(graph), visited_(graph.object_count()) {
    result_.reachability.assign(graph.object_count(), Reachability::unreachable);
    result_.root_distance.assign(graph.object_count(), queries::unreachable_distance);
    if (!graph.has_class_edges()) return;
    for (std::uint32_t id = 0; id < graph.class_count(); ++id) {
      class_target_.push_back(graph.class_object(queries::ClassId{id}));
    }
  }

  ReachabilityResult run() {
    auto uncertain = graph_.uncertain_roots().begin();
    for (const ObjectId root : graph_.roots()) {
      const bool is_uncertain = uncertain != graph_.uncertain_roots().end() && *uncertain == root;
      if (is_uncertain) ++uncertain;
      later_[is_uncertain ? waves - 1 : 0].push_back({root, 0});
    }
    for (std::size_t wave = 0; wave < waves; ++wave) run_wave(wave);
    return std::move(result_);
  }

 private:
  struct Start {
    ObjectId object;
    std::uint32_t distance;
  };

  void run_wave(std::size_t wave) {
    wave_ = wave;
    std::vector<Start> starts = std::move(later_[wave]);
    std::stable_sort(starts.begin(), starts.end(),
                     [](const Start& a, const Start& b) { return a.distance < b.distance; });
    std::size_t next_start = 0;
    std::uint32_t distance = 0;
    while (next_start < starts.size() || !level_.empty()) {
      if (level_.empty()) distance = starts[next_start].distance;
      for (; next_start < starts.size() && starts[next_start].distance == distance; ++next_start) {
        reach(starts[next_start].object, distance, level_);
      }
      run_level(distance);
      ++distance;
    }
  }

  void run_level(std::uint32_t distance) {
    constexpr std::size_t ahead = 16;
    for (std::size_t i = 0; i < level_.size(); ++i) {
      if (i + ahead < level_.size()) graph_.prefetch(level_[i + ahead]);
      if (i + ahead / 2 < level_.size()) {
        __builtin_prefetch(graph_.targets() + graph_.edges_begin(level_[i + ahead / 2]));
      }
      scan(level_[i], distance + 1);
    }
    level_.clear();
    level_.swap(next_level_);
  }

  void scan(ObjectId v, std::uint32_t distance) {
    for (std::uint32_t edge = graph_.edges_begin(v), end = graph_.edges_end(v); edge < end; ++edge) {
      const std::size_t wave = graph_.has_weaker_references() ? wave_of(graph_.strength_of(edge)) : 0;
      if (wave <= wave_) {
        reach(graph_.target(edge), distance, next_level_);
      } else if (!visited_.test(index(graph_.target(edge)))) {
        later_[wave].push_back({graph_.target(edge), distance});
      }
    }
    if (class_target_.empty()) return;
    ObjectId& class_object = class_target_[index(graph_.class_of(v))];
    if (class_object == queries::no_object) return;
    reach(class_object, distance, next_level_);
    class_object = queries::no_object;  // once is enough: the first instance is as near as any
  }

  void reach(ObjectId v, std::uint32_t distance, std::vector<ObjectId>& level) {
    if (!visited_.set_if_clear(index(v))) return;
    result_.reachability[index(v)] = wave_results[wave_];
    result_.root_distance[index(v)] = distance;
    level.push_back(v);
  }

  const queries::HeapGraph& graph_;
  queries::Bitmap visited_;
  std::vector<ObjectId> class_target_;
  std::vector<ObjectId> level_;       // objects at the distance being scanned
  std::vector<ObjectId> next_level_;  // one reference further
  std::array<std::vector<Start>, waves> later_;
  std::size_t wave_ = 0;
  ReachabilityResult result_;
};

}  // namespace

ReachabilityResult find_reachability(const queries::HeapGraph& graph) { return Search(graph).run(); }

}  // namespace analyzer
