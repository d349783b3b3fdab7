#include "queries/heap_graph.h"

#include <cassert>

namespace queries {

HeapGraph::HeapGraph(const Snapshot& snapshot)
    : object_count_(snapshot.object_count),
      first_(snapshot.references.first),
      targets_(snapshot.references.target),
      strength_(snapshot.references.strength),
      class_of_(snapshot.class_of),
      shallow_(snapshot.shallow),
      roots_(snapshot.direct_roots),
      uncertain_roots_(snapshot.uncertain_roots),
      has_weaker_(!snapshot.references.strength.values().empty()) {
  for (const Strength strength : strength_.values()) {
    strengths_ = static_cast<std::uint8_t>(strengths_ | 1u << static_cast<unsigned>(strength));
  }
  assert(first_.size() == std::size_t{object_count_} + 1);
  class_object_.reserve(snapshot.classes.size());
  for (const ClassRow& row : snapshot.classes) {
    class_object_.push_back(row.object);
    has_class_edges_ = has_class_edges_ || row.object != no_object;
  }
}

}  // namespace queries
