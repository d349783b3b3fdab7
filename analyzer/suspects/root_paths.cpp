#include "analyzer/suspects/root_paths.h"

#include <algorithm>
#include <unordered_map>

#include "analyzer/suspects/root_words.h"
#include "queries/columns.h"

namespace analyzer {

using namespace queries;

namespace {

constexpr std::size_t longest_chain = 4096;       // dominators climbed before giving up on a path
constexpr std::size_t widest_detour = 2'000'000;  // objects searched between two dominators

bool follows(const HeapGraph& graph, std::uint32_t edge, Follow follow) {
  return !graph.has_references_outside(follow) || follow.has(graph.strength_of(edge));
}

}  // namespace

RootPaths::RootPaths(const Snapshot& snapshot, const HeapGraph& graph, const Results& results,
                     const ObjectDetails& details)
    : graph_(graph), results_(results), details_(details), snapshot_(snapshot) {
  for (const RootRow& root : snapshot.roots) {
    if (root.object != no_object) roots_.emplace_back(root.object, root.kind);
  }
  std::sort(roots_.begin(), roots_.end());
}

ObjectId RootPaths::top_of(ObjectId id) const {
  while (results_.dominator[index(id)] != no_object) id = results_.dominator[index(id)];
  return id;
}

void RootPaths::search(const std::vector<ObjectId>& targets) {
  std::vector<ObjectId> wanted;
  for (const ObjectId target : targets) {
    if (target != no_object && results_.retained_size[index(target)] != 0) wanted.push_back(top_of(target));
  }
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  search_with(follow_strong, wanted);
  // Held by soft (or with --weak=follow weaker) references only: then those are the path. Starts afresh, so that one
  // search has made all positions.
  if (positions_.size() < wanted.size()) search_with(follow_all, wanted);
}

void RootPaths::search_with(Follow follow, const std::vector<ObjectId>& wanted) {
  order_.clear();
  parent_.clear();
  positions_.clear();
  if (wanted.empty()) return;
  Bitmap visited(std::uint64_t{graph_.object_count()} + 1);
  Bitmap is_wanted(std::uint64_t{graph_.object_count()} + 1);
  for (const ObjectId id : wanted) is_wanted.set(index(id));
  std::size_t missing = wanted.size();
  const auto visit = [&](ObjectId id, std::uint32_t from) {
    if (!visited.set_if_clear(index(id))) return;
    if (is_wanted.test(index(id))) {
      positions_.emplace_back(id, static_cast<std::uint32_t>(order_.size()));
      --missing;
    }
    order_.push_back(id);
    parent_.push_back(from);
  };
  for (const ObjectId root : graph_.roots()) visit(root, no_position);
  for (std::uint32_t at = 0; at < order_.size() && missing > 0; ++at) {
    if (at + 8 < order_.size()) graph_.prefetch(order_[at + 8]);
    const ObjectId from = order_[at];
    for (std::uint32_t edge = graph_.edges_begin(from), end = graph_.edges_end(from); edge < end; ++edge) {
      if (follows(graph_, edge, follow)) visit(graph_.target(edge), at);
    }
    if (const ObjectId class_object = graph_.class_edge(from); class_object != no_object) visit(class_object, at);
  }
  std::sort(positions_.begin(), positions_.end());
}

bool RootPaths::found(ObjectId id) const { return position(id) != no_position; }

std::uint32_t RootPaths::position(ObjectId id) const {
  const auto at = std::lower_bound(positions_.begin(), positions_.end(), std::pair{id, std::uint32_t{0}});
  return at != positions_.end() && at->first == id ? at->second : no_position;
}

ObjectId RootPaths::parent(ObjectId id) const {
  const std::uint32_t at = position(id);
  return at == no_position || parent_[at] == no_position ? no_object : order_[parent_[at]];
}

std::vector<ObjectId> RootPaths::way_down(ObjectId from, ObjectId to) const {
  for (const Follow follow : {follow_strong, follow_all}) {
    std::vector<std::pair<ObjectId, std::uint32_t>> order{{from, no_position}};
    std::unordered_map<std::uint32_t, bool> inside{{index(from), true}};
    for (std::uint32_t at = 0; at < order.size() && order.size() < widest_detour; ++at) {
      const ObjectId source = order[at].first;
      bool arrived = false;
      const auto visit = [&](ObjectId id) {
        if (arrived) return;
        if (id == to) {
          arrived = true;
          return;
        }
        // What is reached from inside is retained by `from` exactly when its dominator is inside.
        const ObjectId dominator = results_.dominator[index(id)];
        if (dominator == no_object || inside.count(index(dominator)) == 0) return;
        if (inside.emplace(index(id), true).second) order.emplace_back(id, at);
      };
      for (std::uint32_t edge = graph_.edges_begin(source), end = graph_.edges_end(source); edge < end; ++edge) {
        if (follows(graph_, edge, follow)) visit(graph_.target(edge));
      }
      if (const ObjectId class_object = graph_.class_edge(source); class_object != no_object) visit(class_object);
      if (!arrived) continue;
      std::vector<ObjectId> way;
      for (std::uint32_t back = at; order[back].second != no_position; back = order[back].second) {
        way.push_back(order[back].first);
      }
      std::reverse(way.begin(), way.end());
      way.push_back(to);
      return way;
    }
  }
  return {to};
}

RootPath RootPaths::path(ObjectId target) const {
  if (target == no_object || results_.retained_size[index(target)] == 0) return {};
  std::vector<ObjectId> dominators;
  for (ObjectId id = target; id != no_object; id = results_.dominator[index(id)]) {
    if (dominators.size() == longest_chain) return {};
    dominators.push_back(id);
  }
  std::reverse(dominators.begin(), dominators.end());
  std::vector<ObjectId> chain;
  const std::uint32_t top = position(dominators.front());
  if (top == no_position) return {};
  for (std::uint32_t at = top; at != no_position && chain.size() < longest_chain; at = parent_[at]) {
    chain.push_back(order_[at]);
  }
  std::reverse(chain.begin(), chain.end());
  for (std::size_t i = 1; i < dominators.size(); ++i) {
    const std::vector<ObjectId> way = way_down(dominators[i - 1], dominators[i]);
    chain.insert(chain.end(), way.begin(), way.end());
  }
  return named(chain);
}

RootPath RootPaths::named(const std::vector<ObjectId>& chain) const {
  RootPath path;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    std::string name;
    if (i == 0) {
      name = root_name(chain[i]);
    } else {
      name = details_.reference_name(chain[i - 1], chain[i]);
      if (name.empty()) name = graph_.class_edge(chain[i - 1]) == chain[i] ? "<class>" : "?";
    }
    path.push_back({chain[i], std::move(name)});
  }
  return path;
}

std::string RootPaths::root_name(ObjectId id) const {
  const auto first = std::lower_bound(roots_.begin(), roots_.end(), std::pair{id, RootKind::unknown});
  RootKind best = RootKind::unknown;
  for (auto at = first; at != roots_.end() && at->first == id; ++at) {
    // A thread, a system class or a variable says more than a lock, a handle or a stale word on a stack.
    if (at == first || at->second == RootKind::thread_object || at->second == RootKind::sticky_class ||
        at->second == RootKind::static_data) {
      best = at->second;
    }
  }
  if (best < RootKind::machine_register) return std::string(to_text(best));
  // Of a native process: the variable, or the function in whose frame it lies.
  const RootRow* root = telling_root(snapshot_, id);
  if (root == nullptr) return std::string(to_text(best));
  std::string name(to_text(root->kind));
  if (root->kind == RootKind::static_data && root->name != no_name)
    return name + ' ' + snapshot_.names[index(root->name)];
  if (root->frame < 0) return name;
  return name + " in " + snapshot_.frames[static_cast<std::size_t>(root->frame)].function;
}

}  // namespace analyzer
