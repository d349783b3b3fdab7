#include "importers/native_claims.h"

#include <algorithm>
#include <array>

namespace importers::native {

std::string_view to_text(Shape shape) {
  static constexpr std::array<std::string_view, shape_count> names{
      "",
      "",
      "std::string body",
      "std::vector body",
      "std::list node",
      "node of a doubly linked list",
      "std::map/set node",
      "std::unordered_map/set node",
      "std::unordered_map/set buckets",
      "std::deque map",
      "std::deque block",
      "",
  };
  return names[static_cast<std::size_t>(shape)];
}

/// Live prefixes are sorted by now.
bool Claims::is_dead(std::uint64_t address) const {
  const Blocks::Hit holder = blocks_.find(address);
  if (holder.id == queries::no_object) return false;
  const auto at = std::lower_bound(live_prefix_.begin(), live_prefix_.end(), holder.id,
                                   [](const auto& prefix, queries::ObjectId id) { return prefix.first < id; });
  return at != live_prefix_.end() && at->first == holder.id && holder.offset >= at->second;
}

std::vector<std::pair<queries::ObjectId, std::uint64_t>> Claims::settle() {
  std::sort(live_prefix_.begin(), live_prefix_.end(),
            [](const auto& a, const auto& b) { return a.first != b.first ? a.first < b.first : a.second > b.second; });
  live_prefix_.erase(std::unique(live_prefix_.begin(), live_prefix_.end(),
                                 [](const auto& a, const auto& b) { return a.first == b.first; }),
                     live_prefix_.end());
  for (const auto& [id, rival] : rivals_) {
    if (is_dead(header(id)) && !is_dead(rival)) claim(id, shape(id), rival);
  }
  rivals_.clear();
  return std::move(live_prefix_);
}

}  // namespace importers::native
