// An allocation trace computed the slow and obvious way: every block in a map, every moment looked at. What
// importers/allocation_tracker.h must agree with.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace tests {

struct TraceEvent {
  bool is_allocation = false;
  std::uint64_t address = 0;
  std::uint64_t size = 0;  ///< allocations
  std::uint32_t site = 0;
};

struct NaiveFigures {
  std::int64_t allocation_count = 0, allocated_bytes = 0, live_count = 0, live_bytes = 0, peak_count = 0,
               peak_bytes = 0, max_bytes = 0, temporary_count = 0, freed_count = 0;
  double age_bytes = 0;
};

class NaiveTrace {
 public:
  explicit NaiveTrace(const std::vector<TraceEvent>& events) {
    std::map<std::uint64_t, Block> live;
    std::int64_t live_bytes = 0;
    for (std::size_t i = 0; i < events.size(); ++i) {
      const TraceEvent& event = events[i];
      if (!event.is_allocation) {
        const auto found = live.find(event.address);
        if (found == live.end()) {
          ++unknown_frees;
          continue;
        }
        const Block block = found->second;
        live.erase(found);
        NaiveFigures& site = sites[block.site];
        const bool was_just_allocated = i > 0 && block.event == i - 1;
        for (NaiveFigures* figures : {&site, &by_size[{block.site, block.size}], &total}) {
          figures->temporary_count += was_just_allocated;
          figures->freed_count += 1;
          figures->live_count -= 1;
          figures->live_bytes -= static_cast<std::int64_t>(block.size);
          figures->age_bytes += static_cast<double>(allocated_ - block.born);
        }
        ages.emplace_back(allocated_ - block.born, block.size);
        live_bytes -= static_cast<std::int64_t>(block.size);
        continue;
      }
      allocated_ += event.size;
      live[event.address] = {event.size, event.site, allocated_, i};
      live_bytes += static_cast<std::int64_t>(event.size);
      for (NaiveFigures* figures : {&sites[event.site], &by_size[{event.site, event.size}], &total}) {
        figures->allocation_count += 1;
        figures->allocated_bytes += static_cast<std::int64_t>(event.size);
        figures->live_count += 1;
        figures->live_bytes += static_cast<std::int64_t>(event.size);
        figures->max_bytes = std::max(figures->max_bytes, figures->live_bytes);
      }
      if (live_bytes > peak_) {
        peak_ = live_bytes;
        for (auto& [site, figures] : sites) take_peak(figures);
        for (auto& [key, figures] : by_size) take_peak(figures);
        take_peak(total);
      }
    }
  }

  std::map<std::uint32_t, NaiveFigures> sites;
  std::map<std::pair<std::uint32_t, std::uint64_t>, NaiveFigures> by_size;
  NaiveFigures total;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ages;  ///< of freed blocks, and their sizes
  std::uint64_t unknown_frees = 0;

 private:
  struct Block {
    std::uint64_t size = 0;
    std::uint32_t site = 0;
    std::uint64_t born = 0;  // bytes allocated, its own included
    std::size_t event = 0;
  };
  static void take_peak(NaiveFigures& figures) {
    figures.peak_count = figures.live_count;
    figures.peak_bytes = figures.live_bytes;
  }
  std::uint64_t allocated_ = 0;
  std::int64_t peak_ = 0;
};

}  // namespace tests
