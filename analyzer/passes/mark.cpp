#include "analyzer/passes/mark.h"

#include <array>
#include <vector>

#include "analyzer/passes/edge_filter.h"

namespace analyzer {

using queries::ObjectId;

queries::Bitmap mark_reachable(const queries::HeapGraph& graph, queries::Follow follow) {
  const EdgeFilter filter(graph, follow);
  queries::Bitmap marked(graph.object_count());
  std::vector<ObjectId> stack;
  const auto mark = [&](ObjectId v) {
    if (marked.set_if_clear(index(v))) stack.push_back(v);
  };
  for (const ObjectId root : graph.roots()) mark(root);

  // Each class object is marked once, not tested once per instance.
  std::vector<ObjectId> class_target;
  if (graph.has_class_edges()) {
    for (std::uint32_t id = 0; id < graph.class_count(); ++id) {
      class_target.push_back(graph.class_object(queries::ClassId{id}));
    }
  }
  const auto scan = [&](ObjectId v) {
    for (std::uint32_t edge = graph.edges_begin(v), end = graph.edges_end(v); edge < end; ++edge) {
      if (filter.takes(edge)) mark(graph.target(edge));
    }
    if (class_target.empty()) return;
    ObjectId& class_object = class_target[index(graph.class_of(v))];
    if (class_object == queries::no_object) return;
    mark(class_object);
    class_object = queries::no_object;
  };

  constexpr std::uint64_t window = 16;  // objects in flight: first their offsets are fetched, half-way their targets
  std::array<ObjectId, window> ring;
  std::uint64_t in = 0;
  std::uint64_t out = 0;
  while (in != out || !stack.empty()) {
    if (!stack.empty()) {
      const ObjectId v = stack.back();
      stack.pop_back();
      graph.prefetch(v);
      ring[in++ % window] = v;
      if (in - out > window / 2) {
        const ObjectId half_way = ring[(in - 1 - window / 2) % window];
        __builtin_prefetch(graph.targets() + graph.edges_begin(half_way));
      }
      if (in - out < window) continue;
    }
    scan(ring[out++ % window]);
  }
  return marked;
}

}  // namespace analyzer
