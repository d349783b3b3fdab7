#include "analyzer/passes/leaks.h"

#include <algorithm>
#include <map>

#include "queries/columns.h"

namespace analyzer {
namespace {

using queries::ObjectId;
using queries::Reachability;

/// Two depth-first searches over the leaked objects, as in Kosaraju's algorithm but without reversed edges: in reverse
/// postorder of the first, whatever the second has not reached yet lies in a component that nothing before it reaches.
class LeakFinder {
 public:
  LeakFinder(const queries::HeapGraph& graph, const std::vector<Reachability>& reachability)
      : graph_(graph), open_(graph.object_count()) {
    for (std::uint32_t i = 0; i < graph.object_count(); ++i) {
      if (reachability[i] == Reachability::unreachable) open_.set(i);
    }
  }

  std::vector<queries::LeakRow> run() {
    const queries::Bitmap leaked = open_;
    std::vector<ObjectId> order;
    for_each(leaked, [&](ObjectId id) {
      if (open_.test(index(id)))
        search(
            id, [](ObjectId, ObjectId) {}, [&](ObjectId left) { order.push_back(left); });
    });
    open_ = leaked;
    for (std::size_t i = order.size(); i > 0; --i) {
      if (open_.test(index(order[i - 1]))) head(order[i - 1]);
    }
    std::vector<queries::LeakRow> rows;
    for (auto& [id, row] : by_class_) rows.push_back(row);
    std::stable_sort(rows.begin(), rows.end(), [](const queries::LeakRow& a, const queries::LeakRow& b) {
      return a.shallow_bytes > b.shallow_bytes;
    });
    return rows;
  }

 private:
  struct Visit {
    ObjectId object;
    std::uint32_t next_edge;
  };

  template <typename F>
  static void for_each(const queries::Bitmap& set, F&& f) {
    for (std::size_t word = 0; word < set.words().size(); ++word) {
      for (std::uint64_t bits = set.words()[word]; bits != 0; bits &= bits - 1) {
        f(ObjectId{static_cast<std::uint32_t>(word * 64 + static_cast<unsigned>(__builtin_ctzll(bits)))});
      }
    }
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
      const ObjectId target = graph_.target(top.next_edge++);
      edge(top.object, target);
      if (!open_.test(index(target))) continue;
      open_.reset(index(target));
      stack_.push_back({target, graph_.edges_begin(target)});
    }
  }

  void head(ObjectId start) {
    bool cycle = false;
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;
    search(
        start, [&](ObjectId source, ObjectId target) { cycle = cycle || (target == start && source != start); },
        [&](ObjectId object) {
          ++count;
          bytes += graph_.shallow_size(object);
        });
    queries::LeakRow& row = by_class_[index(graph_.class_of(start))];
    if (row.example == queries::no_object || bytes > largest_[index(graph_.class_of(start))]) {
      row.example = start;
      largest_[index(graph_.class_of(start))] = bytes;
    }
    row.class_id = graph_.class_of(start);
    ++row.head_count;
    row.cycle_count += cycle ? 1 : 0;
    row.object_count += count;
    row.shallow_bytes += bytes;
  }

  const queries::HeapGraph& graph_;
  queries::Bitmap open_;
  std::vector<Visit> stack_;
  std::map<std::uint32_t, queries::LeakRow> by_class_;
  std::map<std::uint32_t, std::uint64_t> largest_;
};

}  // namespace

std::vector<queries::LeakRow> find_leaks(const queries::HeapGraph& graph,
                                         const std::vector<Reachability>& reachability) {
  return LeakFinder(graph, reachability).run();
}

}  // namespace analyzer
