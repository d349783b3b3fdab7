// What the paths to the instances of a group have in common.
#pragma once

#include "analyzer/suspects/root_paths.h"

namespace analyzer {

struct GroupPath {
  std::vector<queries::ObjectId> common;                ///< from a root down; most instances are reached through it
  queries::ObjectId accumulation = queries::no_object;  ///< where the paths fan out; no_object = nowhere together
  std::uint64_t found = 0;                              ///< instances of the sample that have a path
  std::uint64_t through = 0;                            ///< of them through `common`
  struct PatternStep {
    queries::ClassId class_id = queries::no_class;
    std::uint64_t count = 0;
  };
  /// When the paths meet nowhere: the classes of what most instances are referenced from, nearest first.
  std::vector<PatternStep> pattern;
};

/// Merges the paths that `paths` found to `sample` (ascending ids). `group_ratio`, `big_drop_ratio`: SuspectOptions.
[[nodiscard]] GroupPath merge_paths(const RootPaths& paths, const queries::HeapGraph& graph,
                                    const queries::Results& results, const std::vector<queries::ObjectId>& sample,
                                    double group_ratio, double big_drop_ratio);

}  // namespace analyzer
