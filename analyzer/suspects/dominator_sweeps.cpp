#include "analyzer/suspects/dominator_sweeps.h"

#include <algorithm>
#include <unordered_map>

namespace analyzer {

using namespace queries;

namespace {

bool at_top(const Results& results, std::uint32_t id) {
  return results.retained_size[id] != 0 && results.dominator[id] == no_object;
}

/// Keeps the `limit` biggest, sorted: most retained first, ties by id. Ids must come in ascending order.
void keep_biggest(std::vector<ObjectId>& biggest, const std::vector<std::uint64_t>& retained, ObjectId id,
                  std::size_t limit) {
  if (limit == 0) return;
  const std::uint64_t size = retained[index(id)];
  if (biggest.size() == limit) {
    if (retained[index(biggest.back())] >= size) return;
    biggest.pop_back();
  }
  const auto at = std::upper_bound(biggest.begin(), biggest.end(), size,
                                   [&](std::uint64_t value, ObjectId other) { return value > retained[index(other)]; });
  biggest.insert(at, id);
}

}  // namespace

std::vector<Candidate> find_candidates(const HeapGraph& graph, const Results& results, std::uint64_t threshold,
                                       std::size_t limit) {
  std::vector<Candidate> candidates;
  std::vector<Candidate> groups(graph.class_count());
  for (std::uint32_t i = 0; i < graph.object_count(); ++i) {
    if (!at_top(results, i)) continue;
    const std::uint64_t retained = results.retained_size[i];
    const ClassId class_id = graph.class_of(ObjectId{i});
    if (retained > threshold) {
      candidates.push_back({false, ObjectId{i}, class_id, retained, 1});
    } else {
      Candidate& group = groups[index(class_id)];
      group.instances = group.retained == 0 ? 1 : group.instances + 1;
      group.retained += retained;
    }
  }
  for (std::uint32_t i = 0; i < groups.size(); ++i) {
    if (groups[i].retained <= threshold) continue;
    candidates.push_back({true, no_object, ClassId{i}, groups[i].retained, groups[i].instances});
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.retained > b.retained; });
  if (candidates.size() > limit) candidates.resize(limit);
  return candidates;
}

HeavyTree::HeavyTree(const Results& results, std::uint64_t floor) : heavy_(results.retained_size.size() + 1) {
  const std::size_t objects = results.retained_size.size();
  for (std::size_t i = 0; i < objects; ++i) {
    if (results.retained_size[i] >= floor && results.retained_size[i] != 0) heavy_.set(i);
  }
  heavy_.index_ranks();
  child_.assign(heavy_.count(), no_object);
  for (std::size_t i = 0; i < objects; ++i) {
    // Who dominates a heavy object is at least as heavy.
    if (!heavy_.test(i) || results.dominator[i] == no_object) continue;
    ObjectId& child = child_[heavy_.rank(index(results.dominator[i]))];
    if (child == no_object || results.retained_size[i] > results.retained_size[index(child)]) {
      child = ObjectId{static_cast<std::uint32_t>(i)};
    }
  }
}

