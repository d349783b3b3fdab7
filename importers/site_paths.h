// Call paths of numbered frames as a prefix tree: for recorders that write the same few thousand frames a million
// times, so that a frame costs one look-up in a table of 16-byte slots, and its texts are touched once a site.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "queries/allocation_profile.h"

namespace importers {

class SitePaths {
 public:
  static constexpr std::uint32_t root = 0;  ///< the empty path

  SitePaths() : slots_(1024), nodes_{{root, 0}} {}

  /// The path `caller` with `frame` called from it. Amortized O(1).
  std::uint32_t add(std::uint32_t caller, std::uint32_t frame) {
    const std::uint64_t key = (std::uint64_t{caller} << 32) | frame;
    for (std::size_t at = slot_of(key);; at = (at + 1) & (slots_.size() - 1)) {
      Slot& slot = slots_[at];
      if (slot.path == root) return insert(slot, key);
      if (slot.key == key) return slot.path;
    }
  }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] std::uint32_t caller(std::uint32_t path) const { return nodes_[path].first; }
  [[nodiscard]] std::uint32_t frame(std::uint32_t path) const { return nodes_[path].second; }

  /// Sites of all paths, by their numbers. `add(caller site, frame number)` makes the site of one frame, or of the
  /// several that are inlined there. Sites of distinct frames can be equal. O(paths).
  template <typename Add>
  [[nodiscard]] std::vector<queries::SiteId> sites(Add&& add) const {
    std::vector<queries::SiteId> sites{queries::no_site};
    sites.reserve(nodes_.size());
    for (std::size_t path = 1; path < nodes_.size(); ++path) {  // callers come first
      sites.push_back(add(sites[nodes_[path].first], nodes_[path].second));
    }
    return sites;
  }

 private:
  struct Slot {
    std::uint64_t key = 0;
    std::uint32_t path = root;  // root = free
  };
  [[nodiscard]] std::size_t slot_of(std::uint64_t key) const {
    const std::uint64_t hash = key * 0x9E37'79B9'7F4A'7C15;
    return static_cast<std::size_t>(hash ^ (hash >> 32)) & (slots_.size() - 1);
  }
  std::uint32_t insert(Slot& slot, std::uint64_t key) {
    const auto path = static_cast<std::uint32_t>(nodes_.size());
    slot = {key, path};
    nodes_.emplace_back(static_cast<std::uint32_t>(key >> 32), static_cast<std::uint32_t>(key));
    if (nodes_.size() * 2 > slots_.size()) grow();
    return path;
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.path == root) continue;
      std::size_t at = slot_of(slot.key);
      while (slots_[at].path != root) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = slot;
    }
  }

  std::vector<Slot> slots_;                                     // a power of two, at most half full
  std::vector<std::pair<std::uint32_t, std::uint32_t>> nodes_;  // (caller, frame)
};

}  // namespace importers
