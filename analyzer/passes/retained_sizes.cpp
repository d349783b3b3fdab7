#include "analyzer/passes/retained_sizes.h"

namespace analyzer {

using queries::ObjectId;

RetainedSizes find_retained_sizes(const queries::HeapGraph& graph, std::span<const ObjectId> order,
                                  std::span<const ObjectId> dominator) {
  constexpr std::size_t ahead = 16;
  RetainedSizes result;
  result.bytes.resize(graph.object_count());
  for (const ObjectId id : order) result.bytes[index(id)] = graph.shallow_size(id);
  for (std::size_t at = order.size(); at-- > 0;) {
    if (at >= ahead) {
      const std::uint32_t soon = index(order[at - ahead]);
      __builtin_prefetch(&result.bytes[soon]);
      __builtin_prefetch(&dominator[soon]);
    }
    const std::uint32_t id = index(order[at]);
    const ObjectId above = dominator[id];
    (above == queries::no_object ? result.total : result.bytes[index(above)]) += result.bytes[id];
  }
  return result;
}

}  // namespace analyzer
