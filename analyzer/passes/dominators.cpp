#include "analyzer/passes/dominators.h"

#include <algorithm>
#include <stdexcept>

#include "analyzer/passes/depth_first.h"
#include "analyzer/passes/forest_shape.h"

namespace analyzer {
namespace {

using queries::Bitmap;
using queries::no_object;
using queries::ObjectId;

/// Reads the sources of a spool of targets along with it.
class SourceCursor {
 public:
  explicit SourceCursor(DepthFirst& search) : counts_(search.earlier_count) {
    search.long_counts.for_each_block([&](const std::uint32_t* values, std::size_t size) {
      long_counts_.insert(long_counts_.end(), values, values + size);
    });
  }
  /// Source of the next entry.
  std::uint32_t next() {
    while (left_ == 0) {
      left_ = counts_[++source_];
      if (left_ == DepthFirst::long_count) left_ = long_counts_[next_long_++];
    }
    --left_;
    return source_;
  }

 private:
  const WorkArray<std::uint8_t>& counts_;
  std::vector<std::uint32_t> long_counts_;
  std::size_t next_long_ = 0;
  std::uint32_t source_ = 0;
  std::uint32_t left_ = 0;
};

/// Vertices are preorder numbers 1 … n; 0 is the virtual root.
class SemiNca {
 public:
  SemiNca(DepthFirst& search, const ObjectId* number)
      : search_(search), count_(search.count), number_(number), under_root_(std::uint64_t{count_} + 1) {}

  /// Immediate dominator by vertex.
  WorkArray<std::uint32_t> run() {
    collect_predecessors();
    find_semidominators();
    climb_to_dominators();
    return std::move(dominator_);
  }
  [[nodiscard]] std::uint64_t peak_work_bytes() const { return peak_; }

 private:
  /// A vertex of the forest that eval() compresses: its (compressed) ancestor, and the least semidominator on the way
  /// there. Side by side, because they are read together.
  struct Link {
    std::uint32_t ancestor;
    std::uint32_t label;
  };
  static constexpr std::size_t ahead = 16;  // entries to prefetch: about one memory latency of work
  static constexpr std::uint64_t give_back_step = std::uint64_t{1} << 21;  // numbers: four huge pages
  static constexpr std::uint32_t dropped = 0;

