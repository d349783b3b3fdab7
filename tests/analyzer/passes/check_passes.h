// Compares every pass with the naive reference on one graph of at most 64 objects.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "analyzer/passes/components.h"
#include "analyzer/passes/dominators.h"
#include "analyzer/passes/mark.h"
#include "analyzer/passes/reachability.h"
#include "analyzer/passes/retained_sets.h"
#include "analyzer/passes/retained_sizes.h"
#include "tests/support/naive_graph.h"

namespace tests {

inline std::string in_words(const queries::Snapshot& snapshot) {
  std::string text = "roots";
  for (const queries::ObjectId root : snapshot.direct_roots) text += " " + std::to_string(index(root));
  for (std::uint32_t v = 0; v < snapshot.object_count; ++v) {
    for (std::uint32_t e = snapshot.references.first[v]; e < snapshot.references.first[v + 1]; ++e) {
      const queries::ObjectId edge{e};
      const auto& strengths = snapshot.references.strength;
      text += "; " + std::to_string(v) + "->" + std::to_string(index(snapshot.references.target[e]));
      if (strengths.has(edge)) text += " " + std::string(to_text(strengths[edge]));
    }
    const queries::ObjectId class_object = snapshot.class_row(queries::ObjectId{v}).object;
    if (class_object != queries::no_object)
      text += "; " + std::to_string(v) + " is a " + std::to_string(index(class_object));
  }
  return text;
}

/// Name of the first pass that disagrees with the reference; empty = all agree.
inline std::string disagreement(const queries::Snapshot& snapshot, queries::Follow follow) {
  using queries::ObjectId;
  const queries::HeapGraph graph(snapshot);
  const NaiveGraph naive(snapshot);
  const std::uint32_t n = naive.size();
  const Mask live = naive.reachable(follow);

  const queries::Bitmap marked = analyzer::mark_reachable(graph, follow);
  for (std::uint32_t v = 0; v < n; ++v) {
    if (marked.test(v) != ((live >> v & 1) != 0)) return "mark";
  }

  analyzer::Dominators dominators = analyzer::find_dominators(graph, follow);
  if (dominators.immediate != naive.immediate_dominators(follow)) return "dominators";
  const std::vector<std::uint64_t> retained = naive.retained_sizes(follow);
  const analyzer::RetainedSizes from_search =
      analyzer::find_retained_sizes(graph, dominators.order.span(), dominators.immediate);
  if (from_search.bytes != retained || from_search.total != naive.bytes(live)) return "retained sizes";
  const analyzer::WorkArray<ObjectId> tree = analyzer::order_by_dominator_tree(dominators);
  const analyzer::RetainedSizes from_tree = analyzer::find_retained_sizes(graph, tree.span(), dominators.immediate);
  if (from_tree.bytes != retained) return "order of the dominator tree";

  std::vector<Mask> class_members(snapshot.classes.size(), 0);
  for (std::uint32_t v = 0; v < n; ++v) class_members[index(snapshot.class_of[ObjectId{v}])] |= live & (Mask{1} << v);
  const std::vector<std::uint64_t> class_sets =
      analyzer::find_retained_sets(tree.span(), dominators.immediate, retained, class_members.size(),
                                   [&](ObjectId id) { return index(snapshot.class_of[id]); });
  for (std::size_t c = 0; c < class_members.size(); ++c) {
    if (class_sets[c] != naive.retained_as_set(follow, class_members[c])) return "retained sets of classes";
  }

  const analyzer::ReachabilityResult reachability = analyzer::find_reachability(graph);
  if (reachability.reachability != naive.reachability()) return "reachability";
  if (reachability.root_distance != naive.root_distances()) return "root distance";

  const analyzer::Components components = analyzer::find_components(graph);
  const std::vector<Mask> groups = naive.components();
  const std::vector<std::uint64_t> component_sets =
      analyzer::find_retained_sets(tree.span(), dominators.immediate, retained, components.count,
                                   [&](ObjectId id) { return components.component_of(id); });
  std::uint32_t seen = 0;
  for (std::uint32_t v = 0; v < n; ++v) {
    const std::uint32_t component = components.component_of(ObjectId{v});
    if ((component == analyzer::no_group) != (groups[v] == 0)) return "components";
    if (groups[v] == 0) continue;
    if (component > seen) return "components: numbering";
    if (component < seen) continue;
    ++seen;
    for (std::uint32_t w = 0; w < n; ++w) {
      if ((groups[v] >> w & 1) != (components.component_of(ObjectId{w}) == component)) return "components";
    }
    if (component_sets[component] != naive.retained_as_set(follow, groups[v] & live))
      return "retained sets of components";
  }
  return seen == components.count ? "" : "components: count";
}

}  // namespace tests
