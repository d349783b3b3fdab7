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

std::vector<std::pair<queries::ObjectId, std::uint64_t>> Claims::take_live_prefix() {
  std::sort(live_prefix_.begin(), live_prefix_.end(),
            [](const auto& a, const auto& b) { return a.first != b.first ? a.first < b.first : a.second > b.second; });
  live_prefix_.erase(std::unique(live_prefix_.begin(), live_prefix_.end(),
                                 [](const auto& a, const auto& b) { return a.first == b.first; }),
                     live_prefix_.end());
  return std::move(live_prefix_);
}

}  // namespace importers::native
