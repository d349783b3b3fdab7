// Leak suspects: who holds too much of the live heap, through what, and — where it can be told — why.
//
// In the spirit of Eclipse MAT's leak hunter, and deterministic: single objects and classes of objects at the top of
// the dominator tree that retain more than a threshold; the accumulation point where retained memory fans out; the path
// that holds it; named causes with their evidence and what to do. What is not live never becomes a suspect, with one
// exception that says so: objects that only finalizers or cleaners still hold.
//
// O(n + m): a few sweeps over the per-object columns and one breadth-first search that stops when every suspect is
// found. Work memory: 1 byte per object for labels, 0.3 for bitmaps, 4 per object that retains more than a hundredth of
// the threshold, 8 per object that the search visits.
#pragma once

#include <cstddef>

#include "queries/heap_graph.h"
#include "queries/object_details.h"
#include "queries/results.h"
#include "queries/snapshot.h"

namespace analyzer {

struct SuspectOptions {
  double threshold_percent = 10;   ///< of heap.live_bytes
  double big_drop_ratio = 0.7;     ///< below: memory fans out here, the accumulation point
  double group_ratio = 0.8;        ///< share of a group's paths that is "most of them"
  std::size_t max_paths = 10'000;  ///< instances of a group whose paths are merged, evenly spaced by id
  std::size_t max_suspects = 100;
  std::size_t top_classes = 20;  ///< rows of each suspect's tables
  std::size_t top_children = 20;
};

/// Appends suspects (most retained first), their paths and evidence, and the metrics suspects.count and
/// suspects.max_retained_percent. Needs `dominator`, `retained_size` and the metrics of the passes; `reachability` and
/// `components` for the finalizer's cause.
void find_suspects(const queries::Snapshot& snapshot, const queries::HeapGraph& graph,
                   const queries::ObjectDetails& details, const SuspectOptions& options, queries::Results& results);

}  // namespace analyzer
