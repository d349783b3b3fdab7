#include "analyzer/passes/components.h"

#include <algorithm>
#include <numeric>

#include "analyzer/passes/edge_filter.h"
#include "analyzer/passes/work_array.h"

namespace analyzer {
namespace {

using queries::no_object;
using queries::ObjectId;

class Pearce {
 public:
  explicit Pearce(const queries::HeapGraph& graph)
      : graph_(graph),
        filter_(graph, queries::follow_collector),
        lowered_(graph.object_count()),
        rindex_(graph.object_count()) {
    std::fill_n(rindex_.data(), rindex_.size(), 0u);
    next_label_ = graph.object_count();
  }

  Components run() {
    for (std::uint32_t v = 0; v < graph_.object_count(); ++v) {
      if (rindex_[v] == 0 && !is_leaf(v)) search(v);
    }
    for (const std::uint32_t v : self_references_) {
      if (rindex_[v] == alone) rindex_[v] = next_label_--;
    }
    return number_components();
  }

 private:
  struct Frame {
    std::uint32_t object;
    std::uint32_t edge;  // the next to look at
  };
  /// rindex of an object that is done and in no component. Labels of components go down from the number of objects:
  /// each has cost at least two objects by then, so they stay above every index in use.
  static constexpr std::uint32_t alone = 0xFFFF'FFFFu;

  [[nodiscard]] std::uint32_t row_begin(std::uint32_t v) const { return graph_.edges_begin(ObjectId{v}); }
  [[nodiscard]] std::uint32_t row_end(std::uint32_t v) const { return graph_.edges_end(ObjectId{v}); }

  bool is_leaf(std::uint32_t v) {
    if (row_begin(v) != row_end(v)) return false;
    rindex_[v] = alone;
    return true;
  }

  void begin_visiting(std::uint32_t v) {
    rindex_[v] = index_++;
    const std::uint32_t begin = row_begin(v);
    const std::uint32_t end = std::min(row_end(v), begin + 8);
    for (std::uint32_t edge = begin; edge < end; ++edge) __builtin_prefetch(&rindex_[index(graph_.target(edge))], 1);
    frames_.push_back({v, begin});
  }

  void search(std::uint32_t start) {
    index_ = 1;
    begin_visiting(start);
    while (!frames_.empty()) {
      Frame& frame = frames_.back();
      const std::uint32_t v = frame.object;
      const std::uint32_t end = row_end(v);
      std::uint32_t low = rindex_[v];
      const std::uint32_t before = low;
      std::uint32_t child = alone;
      std::uint32_t edge = frame.edge;
      for (; edge < end; ++edge) {
        if (!filter_.takes(edge)) continue;
        const std::uint32_t w = index(graph_.target(edge));
        if (w == v) self_references_.push_back(v);
        if (rindex_[w] == 0 && !is_leaf(w)) {
          child = w;  // the edge is looked at again when the child is done
          break;
        }
        low = std::min(low, rindex_[w]);
      }
      if (low < before) {
        rindex_[v] = low;
        lowered_.set(v);
      }
      frame.edge = edge;
      if (child != alone) {
        begin_visiting(child);
      } else {
        frames_.pop_back();
        finish_visiting(v);
      }
    }
  }

  void finish_visiting(std::uint32_t v) {
    if (lowered_.test(v)) {
      members_.push_back(v);
      return;
    }
    --index_;
    const std::uint32_t root_index = rindex_[v];
    if (members_.empty() || rindex_[members_.back()] < root_index) {
      rindex_[v] = alone;
      return;
    }
    const std::uint32_t label = next_label_--;
    while (!members_.empty() && rindex_[members_.back()] >= root_index) {
      rindex_[members_.back()] = label;
      members_.pop_back();
      --index_;
    }
    rindex_[v] = label;
  }

  Components number_components() {
    frames_ = {};
    members_ = {};
    lowered_ = {};
    Components result;
    std::vector<std::uint32_t> number(graph_.object_count() - next_label_, no_group);
    for (std::uint32_t v = 0; v < graph_.object_count(); ++v) {
      if (rindex_[v] == alone) continue;
      std::uint32_t& component = number[graph_.object_count() - rindex_[v]];
      if (component == no_group) component = result.count++;
      result.component.append(ObjectId{v}, component);
    }
    result.component.freeze(graph_.object_count());
    result.retained_bytes.assign(result.count, 0);
    return result;
  }

  const queries::HeapGraph& graph_;
  EdgeFilter filter_;
  queries::Bitmap lowered_;          // objects that reach an object begun before them: not the root of a component
  WorkArray<std::uint32_t> rindex_;  // 0 = not seen; index while open; label or `alone` when done
  std::uint32_t index_ = 1;
  std::uint32_t next_label_;
  std::vector<Frame> frames_;
  std::vector<std::uint32_t> members_;
  std::vector<std::uint32_t> self_references_;
};

}  // namespace

Components find_components(const queries::HeapGraph& graph) { return Pearce(graph).run(); }

ComponentRows describe_components(const queries::Snapshot& snapshot, const Components& components,
                                  std::span<const queries::Reachability> reachability, std::size_t limit) {
  std::vector<queries::ComponentRow> rows(components.count);
  const queries::Bitmap& members = components.component.present();
  for (std::uint32_t i = 0; i < snapshot.object_count; ++i) {
    if (!members.test(i)) continue;
    const ObjectId id{i};
    queries::ComponentRow& row = rows[components.component[id]];
    ++row.object_count;
    row.shallow_bytes += snapshot.shallow[id];
    row.reachability = std::min(row.reachability, reachability[i]);
    row.has_finalizer = row.has_finalizer || snapshot.class_row(id).has_finalizer;
    if (row.example == no_object || snapshot.shallow[id] > snapshot.shallow[row.example]) row.example = id;
  }
  ComponentRows result;
  result.totals.count = components.count;
  for (std::uint32_t i = 0; i < components.count; ++i) {
    rows[i].retained_bytes = components.retained_bytes[i];
    if (rows[i].reachability == queries::Reachability::unreachable) {
      result.totals.unreachable_bytes += rows[i].shallow_bytes;
    }
    if (rows[i].has_finalizer) result.totals.finalizer_bytes += rows[i].shallow_bytes;
  }
  std::vector<std::uint32_t> order(components.count);
  std::iota(order.begin(), order.end(), 0u);
  const auto kept = static_cast<std::ptrdiff_t>(std::min<std::size_t>(limit, order.size()));
  std::partial_sort(order.begin(), order.begin() + kept, order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return rows[a].shallow_bytes != rows[b].shallow_bytes ? rows[a].shallow_bytes > rows[b].shallow_bytes : a < b;
  });
  for (std::ptrdiff_t i = 0; i < kept; ++i) result.rows.push_back(rows[order[static_cast<std::size_t>(i)]]);
  return result;
}

}  // namespace analyzer
