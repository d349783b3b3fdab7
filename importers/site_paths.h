// Call paths of numbered frames as a prefix tree: for recorders that write the same few thousand frames a million
// times, so that a frame costs one look-up in a table of 4-byte slots, and its texts are touched once a site.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "importers/spread.h"
#include "queries/allocation_profile.h"

namespace importers {

class SitePaths {
 public:
  static constexpr std::uint32_t root = 0;  ///< the empty path

  SitePaths() : slots_(1024), nodes_{{root, 0}} {}

  /// The path `caller` with `frame` called from it. Amortized O(1).
  std::uint32_t add(std::uint32_t caller, std::uint32_t frame) {
    const Node node{caller, frame};
    for (std::size_t at = slot_of(node);; at = (at + 1) & (slots_.size() - 1)) {
      const std::uint32_t path = slots_[at];
      if (path == root) return insert(slots_[at], node);
      if (nodes_[path] == node) return path;
    }
  }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] std::uint32_t caller(std::uint32_t path) const { return nodes_[path].first; }
  [[nodiscard]] std::uint32_t frame(std::uint32_t path) const { return nodes_[path].second; }

  /// Sites of all paths in `tree`, by their numbers. `add(caller site, frame number)` makes the site of one frame, or
  /// of the several that are inlined there. Sites of distinct frames can be equal. O(paths).
  template <typename Add>
  [[nodiscard]] std::vector<queries::SiteId> sites(queries::SiteTree& tree, Add&& add) const {
    tree.reserve(nodes_.size());
    std::vector<queries::SiteId> sites{queries::no_site};
    sites.reserve(nodes_.size());
    for (std::size_t path = 1; path < nodes_.size(); ++path) {  // callers come first
      sites.push_back(add(sites[nodes_[path].first], nodes_[path].second));
    }
    return sites;
  }

 private:
  using Node = std::pair<std::uint32_t, std::uint32_t>;  // (caller, frame)

  [[nodiscard]] std::size_t slot_of(const Node& node) const {
    return spread((std::uint64_t{node.first} << 32) | node.second, slots_.size());
  }
  std::uint32_t insert(std::uint32_t& slot, const Node& node) {
    const auto path = static_cast<std::uint32_t>(nodes_.size());
    slot = path;
    nodes_.push_back(node);
    if (nodes_.size() * 2 > slots_.size()) grow();
    return path;
  }
  void grow() {
    slots_.assign(slots_.size() * 2, root);
    for (std::uint32_t path = 1; path < nodes_.size(); ++path) {
      std::size_t at = slot_of(nodes_[path]);
      while (slots_[at] != root) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = path;
    }
  }

  std::vector<std::uint32_t> slots_;  // paths, root = free; a power of two, at most half full
  std::vector<Node> nodes_;
};

}  // namespace importers
