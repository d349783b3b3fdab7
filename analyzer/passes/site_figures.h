// The figures of a profile's newest record by allocation site, summed as a report wants them: by call path, by the
// frame that names the site, by function, file or module, down from the program's entry or up from a function.
//
// Exclusive figures (bottom-up, paths) count each allocation once and sum to the total. Inclusive ones (functions,
// top-down) count it in every function of its path.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "queries/allocation_profile.h"

namespace analyzer {

/// What is known of the allocations of one or several call paths.
struct SiteSums {
  queries::SiteStatRow stat;                       ///< .site: the path with the most bytes; .max_*: of that path alone
  std::int64_t leaked_count = queries::not_known;  ///< not suppressed; live at the end where only that is known
  std::int64_t leaked_bytes = queries::not_known;
  std::int64_t possible_bytes = queries::not_known;  ///< only the inside of it is pointed to
  std::int64_t suppressed_count = queries::not_known;
  std::int64_t suppressed_bytes = queries::not_known;
  std::int64_t freed_count = queries::not_known;  ///< of which the lifetimes are known
  double lifetime_sum = 0;                        ///< on ProfileFigures::clock
  std::int64_t read_bytes = queries::not_known;
  std::int64_t written_bytes = queries::not_known;
  std::uint64_t path_count = 1;

  void add(const SiteSums& other);
  /// Largest of what is known of bytes: which path speaks for a group.
  [[nodiscard]] std::int64_t weight() const;
  [[nodiscard]] double mean_lifetime() const;  ///< -1 = not known
};

/// A figure that reports list and sort by: the word is column, --sort and JSON key.
struct Figure {
  std::string_view name, label;
  bool is_bytes = false;
  std::int64_t (*value)(const SiteSums&) = nullptr;    ///< not_known = the record does not say
  std::int64_t (*samples)(const SiteSums&) = nullptr;  ///< that it is estimated from; nullptr = never sampled
};

[[nodiscard]] std::span<const Figure> figures();
[[nodiscard]] const Figure* find_figure(std::string_view name);
/// ± so many percent of the figure with 95 % confidence: 100 · 1.96 / √samples. -1 = counted exactly.
[[nodiscard]] double error_percent(const Figure& figure, const SiteSums& sums);

/// A figure of a subset of the allocations, as DHAT's viewer sorts by: of the tiny, the short-lived, the hardly read.
struct SortOrder {
  std::string_view name, label;
  const Figure* figure = nullptr;
  bool (*counts)(const SiteSums&) = nullptr;  ///< nullptr: every site
};
[[nodiscard]] std::span<const SortOrder> dhat_orders();

struct ProfileFigures {
  queries::AllocationProfile profile;
  std::vector<SiteSums> paths;  ///< one for each call path with figures, by site id
  SiteSums total;               ///< of the record: may be more than the paths sum to
  queries::LifetimeClock clock = queries::LifetimeClock::bytes;
  bool lifetimes_estimated = false;
  bool leaks_found = false;  ///< the recorder looked for pointers; else leaked = live at the end

  [[nodiscard]] bool empty() const { return paths.empty(); }
  [[nodiscard]] bool is_sampled() const { return profile.sampling.mean_interval_bytes > 0; }
  /// The frame that names a path: the innermost that is no allocator. no_site for no_site.
  [[nodiscard]] queries::SiteId naming(queries::SiteId leaf) const {
    return leaf == queries::no_site ? leaf : profile.naming[index(leaf)];
  }
};

/// Figures of the newest record. O(rows).
[[nodiscard]] ProfileFigures read_figures(queries::AllocationProfile profile);

enum class MergeBy : std::uint8_t { line, function, file, module };

/// Allocations that one frame (or function, file, module) names.
struct SiteGroup {
  std::string name;                ///< the function; "" where it is not part of the key
  std::string place;               ///< "server.cc:12", file or module
  queries::SiteId site{};          ///< the naming frame of the heaviest path
  SiteSums sums;                   ///< exclusive
  std::vector<std::size_t> paths;  ///< indices into ProfileFigures::paths, heaviest by `figure` first
};

/// Bottom-up groups, most of `order`'s figure first, then by name and place. O(paths · depth + groups log groups).
[[nodiscard]] std::vector<SiteGroup> group_sites(const ProfileFigures& figures, MergeBy merge, const SortOrder& order,
                                                 bool shorten);

struct FunctionSums {
  std::string name, place;
  SiteSums self;       ///< named by this function
  SiteSums inclusive;  ///< in it or below it, each allocation once however deep it recurses
};
/// Every function of every path, most of `figure` included first.
[[nodiscard]] std::vector<FunctionSums> sum_functions(const ProfileFigures& figures, const Figure& figure,
                                                      bool shorten);

/// A tree of frames: top-down from the entry, or the callers of a function upwards.
struct FrameNode {
  std::string name, place;
  std::size_t parent = 0;  ///< index; the root is its own
  std::size_t depth = 0;
  SiteSums inclusive;
  SiteSums self;  ///< paths that end here
};
/// Depth first, most of `figure` first among siblings; [0] is the root of all.
[[nodiscard]] std::vector<FrameNode> top_down_tree(const ProfileFigures& figures, const Figure& figure, bool shorten);
/// The paths through functions of which the name (with or without parameters) is `function`; [0] is the function, its
/// children its callers. Empty when no path has it.
[[nodiscard]] std::vector<FrameNode> callers_tree(const ProfileFigures& figures, const Figure& figure,
                                                  std::string_view function, bool shorten);

}  // namespace analyzer
