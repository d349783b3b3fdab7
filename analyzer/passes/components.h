// Reference cycles: strongly connected components of at least two objects, or of one that references itself, among all
// objects, reachable or not.
//
// Edges: explicit references that a collector keeps (strong, soft, internal). Not the edge of an object to its class
// object (with it, nearly everything that a class loader made would be one component), and not weak, final and phantom
// referents (a cycle through one of those is not a cycle to the collector).
//
// Pearce, "A space-efficient algorithm for finding strongly connected components" (2016), algorithm PEA_FIND_SCC3 made
// iterative; objects without references never enter it. O(n + m). Work memory: 4 bytes per object + 8 per object on
// the stacks; result 0.19 bytes per object + 4 per member.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "analyzer/passes/retained_sets.h"
#include "queries/columns.h"
#include "queries/heap_graph.h"
#include "queries/results.h"
#include "queries/snapshot.h"

namespace analyzer {

struct Components {
  std::uint32_t count = 0;
  queries::SparseColumn<std::uint32_t> component;  ///< of the members: 0 … count-1, numbered by their least member
  std::vector<std::uint64_t> retained_bytes;       ///< by component, as a set; set by who has a dominator tree

  [[nodiscard]] std::uint32_t component_of(queries::ObjectId id) const {
    return component.has(id) ? component[id] : no_group;
  }
};

[[nodiscard]] Components find_components(const queries::HeapGraph& graph);

struct ComponentTotals {
  std::uint64_t count = 0;
  std::uint64_t unreachable_bytes = 0;  ///< shallow bytes of unreachable components
  std::uint64_t finalizer_bytes = 0;    ///< shallow bytes of components with a finalizer
};

struct ComponentRows {
  std::vector<queries::ComponentRow> rows;  ///< largest first (shallow bytes, then lowest member), at most `limit`
  ComponentTotals totals;                   ///< of all
};

/// `reachability`: by object; a component has that of its strongest member.
[[nodiscard]] ComponentRows describe_components(const queries::Snapshot& snapshot, const Components& components,
                                                std::span<const queries::Reachability> reachability, std::size_t limit);

}  // namespace analyzer
