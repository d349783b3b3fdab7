// Makes allocation profiles for tests: call paths from the outermost frame on, and what was allocated there.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "queries/allocation_profile.h"
#include "queries/snapshot.h"

namespace tests {

struct Allocated {
  std::int64_t count = 0, bytes = 0;            ///< calls and bytes of all of them
  std::int64_t live_count = 0, live_bytes = 0;  ///< at the end
  std::int64_t peak_count = 0, peak_bytes = 0;
  std::int64_t temporary = 0;
};

/// Copies are of the same profile.
class ProfileBuilder {
 public:
  ProfileBuilder() {
    profile_->records.emplace_back();
    profile_->seconds = 2;
  }

  /// "main" is in main.cc, line 10 + its position: lines tell frames of one function apart.
  queries::SiteId path(std::initializer_list<std::string_view> outermost_first) {
    queries::SiteId at = queries::no_site;
    std::int32_t line = 10;
    for (const std::string_view function : outermost_first) {
      const bool is_library = function == "malloc" || function.starts_with("operator new");
      at = profile_->sites.add(
          at, {function, is_library ? std::string_view{} : std::string_view("main.cc"), is_library ? 0 : line,
               is_library ? "/usr/lib/libc.so.6" : "/usr/bin/server", false});
      ++line;
    }
    return at;
  }

  ProfileBuilder& allocate(std::initializer_list<std::string_view> outermost_first, const Allocated& what) {
    const queries::SiteId site = path(outermost_first);
    queries::ProfileRecord& record = profile_->records.back();
    queries::SiteStatRow row;
    row.site = site;
    row.allocation_count = what.count;
    row.allocated_bytes = what.bytes;
    row.live_count = what.live_count;
    row.live_bytes = what.live_bytes;
    row.peak_count = what.peak_count;
    row.peak_bytes = what.peak_bytes;
    row.temporary_count = what.temporary;
    record.stats.push_back(row);
    if (what.count > 0) {
      record.sizes.push_back({site, static_cast<std::uint64_t>(what.bytes / what.count), what.count, what.bytes,
                              what.live_count, what.live_bytes, what.peak_count, what.peak_bytes, what.temporary});
    }
    if (what.live_count > 0) {
      record.leaks.push_back({site, queries::LeakKind::at_end, what.live_count, what.live_bytes, ""});
    }
    return *this;
  }

  /// As if one allocation in `mean_interval` bytes had been seen, `samples` of each path.
  ProfileBuilder& sampled(double mean_interval, std::int64_t samples) {
    profile_->sampling.mean_interval_bytes = mean_interval;
    for (queries::SiteStatRow& row : profile_->records.back().stats)
      row.live_samples = row.allocation_samples = samples;
    return *this;
  }

  [[nodiscard]] queries::AllocationProfile& profile() { return *profile_; }

  /// A snapshot of it, as an importer would leave it.
  [[nodiscard]] queries::Snapshot snapshot() {
    profile_->records.back().sum_total();
    queries::Snapshot snapshot;
    snapshot.path = "server.trace";
    snapshot.format = "trace";
    snapshot.profile = profile_;
    snapshot.meta.emplace_back("kind", "allocation_profile");
    return snapshot;
  }

 private:
  std::shared_ptr<queries::AllocationProfile> profile_ = std::make_shared<queries::AllocationProfile>();
};

/// A server that leaks sessions, keeps a cache, and formats in temporary strings; 1,110 allocations, 35,400 bytes.
inline ProfileBuilder small_server() {
  ProfileBuilder builder;
  builder.allocate({"main", "serve(int)", "Session::open()", "operator new(unsigned long)", "malloc"},
                   {100, 10'000, 100, 10'000, 80, 8'000, 0});
  builder.allocate({"main", "serve(int)", "Cache<int, long>::put(int)", "malloc"}, {10, 400, 5, 200, 10, 400, 0});
  builder.allocate({"main", "serve(int)", "format(char const*)", "malloc"}, {900, 18'000, 0, 0, 1, 20, 890});
  builder.allocate({"main", "Session::open()", "operator new(unsigned long)", "malloc"}, {100, 7'000, 0, 0, 0, 0, 0});
  return builder;
}

}  // namespace tests
