// Immediate dominators: which object, if it went away, would free this one.
//
// SEMI-NCA (Georgiadis, "Linear-Time Algorithms for Dominators and Related Problems", 2005) from a virtual root whose
// successors are the graph's roots; a root has no other predecessor. Iterative; the call stack is not used.
//
// Lean in four ways. (1) The predecessors of a vertex are not stored for edges of the depth-first tree. (2) An edge
// that enters an earlier tree of the forest (w was reached from another root before) proves that only the virtual root
// dominates w: neither it nor any other edge into w is stored. (3) Semidominators take the place of the predecessor
// offsets, and the vertex order is rebuilt from the numbers afterwards. (4) Parents are kept as 2 bits per vertex while
// predecessors are scattered and while dominators are not there yet; parents and predecessors are given back vertex by
// vertex as the links of the semidominator search take their place.
//
// Time: O((n + m) log n), also for the climb of the NCA step, which alone would be quadratic on a long list whose
// payloads are referenced from elsewhere too: after 8 n steps it goes on with Myers' jump pointers.
// Memory, bytes per reached object (E = non-tree edges per object that (2) leaves, usually 0.3–1.2):
// 9.5 + 4E while searching, 5.5 + 8E while scattering, then from 8.5 + 4E to 12.5 + what is left of 4E (much, where
// many objects have an edge to one class object that was reached early); results 12.
#pragma once

#include <cstdint>
#include <vector>

#include "analyzer/passes/work_array.h"
#include "queries/heap_graph.h"

namespace analyzer {

struct Dominators {
  /// By object. no_object: under the virtual root, or not reached.
  std::vector<queries::ObjectId> immediate;
  /// The reached objects in depth-first preorder: each comes after its dominator.
  WorkArray<queries::ObjectId> order;
  /// By position in `order`: 1 + position of the dominator, 0 = the virtual root.
  WorkArray<std::uint32_t> parent;
  /// Largest sum of work memory in use at a time, results not counted. For benchmarks.
  std::uint64_t peak_work_bytes = 0;
};

/// Follows explicit references of the given strengths and all class edges.
[[nodiscard]] Dominators find_dominators(const queries::HeapGraph& graph, queries::Follow follow);

/// The dominator tree in preorder: every subtree is a run. Consumes order and parent of `dominators`.
/// O(n); 12 bytes per reached object while working, result 4.
[[nodiscard]] WorkArray<queries::ObjectId> order_by_dominator_tree(Dominators& dominators);

}  // namespace analyzer
