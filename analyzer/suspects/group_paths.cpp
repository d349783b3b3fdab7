#include "analyzer/suspects/group_paths.h"

#include <algorithm>
#include <map>
#include <unordered_map>

namespace analyzer {

using namespace queries;

namespace {

constexpr std::uint32_t none = RootPaths::no_position;
constexpr std::size_t longest_pattern = 12;

/// The search tree, cut down to the ways to the sample: each position with how many of the sample lie below it.
struct Branch {
  std::uint64_t count = 0;
  std::uint64_t retained = 0;  ///< of those instances
};

std::unordered_map<std::uint32_t, Branch> sum_branches(const RootPaths& paths, const Results& results,
                                                       const std::vector<ObjectId>& sample, std::uint64_t& found) {
  std::unordered_map<std::uint32_t, Branch> branches;
  std::vector<std::uint32_t> passed;
  for (const ObjectId id : sample) {
    std::uint32_t at = paths.position(id);
    if (at == none) continue;
    ++found;
    for (std::uint32_t up = at; up != none; up = paths.parent_position(up)) {
      if (!branches.emplace(up, Branch{}).second) break;
      passed.push_back(up);
    }
    Branch& own = branches[at];
    ++own.count;
    own.retained += results.retained_size[index(id)];
  }
  std::sort(passed.begin(), passed.end(), std::greater<>());  // children come after their parents in the search
  for (const std::uint32_t at : passed) {
    const std::uint32_t parent = paths.parent_position(at);
    if (parent == none) continue;
    const Branch own = branches[at];
    Branch& above = branches[parent];
    above.count += own.count;
    above.retained += own.retained;
  }
  return branches;
}

std::vector<GroupPath::PatternStep> find_pattern(const RootPaths& paths, const HeapGraph& graph,
                                                 const std::vector<ObjectId>& sample, double ratio) {
  std::vector<std::uint32_t> level;
  for (const ObjectId id : sample) {
    if (const std::uint32_t at = paths.position(id); at != none) level.push_back(at);
  }
  std::vector<GroupPath::PatternStep> pattern;
  while (!level.empty() && pattern.size() < longest_pattern) {
    std::map<ClassId, std::vector<std::uint32_t>> by_class;
    for (const std::uint32_t at : level) {
      const std::uint32_t parent = paths.parent_position(at);
      if (parent != none) by_class[graph.class_of(paths.at(parent))].push_back(parent);
    }
    auto best = by_class.end();
    for (auto at = by_class.begin(); at != by_class.end(); ++at) {
      if (best == by_class.end() || at->second.size() > best->second.size()) best = at;
    }
    if (best == by_class.end()) break;
    if (static_cast<double>(best->second.size()) <= ratio * static_cast<double>(level.size())) break;
    pattern.push_back({best->first, best->second.size()});
    level = std::move(best->second);
  }
  return pattern;
}

}  // namespace

GroupPath merge_paths(const RootPaths& paths, const HeapGraph& graph, const Results& results,
                      const std::vector<ObjectId>& sample, double group_ratio, double big_drop_ratio) {
  GroupPath result;
  const auto branches = sum_branches(paths, results, sample, result.found);
  // Largest child of each branch: most instances, ties by the lower id.
  std::unordered_map<std::uint32_t, std::uint32_t> largest;
  const auto offer = [&](std::uint32_t parent, std::uint32_t child) {
    const auto [place, is_new] = largest.emplace(parent, child);
    if (is_new) return;
    const std::uint64_t before = branches.at(place->second).count;
    const std::uint64_t now = branches.at(child).count;
    if (now > before || (now == before && paths.at(child) < paths.at(place->second))) place->second = child;
  };
  for (const auto& [at, branch] : branches) offer(paths.parent_position(at), at);  // `none` is the parent of the roots

  const auto most = static_cast<std::uint64_t>(group_ratio * static_cast<double>(sample.size()));
  auto next = largest.find(none);
  while (next != largest.end()) {
    const std::uint32_t at = next->second;
    const Branch& branch = branches.at(at);
    if (branch.count <= most) break;
    result.common.push_back(paths.at(at));
    result.through = branch.count;
    next = largest.find(at);
    const bool fans_out = next == largest.end() || static_cast<double>(branches.at(next->second).retained) <
                                                       big_drop_ratio * static_cast<double>(branch.retained);
    if (fans_out) {
      result.accumulation = paths.at(at);
      break;
    }
  }
  if (result.accumulation == no_object) result.pattern = find_pattern(paths, graph, sample, group_ratio);
  return result;
}

}  // namespace analyzer