std::vector<std::vector<ClassShare>> retained_by_class(const HeapGraph& graph, const Results& results,
                                                       const std::vector<Candidate>& candidates) {
  constexpr std::uint8_t unknown = 0;
  constexpr std::uint8_t nobody = 1;
  constexpr std::size_t most = 250;
  const std::size_t described = std::min(candidates.size(), most);
  std::vector<std::uint8_t> label_of_class(graph.class_count(), nobody);
  std::vector<std::uint8_t> label(graph.object_count(), unknown);
  for (std::size_t i = 0; i < described; ++i) {
    const auto mark = static_cast<std::uint8_t>(i + 2);
    if (candidates[i].group) {
      label_of_class[index(candidates[i].class_id)] = mark;
    } else {
      label[index(candidates[i].object)] = mark;
    }
  }
  for (const Candidate& candidate : candidates) {  // a single suspect beyond the labels is not of its class's group
    if (!candidate.group && label[index(candidate.object)] == unknown) label[index(candidate.object)] = nobody;
  }
  std::vector<std::vector<ClassShare>> shares(candidates.size());
  for (std::size_t i = 0; i < described; ++i) {
    shares[i].resize(graph.class_count());
  }
  for (std::uint32_t i = 0; i < graph.object_count(); ++i) {
    if (results.retained_size[i] == 0) continue;
    // Climb to the first ancestor that knows, then tell everyone on the way: each object is passed twice at most.
    std::uint32_t at = i;
    std::uint8_t found = label[at];
    while (found == unknown) {
      const ObjectId dominator = results.dominator[at];
      if (dominator == no_object) {
        found = label_of_class[index(graph.class_of(ObjectId{at}))];
        label[at] = found;
      } else {
        at = index(dominator);
        found = label[at];
      }
    }
    for (std::uint32_t below = i; label[below] == unknown; below = index(results.dominator[below]))
      label[below] = found;
    if (found == nobody) continue;
    ClassShare& share = shares[found - 2u][index(graph.class_of(ObjectId{i}))];
    ++share.count;
    share.bytes += graph.shallow_size(ObjectId{i});
  }
  for (std::vector<ClassShare>& list : shares) {
    for (std::uint32_t i = 0; i < list.size(); ++i) list[i].class_id = ClassId{i};
    list.erase(std::remove_if(list.begin(), list.end(), [](const ClassShare& share) { return share.count == 0; }),
               list.end());
    std::stable_sort(list.begin(), list.end(),
                     [](const ClassShare& a, const ClassShare& b) { return a.bytes > b.bytes; });
  }
  return shares;
}

std::vector<Members> children_of(const Results& results, const std::vector<ObjectId>& parents, std::size_t limit) {
  std::vector<Members> members(parents.size());
  std::unordered_multimap<std::uint32_t, std::size_t> place;
  Bitmap wanted(results.dominator.size() + 1);
  for (std::size_t i = 0; i < parents.size(); ++i) {
    if (parents[i] == no_object) continue;
    wanted.set(index(parents[i]));
    place.emplace(index(parents[i]), i);
  }
  if (place.empty()) return members;
  for (std::uint32_t i = 0; i < results.dominator.size(); ++i) {
    const ObjectId dominator = results.dominator[i];
    if (dominator == no_object || !wanted.test(index(dominator))) continue;
    const auto [first, last] = place.equal_range(index(dominator));
    for (auto at = first; at != last; ++at) {
      Members& set = members[at->second];
      ++set.count;
      set.retained += results.retained_size[i];
      keep_biggest(set.biggest, results.retained_size, ObjectId{i}, limit);
    }
  }
  return members;
}

std::vector<Members> group_members(const HeapGraph& graph, const Results& results,
                                   const std::vector<Candidate>& candidates, std::size_t limit,
                                   std::size_t sample_size) {
  std::vector<Members> members(candidates.size());
  constexpr std::uint32_t none = 0xFFFF'FFFFu;
  std::vector<std::uint32_t> place(graph.class_count(), none);
  std::vector<ObjectId> singles;
  for (std::uint32_t i = 0; i < candidates.size(); ++i) {
    if (candidates[i].group) {
      place[index(candidates[i].class_id)] = i;
    } else {
      singles.push_back(candidates[i].object);
    }
  }
  if (singles.size() == candidates.size()) return members;
  std::sort(singles.begin(), singles.end());
  for (std::uint32_t i = 0; i < graph.object_count(); ++i) {
    if (!at_top(results, i)) continue;
    const std::uint32_t group = place[index(graph.class_of(ObjectId{i}))];
    if (group == none || std::binary_search(singles.begin(), singles.end(), ObjectId{i})) continue;
    Members& set = members[group];
    // Evenly spaced: the k-th instance is taken when k·size/count enters a new whole number.
    const std::uint64_t count = candidates[group].instances;
    if (count <= sample_size || set.count * sample_size / count != (set.count + 1) * sample_size / count) {
      set.sample.push_back(ObjectId{i});
    }
    ++set.count;
    set.retained += results.retained_size[i];
    keep_biggest(set.biggest, results.retained_size, ObjectId{i}, limit);
  }
  return members;
}

}  // namespace analyzer
