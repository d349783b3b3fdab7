#include "analyzer/passes/leaks.h"

#include <algorithm>
#include <map>

#include "analyzer/passes/edge_filter.h"
#include "queries/columns.h"

namespace analyzer {
namespace {

using queries::LeakRow;
using queries::no_object;
using queries::ObjectId;
using queries::Reachability;

/// Two depth-first searches over the leaked objects, as in Kosaraju's algorithm but without reversed edges: in reverse
/// postorder of the first, whatever the second has not reached yet lies in a component that nothing before it reaches.
class LeakFinder {
 public:
  LeakFinder(const queries::HeapGraph& graph, const std::vector<Reachability>& reachability, Reachability lost)
      : graph_(graph),
        filter_(graph, queries::follow_collector),
        open_(graph.object_count()),
        is_certain_(lost == Reachability::unreachable) {
    for (std::uint32_t i = 0; i < graph.object_count(); ++i) {
      if (reachability[i] == lost) open_.set(i);
    }
    if (!is_certain_) find_holders(reachability);
  }

  std::vector<LeakRow> run() {
    const queries::Bitmap lost = open_;
    std::vector<ObjectId> order;
    const auto begin_at = [&](ObjectId id) {
      if (!open_.test(index(id))) return;
      search(
          id, [](ObjectId, ObjectId) {}, [&](ObjectId left) { order.push_back(left); });
    };
    // What uncertain evidence points to reaches all that is possibly leaked; beginning there, the heads are such
    // objects.
    for (const Held& held : held_) begin_at(held.object);
    for_each(lost, begin_at);
    open_ = lost;
    for (std::size_t i = order.size(); i > 0; --i) {
      if (open_.test(index(order[i - 1]))) head(order[i - 1]);
    }
    std::vector<LeakRow> rows;
    for (auto& [key, group] : groups_) rows.push_back(std::move(group.row));
    std::stable_sort(rows.begin(), rows.end(),
                     [](const LeakRow& a, const LeakRow& b) { return a.shallow_bytes > b.shallow_bytes; });
    return rows;
  }

 private:
  struct Visit {
    ObjectId object;
    std::uint32_t next_edge;
  };
  /// An object that uncertain evidence points to; holder = no_object: a root does.
  struct Held {
    ObjectId object;
    ObjectId holder;
  };
  struct Group {
    LeakRow row;
    std::uint64_t largest = 0;  ///< bytes of the example's tree
  };

  template <typename F>
  static void for_each(const queries::Bitmap& set, F&& f) {
    for (std::size_t word = 0; word < set.words().size(); ++word) {
      for (std::uint64_t bits = set.words()[word]; bits != 0; bits &= bits - 1) {
        f(ObjectId{static_cast<std::uint32_t>(word * 64 + static_cast<unsigned>(__builtin_ctzll(bits)))});
      }
    }
  }

  void find_holders(const std::vector<Reachability>& reachability) {
    for (const ObjectId root : graph_.uncertain_roots()) {
      if (open_.test(index(root))) held_.push_back({root, no_object});
    }
    if (!graph_.has_weaker_references()) return;
    for (std::uint32_t i = 0; i < graph_.object_count(); ++i) {
      if (reachability[i] == Reachability::uncertain || reachability[i] == Reachability::unreachable) continue;
      const ObjectId source{i};
      for (std::uint32_t edge = graph_.edges_begin(source), end = graph_.edges_end(source); edge < end; ++edge) {
        if (open_.test(index(graph_.target(edge))) && filter_.takes(edge))
          held_.push_back({graph_.target(edge), source});
      }
    }
    const auto by_object = [](const Held& a, const Held& b) { return a.object < b.object; };
    std::stable_sort(held_.begin(), held_.end(), by_object);
    const auto same = [](const Held& a, const Held& b) { return a.object == b.object; };
    held_.erase(std::unique(held_.begin(), held_.end(), same), held_.end());
  }

