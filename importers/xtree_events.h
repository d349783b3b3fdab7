// What the events of Valgrind's xtrees count (manual, "Memory profiling: xtree"), as our figures: those of
// --xtree-memory (curB, totB …) and of --xtree-leak (RB, PB, IB, DB, DIB and their blocks). Both in callgrind's format
// and as massif trees.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "importers/profile_import.h"
#include "queries/allocation_profile.h"

namespace importers {

/// Figures by event and site, until all are known. About 200 bytes per site.
class XtreeFigures {
 public:
  /// An event that is not ours adds nothing: bytes freed, increases and decreases between two leak searches.
  void add(queries::SiteId site, std::string_view event, std::uint64_t value);
  /// Adds all to the record: rows of stats and leaks, in the order of their sites' first figure. DB holds what only
  /// the lost blocks point to as well, which IB counts at its own site: definite = DB - DIB.
  void store(SiteRows& rows, queries::ProfileRecord& record) const;

 private:
  static constexpr std::size_t event_count = 13;
  struct Figures {
    queries::SiteId site = queries::no_site;
    std::array<std::int64_t, event_count> values{};
  };
  std::vector<Figures> figures_;
  std::unordered_map<std::uint32_t, std::size_t> of_site_;
  std::array<bool, event_count> has_event_{};
};

}  // namespace importers
