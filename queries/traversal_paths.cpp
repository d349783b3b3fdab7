// The k shortest paths from roots to an object: A* from the object upwards over inbound references. root_distance is a
// lower bound of what is left to the nearest root, so the first complete path that leaves the queue is a shortest one.
// An object may be passed somewhat more than k times, since some partial paths through it end in a loop. (root_distance
// counts along the strongest way to reach an object: over weak references a path may be shorter than that, and then is
// not the first found.)
#include <algorithm>
#include <queue>
#include <unordered_map>

#include "queries/traversal.h"

namespace queries {
namespace {

constexpr std::uint32_t no_partial = 0xFFFF'FFFFu;

/// A path under construction, from `object` down to the one that was asked for.
struct Partial {
  ObjectId object = no_object;
  std::uint32_t below = no_partial;  ///< the partial path that this one extends
  std::uint32_t length = 0;          ///< edges so far
  bool instances = false;            ///< stands for the class edges of `object`'s instances, not yet looked up
};

struct Queued {
  std::uint64_t bound = 0;  ///< length of the shortest complete path it can become
  std::uint32_t length = 0;
  std::uint32_t partial = 0;
  bool operator<(const Queued& other) const {  // std::priority_queue: the greatest is next
    if (bound != other.bound) return bound > other.bound;
    if (length != other.length) return length < other.length;  // nearer to its end first
    return partial > other.partial;
  }
};

class Search {
 public:
  Search(GraphCache& graph, std::uint32_t k, bool weak) : graph_(graph), k_(k), weak_(weak) {}

  std::vector<Row> run(ObjectId object) {
    std::vector<Row> rows;
    std::uint32_t found = 0;
    push(object, no_partial, 0);
    while (!queue_.empty() && found < k_) {
      graph_.poll();
      const std::uint32_t at = queue_.top().partial;
      queue_.pop();
      const Partial partial = partials_[at];
      if (partial.instances) {
        expand_instances(partial);
        continue;
      }
      if (!allowed(partial)) continue;
      if (graph_.node(partial.object).distance == 0) {
        append_path(at, found++, rows);
        continue;
      }
      std::uint32_t& passed = passed_[index(partial.object)];
      if (passed >= 2 * k_ + 16) continue;
      ++passed;
      graph_.referrers(partial.object, sources_);
      for (const ObjectId source : sources_) push(source, at, partial.length + 1);
      if (graph_.class_of_class_object(partial.object) != index(no_class)) {
        // Instances of a class may be millions: looked up only when nothing shorter is left.
        const std::uint32_t distance = std::max(graph_.node(partial.object).distance, std::uint32_t{1});
        partials_.push_back({partial.object, at, partial.length, true});
        queue_.push({std::uint64_t{partial.length} + distance, partial.length, last()});
      }
    }
    return rows;
  }

 private:
  [[nodiscard]] std::uint32_t last() const { return static_cast<std::uint32_t>(partials_.size() - 1); }

  void push(ObjectId object, std::uint32_t below, std::uint32_t length) {
    const Node node = graph_.node(object);
    const std::uint32_t distance = node.distance;
    if (distance == no_distance || (!weak_ && node.reachability != Reachability::strong)) return;
    // Only an object that was passed before can be on the path already.
    if (passed_.count(index(object)) != 0) {
      for (std::uint32_t at = below; at != no_partial; at = partials_[at].below) {
        if (partials_[at].object == object) return;
      }
    }
    if (partials_.size() >= no_partial) throw FunctionError("too many paths: ask for fewer");
    partials_.push_back({object, below, length, false});
    queue_.push({std::uint64_t{length} + distance, length, last()});
  }

  void expand_instances(const Partial& partial) {
    Lookup& scan = graph_.lookup(
        "SELECT id FROM object WHERE class_id = ?1 AND root_distance IS NOT NULL ORDER BY root_distance, id LIMIT ?2");
    // An instance with a field that refers to its class was seen already as a referrer. Beyond those, k are enough for
    // k paths, and as many again as may be on the path already.
    graph_.referrers(partial.object, sources_);
    scan.with(graph_.class_of_class_object(partial.object), std::uint64_t{k_} + partial.length + 1 + sources_.size());
    while (scan.step()) {
      const ObjectId instance{static_cast<std::uint32_t>(scan.integer(0))};
      if (std::binary_search(sources_.begin(), sources_.end(), instance)) continue;
      push(instance, partial.below, partial.length + 1);
    }
  }

  /// The edge to the object below; looked up late, when the path is the best one left.
  [[nodiscard]] bool allowed(const Partial& partial) {
    if (partial.below == no_partial || weak_) return true;
    const std::optional<Edge> edge = graph_.edge(partial.object, partials_[partial.below].object);
    return edge && (edge->strength == Strength::strong || edge->strength == Strength::internal);
  }

  void append_path(std::uint32_t at, std::uint32_t number, std::vector<Row>& rows) {
    ObjectId above = no_object;
    for (std::uint32_t step = 0; at != no_partial; at = partials_[at].below, ++step) {
      Row row;
      row.object = partials_[at].object;
      row.path = number;
      row.step = step;
      row.weak_used = weak_;
      if (above != no_object) {
        if (const std::optional<Edge> edge = graph_.edge(above, row.object)) {
          row.slot = edge->slot;
          row.name = edge->name;
          row.strength = edge->strength;
          row.by_edge = true;
        }
      }
      above = row.object;
      rows.push_back(row);
    }
  }

  GraphCache& graph_;
  std::uint32_t k_;
  bool weak_;
  std::vector<Partial> partials_;
  std::priority_queue<Queued> queue_;
  std::unordered_map<std::uint32_t, std::uint32_t> passed_;
  std::vector<ObjectId> sources_;
};

}  // namespace

std::vector<Row> paths_to_root(GraphCache& graph, ObjectId object, std::uint32_t k) {
  if (!graph.node(object).exists) throw FunctionError("no object " + std::to_string(index(object)));
  if (k == 0 || graph.node(object).distance == no_distance) return {};
  std::vector<Row> rows = Search(graph, k, false).run(object);
  if (rows.empty()) rows = Search(graph, k, true).run(object);
  return rows;
}

}  // namespace queries