  /// CSR of the predecessors that matter, by target: offset_[w] … offset_[w + 1]. Parents are away while it is filled.
  void collect_predecessors() {
    const std::uint64_t spooled = (search_.earlier.size() + search_.forward.size()) * sizeof(std::uint32_t);
    const std::uint64_t base = search_.visited.bytes() + under_root_.bytes() + std::uint64_t{count_} * 5;
    note_peak(base + spooled + search_.stack_bytes);
    for (std::uint32_t v = 1; v <= count_; ++v) {
      if (search_.parent[v] == 0) under_root_.set(v);
    }
    for (const ObjectId object : search_.under_root) under_root_.set(index(number_[index(object)]));
    offset_ = WorkArray<std::uint32_t>(std::size_t{count_} + 2);
    std::fill_n(offset_.data(), offset_.size(), 0u);
    count_earlier();
    count_forward();
    std::uint64_t sum = 0;
    for (std::uint32_t v = 1; v <= count_; ++v) {
      if (!under_root_.test(v)) sum += offset_[v];
      offset_[v] = static_cast<std::uint32_t>(sum);  // the end for now; filling moves it to the start
    }
    offset_[count_ + 1] = static_cast<std::uint32_t>(sum);
    if (sum > 0xFFFF'FFFFu) throw std::length_error("dominators: more than 2^32 references beside the spanning tree");
    predecessors_ = WorkArray<std::uint32_t>(sum);
    shape_ = ForestShape(search_.parent, count_);
    note_peak(base + spooled + shape_.bytes() + offset_.size() * 4);
    search_.parent.release();
    note_peak(base - std::uint64_t{count_} * 4 + spooled + shape_.bytes() + offset_.size() * 4 + sum * 4);
    fill_earlier();
    fill_forward();
    search_.earlier_count.release();
  }

  /// Replaces the targets by their numbers and counts them by target. An edge into an earlier tree proves its target
  /// to be dominated by the virtual root alone.
  void count_earlier() {
    SourceCursor source(search_);
    std::uint32_t tree = 1;  // first vertex of the source's tree
    std::uint32_t last = 0;
    search_.earlier.for_each_block([&](std::uint32_t* targets, std::size_t size) {
      for (std::size_t i = 0; i < size + 2 * ahead; ++i) {
        if (i < size) __builtin_prefetch(&number_[targets[i]]);
        if (i >= ahead && i < size + ahead) {
          std::uint32_t& target = targets[i - ahead];
          target = index(number_[target]);
          __builtin_prefetch(&offset_[target], 1);
        }
        if (i < 2 * ahead) continue;
        const std::uint32_t v = source.next();
        for (; last < v; ++last) {
          if (search_.parent[last + 1] == 0) tree = last + 1;
        }
        std::uint32_t& w = targets[i - 2 * ahead];
        if (under_root_.test(w)) {
          w = dropped;
        } else if (w < tree) {
          under_root_.set(w);
          w = dropped;
        } else {
          ++offset_[w];
        }
      }
    });
  }

  /// Forward edges are few; those that double a tree edge say nothing.
  void count_forward() {
    search_.forward.for_each_block([&](std::uint32_t* edges, std::size_t size) {
      for (std::size_t i = 0; i + 1 < size; i += 2) {
        const std::uint32_t w = index(number_[edges[i + 1]]);
        edges[i + 1] = search_.parent[w] == edges[i] || under_root_.test(w) ? dropped : w;
        if (edges[i + 1] != dropped) ++offset_[w];
      }
    });
  }

  void fill_earlier() {
    SourceCursor source(search_);
    search_.earlier.drain([&](const std::uint32_t* targets, std::size_t size) {
      for (std::size_t i = 0; i < size + 2 * ahead; ++i) {
        if (i < size) __builtin_prefetch(&offset_[targets[i]], 1);
        if (i >= ahead && i < size + ahead) __builtin_prefetch(predecessors_.data() + offset_[targets[i - ahead]], 1);
        if (i < 2 * ahead) continue;
        const std::uint32_t v = source.next();
        const std::uint32_t w = targets[i - 2 * ahead];
        if (w != dropped && !under_root_.test(w)) predecessors_[--offset_[w]] = v;
      }
    });
  }

  void fill_forward() {
    search_.forward.drain([&](const std::uint32_t* edges, std::size_t size) {
      for (std::size_t i = 0; i + 1 < size; i += 2) {
        const std::uint32_t w = edges[i + 1];
        if (w != dropped && !under_root_.test(w)) predecessors_[--offset_[w]] = edges[i];
      }
    });
  }

  /// Leaves semidominators in offset_ (the start of a bucket is not needed once the bucket was read). Vertices go from
  /// the last to the first: parents and predecessors are given back from their ends as links_ is filled from its own.
  void find_semidominators() {
    WorkArray<std::uint32_t> parent = shape_.parents();
    links_ = WorkArray<Link>(std::size_t{count_} + 1);
    const std::uint64_t base = search_.visited.bytes() + under_root_.bytes() + shape_.bytes() + offset_.size() * 4;
    std::size_t end = predecessors_.size();
    std::size_t fetched = end;
    std::uint64_t kept = end + count_;  // parents and predecessors not given back
    for (std::uint32_t w = count_; w >= 1; --w) {
      const std::size_t begin = offset_[w];
      std::uint32_t semi = under_root_.test(w) ? 0 : parent[w];
      if (begin < end) {
        for (; fetched > 0 && fetched + ahead > begin; --fetched) prefetch_link(predecessors_[fetched - 1], w);
        for (std::size_t i = begin; i < end; ++i) {
          const std::uint32_t v = predecessors_[i];
          semi = std::min(semi, v <= w ? v : eval(v, w));
        }
        end = begin;
      }
      offset_[w] = semi;
      links_[w] = {parent[w], semi};
      if (kept - (end + w) < give_back_step && w != 1) continue;
      note_peak(base + std::uint64_t{count_ - w} * sizeof(Link) + kept * 4);
      parent.give_back_from(w);
      predecessors_.give_back_from(end);
      kept = end + w;
    }
    predecessors_.release();
    links_.release();
  }
  void prefetch_link(std::uint32_t v, std::uint32_t w) const {
    if (v > w) __builtin_prefetch(&links_[v]);
  }

  /// Least semidominator on the way from v (> w) up to the first ancestor ≤ w, and path compression. The way down again
  /// is kept in the ancestor fields themselves (pointer reversal), so a path may be as long as it likes.
  std::uint32_t eval(std::uint32_t v, std::uint32_t w) {
    if (links_[v].ancestor <= w) return links_[v].label;
    std::uint32_t below = 0;
    while (links_[v].ancestor > w) {
      const std::uint32_t next = links_[v].ancestor;
      links_[v].ancestor = below;
      below = v;
      v = next;
    }
    const std::uint32_t top = links_[v].ancestor;
    std::uint32_t label = links_[v].label;
    while (below != 0) {
      Link& link = links_[below];
      below = link.ancestor;
      label = link.label = std::min(link.label, label);
      link.ancestor = top;
    }
    return label;
  }

  /// The NCA step: the dominator is the first ancestor of the parent, in the dominator tree, not above the
  /// semidominator. Plain climbing while it is cheap, as it nearly always is.
  void climb_to_dominators() {
    ForestShape::Cursor parents(shape_);
    dominator_ = WorkArray<std::uint32_t>(std::size_t{count_} + 1);
    dominator_[0] = 0;
    std::uint64_t steps_left = std::uint64_t{8} * count_ + 1024;
    for (std::uint32_t w = 1; w <= count_; ++w) {
      const std::uint32_t semi = offset_[w];
      std::uint32_t v = dominator_[w] = parents.next();
      while (v > semi && steps_left > 0) {
        v = dominator_[v];
        --steps_left;
      }
      if (steps_left == 0) {
        climb_with_jumps(w, parents);
        break;
      }
      dominator_[w] = v;
    }
    offset_.release();
  }

  /// The same from vertex `from` on, whose parent was read, in O(log n) each: every vertex also knows an ancestor far
  /// above (Myers, "An applicative random-access stack", 1983).
  void climb_with_jumps(std::uint32_t from, ForestShape::Cursor& parents) {
    struct Jump {
      std::uint32_t far;
      std::uint32_t depth;
    };
    WorkArray<Jump> jumps(std::size_t{count_} + 1);
    jumps[0] = {0, 0};
    for (std::uint32_t w = 1; w <= count_; ++w) {
      if (w >= from) {
        const std::uint32_t semi = offset_[w];
        std::uint32_t v = w == from ? dominator_[w] : parents.next();
        while (v > semi) v = jumps[v].far > semi ? jumps[v].far : dominator_[v];
        dominator_[w] = v;
      }
      const std::uint32_t up = dominator_[w];
      const Jump near = jumps[up];
      const Jump far = jumps[near.far];
      const bool same_length = near.depth - far.depth == far.depth - jumps[far.far].depth;
      jumps[w] = {same_length && up != 0 ? far.far : up, near.depth + 1};
    }
  }

  void note_peak(std::uint64_t bytes) { peak_ = std::max(peak_, bytes); }

  DepthFirst& search_;
  std::uint32_t count_;
  const ObjectId* number_;           // by object: its vertex
  Bitmap under_root_;                // vertices that only the virtual root dominates, as far as known
  WorkArray<std::uint32_t> offset_;  // by vertex: bucket in predecessors_, later the semidominator
  WorkArray<std::uint32_t> predecessors_;
  ForestShape shape_;  // the parents in the search
  WorkArray<Link> links_;
  WorkArray<std::uint32_t> dominator_;  // by vertex
  std::uint64_t peak_ = 0;
};

}  // namespace

Dominators find_dominators(const queries::HeapGraph& graph, queries::Follow follow) {
  const std::uint32_t objects = graph.object_count();
  Dominators result;
  std::vector<ObjectId>& number = result.immediate;  // until the end
  number.assign(objects, no_object);
  DepthFirst search = search_depth_first(graph, follow, number.data());
  SemiNca algorithm(search, number.data());
  result.parent = algorithm.run();
  result.peak_work_bytes = algorithm.peak_work_bytes();

  // number → object again, then dominators from numbers to objects.
  result.order = WorkArray<ObjectId>(search.count);
  for (std::uint32_t id = 0; id < objects; ++id) {
    if (number[id] != no_object) result.order[index(number[id]) - 1] = ObjectId{id};
  }
  constexpr std::size_t ahead = 16;
  for (std::uint32_t at = 0; at < search.count; ++at) {
    if (at + ahead < search.count) __builtin_prefetch(&number[index(result.order[at + ahead])], 1);
    const std::uint32_t dominator = result.parent[at + 1];
    number[index(result.order[at])] = dominator == 0 ? no_object : result.order[dominator - 1];
  }
  return result;
}

WorkArray<ObjectId> order_by_dominator_tree(Dominators& dominators) {
  WorkArray<ObjectId> order = std::move(dominators.order);
  WorkArray<std::uint32_t> place = std::move(dominators.parent);  // by vertex: dominator, later place in the tree
  const auto count = static_cast<std::uint32_t>(order.size());
  WorkArray<std::uint32_t> next(std::size_t{count} + 1);  // subtree size, later the next free place in the subtree
  std::fill_n(next.data(), next.size(), 1u);
  for (std::uint32_t v = count; v >= 1; --v) next[place[v]] += next[v];
  next[0] = 0;
  for (std::uint32_t v = 1; v <= count; ++v) {
    const std::uint32_t dominator = place[v];
    const std::uint32_t size = next[v];
    place[v] = next[dominator];
    next[dominator] += size;
    next[v] = place[v] + 1;
  }
  next.release();
  WorkArray<ObjectId> result(count);
  for (std::uint32_t v = 1; v <= count; ++v) result[place[v]] = order[v - 1];
  return result;
}

}  // namespace analyzer
