#include "analyzer/passes/depth_first.h"

#include <algorithm>

#include "analyzer/passes/edge_filter.h"

namespace analyzer {
namespace {

using queries::ObjectId;

struct Pending {
  ObjectId object;
  std::uint32_t parent;
};

class Search {
 public:
  Search(const queries::HeapGraph& graph, queries::Follow follow, ObjectId* number)
      : graph_(graph), filter_(graph, follow), number_(number), result_(graph.object_count(), edge_estimate(graph)) {
    result_.parent = WorkArray<std::uint32_t>(std::size_t{graph.object_count()} + 1);
    result_.earlier_count = WorkArray<std::uint8_t>(std::size_t{graph.object_count()} + 1);
    result_.parent[0] = 0;
    result_.earlier_count[0] = 0;
    for (const ObjectId root : graph.roots()) result_.visited.set(index(root));
    has_class_edges_ = graph.has_class_edges();
    if (has_class_edges_) find_class_targets();
  }

  DepthFirst run() {
    for (const ObjectId root : graph_.roots()) {
      visit(root, 0);
      while (!stack_.empty()) {
        const Pending top = stack_.back();
        stack_.pop_back();
        prefetch_next();
        if (result_.visited.set_if_clear(index(top.object))) {
          visit(top.object, top.parent);
        } else {
          result_.forward.push(top.parent);
          result_.forward.push(index(top.object));
        }
      }
    }
    result_.stack_bytes = stack_.capacity() * sizeof(Pending);
    return std::move(result_);
  }

 private:
  static std::uint64_t edge_estimate(const queries::HeapGraph& graph) {
    return graph.reference_count() + (graph.has_class_edges() ? graph.object_count() : 0);
  }

  /// Where the class edge of a class's instances goes.
  struct ClassTarget {
    ObjectId object;           // no_object: nowhere that matters
    std::uint32_t number = 0;  // of the object; 0 = not visited yet, as far as seen
  };

  /// Class objects that are roots have no predecessor but the virtual root: the edges to them, one from each instance,
  /// are dropped before they are looked at.
  void find_class_targets() {
    for (std::uint32_t id = 0; id < graph_.class_count(); ++id) {
      const ObjectId object = graph_.class_object(queries::ClassId{id});
      const bool matters = object != queries::no_object && !result_.visited.test(index(object));
      class_target_.push_back({matters ? object : queries::no_object});
    }
  }

  std::uint32_t begin_visit(ObjectId v, std::uint32_t parent) {
    const std::uint32_t number = ++result_.count;
    number_[index(v)] = ObjectId{number};
    result_.parent[number] = parent;
    if (parent == 0) tree_ = number;
    return number;
  }

  void visit(ObjectId v, std::uint32_t parent) {
    const std::uint32_t number = begin_visit(v, parent);
    std::uint32_t earlier = 0;
    leaves_.clear();
    const std::uint32_t begin = graph_.edges_begin(v);
    for (std::uint32_t edge = begin, end = begin + graph_.edge_count(v); edge < end; ++edge) {
      if (!filter_.takes(edge)) continue;
      const ObjectId w = graph_.target(edge);
      if (result_.visited.test(index(w))) {
        if (w == v) continue;
        result_.earlier.push(index(w));
        ++earlier;
      } else if (graph_.edge_count(w) == 0) {
        if (has_class_edges_) graph_.prefetch(w);
        leaves_.push_back(w);
      } else {
        stack_.push_back({w, number});
        graph_.prefetch(w);
      }
    }
    if (has_class_edges_) earlier += follow_class_edge(v, number);
    end_visit(number, earlier);
    for (const ObjectId leaf : leaves_) visit_leaf(leaf, number);
  }

  /// An object without references is visited at once: it saves the way over the stack. (Not when it would be the first
  /// to reach its class: what is below the class would be numbered too late.)
  void visit_leaf(ObjectId v, std::uint32_t parent) {
    if (has_class_edges_ && !class_seen(class_target_[index(graph_.class_of(v))])) {
      stack_.push_back({v, parent});
      return;
    }
    if (!result_.visited.set_if_clear(index(v))) return;  // listed twice by the same parent
    const std::uint32_t number = begin_visit(v, parent);
    end_visit(number, has_class_edges_ ? follow_class_edge(v, number) : 0);
  }

  bool class_seen(ClassTarget& target) {
    if (target.object == queries::no_object || target.number != 0) return true;
    if (!result_.visited.test(index(target.object))) return false;
    target.number = index(number_[index(target.object)]);
    return true;
  }

  /// Returns how many entries of `earlier` that made.
  std::uint32_t follow_class_edge(ObjectId v, std::uint32_t number) {
    ClassTarget& target = class_target_[index(graph_.class_of(v))];
    if (target.object == queries::no_object || target.object == v) return 0;
    if (!class_seen(target)) {
      stack_.push_back({target.object, number});
      graph_.prefetch(target.object);
      return 0;
    }
    if (target.number < tree_) {  // reached from another root before: only the virtual root dominates it
      result_.under_root.push_back(target.object);
      target.object = queries::no_object;
      return 0;
    }
    result_.earlier.push(index(target.object));
    return 1;
  }

  void end_visit(std::uint32_t number, std::uint32_t earlier) {
    result_.earlier_count[number] = static_cast<std::uint8_t>(std::min<std::uint32_t>(earlier, DepthFirst::long_count));
    if (earlier >= DepthFirst::long_count) result_.long_counts.push(earlier);
  }

  /// The object below the one being visited has had its row fetched long ago: fetch its targets now.
  void prefetch_next() const {
    if (stack_.empty()) return;
    __builtin_prefetch(graph_.targets() + graph_.edges_begin(stack_.back().object));
  }

  const queries::HeapGraph& graph_;
  EdgeFilter filter_;
  ObjectId* number_;
  DepthFirst result_;
  bool has_class_edges_ = false;
  std::vector<ClassTarget> class_target_;
  std::vector<ObjectId> leaves_;  // of the object being visited
  std::uint32_t tree_ = 0;        // number of the root whose tree is being built
  std::vector<Pending> stack_;
};

}  // namespace

DepthFirst search_depth_first(const queries::HeapGraph& graph, queries::Follow follow, ObjectId* number) {
  return Search(graph, follow, number).run();
}

}  // namespace analyzer
