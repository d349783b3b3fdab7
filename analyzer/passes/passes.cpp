#include "analyzer/passes/passes.h"

#include "analyzer/passes/class_stats.h"
#include "analyzer/passes/components.h"
#include "analyzer/passes/dominators.h"
#include "analyzer/passes/duplicates.h"
#include "analyzer/passes/fragmentation.h"
#include "analyzer/passes/leaks.h"
#include "analyzer/passes/locality.h"
#include "analyzer/passes/metrics.h"
#include "analyzer/passes/reachability.h"
#include "analyzer/passes/retained_sets.h"
#include "analyzer/passes/retained_sizes.h"

namespace analyzer {
namespace {

using queries::MetricRow;
using queries::ObjectId;

/// What passes hand to each other. Work memory lives here no longer than the last pass that needs it.
struct State {
  const queries::Snapshot& snapshot;
  const PassOptions& options;
  queries::HeapGraph graph;
  queries::Results results;
  Components components;
  Dominators dominators;
  WorkArray<ObjectId> tree;  ///< live objects in preorder of the dominator tree
  queries::Bitmap live;

  void add(const std::vector<MetricRow>& metrics) {
    results.metrics.insert(results.metrics.end(), metrics.begin(), metrics.end());
  }
};

void run_components(State& state) {
  if (state.options.components) state.components = find_components(state.graph);
}

void run_dominators(State& state) {
  state.dominators = find_dominators(state.graph, state.options.follow);
  state.results.dominator = std::move(state.dominators.immediate);
}

void run_tree(State& state) {
  state.tree = order_by_dominator_tree(state.dominators);
  state.live = queries::Bitmap(state.snapshot.object_count);
  for (const ObjectId id : state.tree.span()) state.live.set(index(id));
}

void run_retained_sizes(State& state) {
  RetainedSizes retained = find_retained_sizes(state.graph, state.tree.span(), state.results.dominator);
  state.results.retained_size = std::move(retained.bytes);
}

void run_class_stats(State& state) {
  state.results.class_stats =
      find_class_stats(state.snapshot, state.tree.span(), state.results.dominator, state.results.retained_size);
  if (state.components.count != 0) {
    state.components.retained_bytes =
        find_retained_sets(state.tree.span(), state.results.dominator, state.results.retained_size,
                           state.components.count, [&](ObjectId id) { return state.components.component_of(id); });
  }
  state.tree.release();
}

void run_reachability(State& state) {
  ReachabilityResult result = find_reachability(state.graph);
  state.results.reachability = std::move(result.reachability);
  state.results.root_distance = std::move(result.root_distance);
  state.add(heap_metrics(state.snapshot, state.live, state.results.reachability));
}

void run_leaks(State& state) {
  if (!state.snapshot.manual_memory) return;
  state.results.leaks = find_leaks(state.graph, state.results.reachability);
  state.add(leak_metrics(state.results.leaks));
  state.add(type_metrics(state.snapshot));
}

void run_component_rows(State& state) {
  if (!state.options.components) return;
  ComponentRows result =
      describe_components(state.snapshot, state.components, state.results.reachability, state.options.row_limit);
  state.components = {};
  state.results.components = std::move(result.rows);
  state.add(component_metrics(result.totals));
}

void run_duplicates(State& state) {
  if (!state.options.duplicates) return;
  constexpr std::size_t text_limit = 120;  // bytes of a string shown
  Duplicates result = find_duplicates(state.snapshot, state.graph, state.live, state.options.row_limit);
  state.add(duplicate_metrics(result));
  state.results.duplicates = std::move(result.rows);
  if (state.options.details == nullptr) return;
  for (queries::DuplicateRow& row : state.results.duplicates) {
    if (row.is_string) row.value = state.options.details->text(row.example, text_limit).value_or("");
  }
}

void run_fragmentation(State& state) {
  Fragmentation found = find_fragmentation(state.snapshot, state.options.row_limit);
  state.results.arenas = std::move(found.arenas);
  state.results.unusable_free = std::move(found.unusable_free);
  state.results.pins = std::move(found.pins);
  state.results.pin_stats = std::move(found.pin_stats);
  state.results.requested_stats = std::move(found.requested_stats);
  state.add(found.metrics);
}

void run_locality(State& state) {
  constexpr std::size_t most_rows = 1'000;
  Locality found = find_locality(state.snapshot, state.graph, state.results.dominator, most_rows);
  state.results.locality = std::move(found.pairs);
  state.results.walks = std::move(found.walks);
  state.add(found.metrics);
  state.add(layout_metrics(state.snapshot));
}

struct Pass {
  std::string_view name;
  std::string_view needs;  ///< passes that must have run before; for the reader, order is what makes it so
  void (*run)(State&);
};

// The order is for memory: what needs most (dominators) runs before the results it does not need are there. Components
// come soon after, because their retained sizes are found in the walk over the dominator tree that class statistics
// make.
constexpr Pass passes[] = {
    {"dominators", "", run_dominators},
    {"dominator tree", "dominators", run_tree},
    {"components", "", run_components},
    {"retained sizes", "dominator tree", run_retained_sizes},
    {"class statistics", "retained sizes, components", run_class_stats},
    {"reachability", "dominator tree", run_reachability},
    {"leaks", "reachability", run_leaks},
    {"cycles", "components, class statistics, reachability", run_component_rows},
    {"duplicates", "dominator tree", run_duplicates},
    {"fragmentation", "", run_fragmentation},
    {"locality", "dominators", run_locality},
};

}  // namespace

queries::Results run_passes(const queries::Snapshot& snapshot, const PassOptions& options) {
  State state{snapshot, options, queries::HeapGraph(snapshot), {}, {}, {}, {}, {}};
  for (const Pass& pass : passes) {
    if (options.progress) options.progress(pass.name, 0, snapshot.object_count);
    pass.run(state);
    if (options.progress) options.progress(pass.name, snapshot.object_count, snapshot.object_count);
  }
  return std::move(state.results);
}

}  // namespace analyzer
