// Retained sizes of sets: of all groups of objects at once (the instances of each class, the members of each
// component). A group retains what its top-most members retain: those without another member of the group above them in
// the dominator tree. (The lower bound that Eclipse MAT shows as "≥"; exact retained sets need a traversal per group.)
//
// One walk over the dominator tree in preorder with the stack of open ancestors; per group the open member, if any.
// O(n), work memory 4 bytes per level of the tree + 12 per group.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "queries/ids.h"

namespace analyzer {

inline constexpr std::uint32_t no_group = 0xFFFF'FFFFu;

/// `tree`: reached objects in preorder of the dominator tree; `dominator`, `retained`: by object; `group_of(ObjectId)`:
/// 0 … groups-1 or no_group. Result by group.
template <typename GroupOf>
std::vector<std::uint64_t> find_retained_sets(std::span<const queries::ObjectId> tree,
                                              std::span<const queries::ObjectId> dominator,
                                              std::span<const std::uint64_t> retained, std::size_t groups,
                                              GroupOf group_of) {
  using queries::ObjectId;
  struct Open {
    ObjectId object;
    std::uint32_t group;  // that this object is the top-most open member of, or no_group
  };
  constexpr std::size_t ahead = 16;
  std::vector<std::uint64_t> bytes(groups, 0);
  std::vector<bool> is_open(groups, false);
  std::vector<Open> path;
  for (std::size_t at = 0; at < tree.size(); ++at) {
    if (at + ahead < tree.size()) {
      const std::uint32_t soon = index(tree[at + ahead]);
      __builtin_prefetch(&dominator[soon]);
      __builtin_prefetch(&retained[soon]);
    }
    const ObjectId id = tree[at];
    const ObjectId above = dominator[index(id)];
    while (!path.empty() && path.back().object != above) {
      if (path.back().group != no_group) is_open[path.back().group] = false;
      path.pop_back();
    }
    const std::uint32_t group = group_of(id);
    const bool is_top = group != no_group && !is_open[group];
    if (is_top) {
      is_open[group] = true;
      bytes[group] += retained[index(id)];
    }
    path.push_back({id, is_top ? group : no_group});
  }
  return bytes;
}

}  // namespace analyzer
