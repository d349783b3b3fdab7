// Live mappings of a trace that has mmap and munmap: munmap may end a part of one, or several. For AllocationTracker,
// which knows whole blocks only.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "importers/allocation_events.h"
#include "importers/allocation_tracker.h"
#include "queries/allocation_profile.h"

namespace importers {

/// O(log mappings) a call, and as much for every mapping that a munmap cuts.
class MappedRanges {
 public:
  /// `events`: gets a row for each mapping and for each part of one that ends; nullptr = nobody wants them.
  MappedRanges(AllocationTracker& tracker, BlockEvents* events) : tracker_(tracker), events_(events) {}

  /// A new mapping ends what it overlaps, as the kernel does.
  void map(std::uint64_t address, std::uint64_t size, queries::SiteId site);
  void unmap(std::uint64_t address, std::uint64_t size);
  /// What is left of a cut mapping is counted as an allocation again by the tracker: takes those out of `record`.
  void correct(queries::ProfileRecord& record) const;

 private:
  struct Range {
    std::uint64_t end = 0;
    queries::SiteId site = queries::no_site;
  };
  struct Rest {
    std::uint64_t size = 0;
    queries::SiteId site = queries::no_site;
  };
  void add(std::uint64_t start, std::uint64_t end, queries::SiteId site);
  /// Ends mappings, or their parts, from `address` on; whether there were any.
  bool end(std::uint64_t address, std::uint64_t end);
  void end_part(std::uint64_t start, const Range& range, std::uint64_t from, std::uint64_t to);

  AllocationTracker& tracker_;
  BlockEvents* events_;
  std::map<std::uint64_t, Range> ranges_;  // by start, none overlaps another; few, and found by neighbours
  std::vector<Rest> rests_;
};

}  // namespace importers