  /// From `start` over open objects, closing them. edge(source, target) for every edge, left(object) in postorder.
  template <typename Edge, typename Left>
  void search(ObjectId start, Edge&& edge, Left&& left) {
    open_.reset(index(start));
    stack_.push_back({start, graph_.edges_begin(start)});
    while (!stack_.empty()) {
      Visit& top = stack_.back();
      if (top.next_edge == graph_.edges_end(top.object)) {
        left(top.object);
        stack_.pop_back();
        continue;
      }
      const std::uint32_t at = top.next_edge++;
      if (!filter_.takes(at)) continue;
      const ObjectId target = graph_.target(at);
      edge(top.object, target);
      if (!open_.test(index(target))) continue;
      open_.reset(index(target));
      stack_.push_back({target, graph_.edges_begin(target)});
    }
  }

  void head(ObjectId start) {
    bool is_cycle = false;
    std::vector<ObjectId> cycle;  // the shortest of the ways back that the search comes along
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;
    const auto edge = [&](ObjectId source, ObjectId target) {
      if (target != start || source == start) return;
      is_cycle = true;
      if (stack_.size() > longest_leak_cycle || (!cycle.empty() && stack_.size() >= cycle.size())) return;
      cycle.clear();
      for (const Visit& visit : stack_) cycle.push_back(visit.object);
    };
    search(start, edge, [&](ObjectId object) {
      ++count;
      bytes += graph_.shallow_size(object);
    });
    if (is_certain_) rotate_to_lowest_class(cycle);
    const ObjectId first = cycle.empty() ? start : cycle.front();
    const auto held = std::lower_bound(held_.begin(), held_.end(), start,
                                       [](const Held& entry, ObjectId wanted) { return entry.object < wanted; });
    const ObjectId holder = held != held_.end() && held->object == start ? held->holder : no_object;
    Group& group = groups_[key_of(first, cycle, holder)];
    if (group.row.example == no_object || bytes > group.largest) {
      group.row.example = first;
      group.row.cycle = std::move(cycle);
      group.row.holder = holder;
      group.largest = bytes;
    }
    group.row.class_id = graph_.class_of(first);
    group.row.is_certain = is_certain_;
    ++group.row.head_count;
    group.row.cycle_count += is_cycle ? 1 : 0;
    group.row.object_count += count;
    group.row.shallow_bytes += bytes;
  }

  /// Cycles of the same classes in the same order begin with the same class, wherever the search came upon them.
  void rotate_to_lowest_class(std::vector<ObjectId>& cycle) const {
    const auto lowest = std::min_element(cycle.begin(), cycle.end(), [&](ObjectId a, ObjectId b) {
      return std::pair(graph_.class_of(a), a) < std::pair(graph_.class_of(b), b);
    });
    std::rotate(cycle.begin(), lowest, cycle.end());
  }

  using Key = std::vector<std::uint32_t>;
  [[nodiscard]] Key key_of(ObjectId first, const std::vector<ObjectId>& cycle, ObjectId holder) const {
    Key key{index(graph_.class_of(first))};
    if (!is_certain_) key.push_back(index(holder == no_object ? queries::no_class : graph_.class_of(holder)));
    for (const ObjectId member : cycle) key.push_back(index(graph_.class_of(member)));
    return key;
  }

  const queries::HeapGraph& graph_;
  EdgeFilter filter_;
  queries::Bitmap open_;
  bool is_certain_;
  std::vector<Held> held_;  ///< by object, each once
  std::vector<Visit> stack_;
  std::map<Key, Group> groups_;
};

}  // namespace

std::vector<LeakRow> find_leaks(const queries::HeapGraph& graph, const std::vector<Reachability>& reachability) {
  std::vector<LeakRow> rows = LeakFinder(graph, reachability, Reachability::unreachable).run();
  std::vector<LeakRow> possible = LeakFinder(graph, reachability, Reachability::uncertain).run();
  rows.insert(rows.end(), std::make_move_iterator(possible.begin()), std::make_move_iterator(possible.end()));
  return rows;
}

}  // namespace analyzer
