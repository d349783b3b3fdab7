// What a record of a program's allocations says, whatever made it: an allocation trace (heaptrack, memray, mtrace), a
// heap profile (pprof, jemalloc, massif, DHAT), a leak report (memcheck, LeakSanitizer) or a growth series (RSS,
// smaps). The rows of the tables site, site_stat, site_size, site_leak, site_lifetime, lifetime, site_access and series
// (schema.sql). Importers fill it, passes read it, the store writes it.
//
// Memory: 8 bytes per site and 8 to 16 for its look-up, 20 per distinct frame, 112 per site and record for its figures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace queries {

/// A frame of a call path. Equal to `site.id`.
enum class SiteId : std::uint32_t {};
inline constexpr SiteId no_site{0xFFFF'FFFFu};
constexpr std::uint32_t index(SiteId id) { return static_cast<std::uint32_t>(id); }

/// A figure that the record does not give: NULL in the database, never 0. Figures are signed, as differences of two
/// profiles have negative ones.
inline constexpr std::int64_t not_known = std::numeric_limits<std::int64_t>::min();

/// a + b, where what is not known adds nothing; not known only if both are.
[[nodiscard]] constexpr std::int64_t add_known(std::int64_t a, std::int64_t b) {
  if (a == not_known) return b;
  if (b == not_known) return a;
  std::int64_t sum = 0;  // a damaged file can say anything: the largest figure, not a wrapped one
  if (!__builtin_add_overflow(a, b, &sum) && sum != not_known) return sum;
  return a < 0 ? not_known + 1 : std::numeric_limits<std::int64_t>::max();
}

/// A frame as a recorder names it; empty text and line 0 = not known. A frame of which only the address is known has
/// the address as its function ("0x7f31c0a1b2").
struct SiteFrame {
  std::string_view function;
  std::string_view file;
  std::int32_t line = 0;
  std::string_view module;
  bool is_inlined = false;
};

struct SiteRow {
  SiteId parent = no_site;  ///< the caller, of a smaller id; no_site = outermost
  std::uint32_t function = 0;
  std::uint32_t file = 0;
  std::uint32_t module = 0;  ///< numbers of SiteTree::text(), 0 = ""
  std::int32_t line = 0;
  bool is_inlined = false;
};

/// Call paths as a prefix tree: equal paths are one site, whatever the addresses of their instructions. Programs have a
/// few thousand distinct frames and up to millions of sites: a site is its caller and a frame's number.
class SiteTree {
 public:
  SiteTree();
  SiteTree(SiteTree&&) = default;
  SiteTree& operator=(SiteTree&&) = default;
  /// The site of `frame` called by `caller` (no_site: nobody). O(length of the texts).
  SiteId add(SiteId caller, const SiteFrame& frame);
  /// The site of a whole path, innermost frame first, as most recorders print it; no_site when it is empty.
  template <typename Frames>
  SiteId add_path(const Frames& innermost_first) {
    SiteId site = no_site;
    for (auto frame = innermost_first.rbegin(); frame != innermost_first.rend(); ++frame) site = add(site, *frame);
    return site;
  }
  /// The same by numbers of text_number(), for recorders that number their texts: no text is looked at.
  SiteId add(const SiteRow& row) { return add_numbered(row.parent, frame_number(row)); }
  std::uint32_t text_number(std::string_view text);
  /// Room for so many more sites, at once instead of by growing.
  void reserve(std::size_t sites);
  /// The number of a row's frame, whoever calls it. Ascending from 0 as they are first seen.
  std::uint32_t frame_number(const SiteRow& row);
  /// The site of a frame of frame_number(). Amortized O(1), one look-up.
  SiteId add_numbered(SiteId caller, std::uint32_t frame);
  /// The same for a path that is known to be new: it is not looked up. What asks for a site later pays for it.
  SiteId append(SiteId caller, std::uint32_t frame);
  /// Adds every site of `other`; returns its ids here, by their ids there. O(sites).
  std::vector<SiteId> merge(const SiteTree& other);

  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] std::size_t frame_count() const { return frames_.size(); }
  [[nodiscard]] SiteRow operator[](SiteId id) const {
    SiteRow row = frames_[nodes_[index(id)].frame];
    row.parent = nodes_[index(id)].caller;
    return row;
  }
  [[nodiscard]] SiteId caller(SiteId id) const { return nodes_[index(id)].caller; }
  [[nodiscard]] std::uint32_t frame_of(SiteId id) const { return nodes_[index(id)].frame; }
  /// Without a parent.
  [[nodiscard]] const SiteRow& frame_row(std::uint32_t frame) const { return frames_[frame]; }
  [[nodiscard]] std::string_view text(std::uint32_t number) const { return texts_[number]; }
  [[nodiscard]] SiteFrame frame(SiteId id) const { return frame_text(frame_of(id)); }
  [[nodiscard]] SiteFrame frame_text(std::uint32_t frame) const;

 private:
  struct Node {
    SiteId caller = no_site;
    std::uint32_t frame = 0;
  };
  struct FrameHash {
    std::size_t operator()(const SiteRow& row) const;
  };
  struct SameFrame {
    bool operator()(const SiteRow& a, const SiteRow& b) const;
  };
  [[nodiscard]] std::size_t slot_of(const Node& node) const;
  void index_all();

  std::vector<Node> nodes_;
  std::vector<std::uint32_t> slots_;  // site + 1, 0 = free; a power of two, at most half full; linear probing
  std::size_t indexed_ = 0;           // the first sites, which slots_ has
  std::vector<SiteRow> frames_;
  std::unordered_map<SiteRow, std::uint32_t, FrameHash, SameFrame> frame_numbers_;
  std::vector<std::string_view> texts_;  // views of the keys below, which stay where they are
  std::unordered_map<std::string, std::uint32_t> text_numbers_;
};

/// Figures of the allocations whose path ends in `site`, in one record. no_site: path not recorded, below the
/// recorder's threshold; it is stored as a site named "(unknown)", so that parts sum to the total.
struct SiteStatRow {
  SiteId site = no_site;
  std::int64_t allocation_count = not_known;  ///< calls of malloc, calloc, realloc, new …; a realloc is one call
  std::int64_t allocated_bytes = not_known;   ///< as requested, or as the record counts (see its meta rows)
  std::int64_t live_count = not_known;        ///< at the end of the record
  std::int64_t live_bytes = not_known;
  std::int64_t peak_count = not_known;  ///< live when the whole program was at its peak
  std::int64_t peak_bytes = not_known;
  std::int64_t max_count = not_known;  ///< the site's own peak
  std::int64_t max_bytes = not_known;
  std::int64_t temporary_count = not_known;  ///< freed before the next allocation of anything (queries/README.md)
  std::int64_t live_samples = not_known;     ///< sampled profiles: objects seen; the figures above are estimates
  std::int64_t allocation_samples = not_known;
};

/// By requested size. `size` is exact, or the largest of its bucket (AllocationProfile::sizes_bucketed).
struct SiteSizeRow {
  SiteId site = no_site;
  std::uint64_t size = 0;
  std::int64_t allocation_count = not_known;
  std::int64_t allocated_bytes = not_known;
  std::int64_t live_count = not_known;
  std::int64_t live_bytes = not_known;
  std::int64_t peak_count = not_known;
  std::int64_t peak_bytes = not_known;
  std::int64_t temporary_count = not_known;
};

enum class LeakKind : std::uint8_t {
  at_end,     ///< live when the record ended; whether anything still points to it is not known
  definite,   ///< nothing points to it (memcheck)
  direct,     ///< the same (LeakSanitizer)
  indirect,   ///< only leaked blocks point to it
  possible,   ///< only the inside of it is pointed to
  reachable,  ///< something points to it: not lost
};
[[nodiscard]] std::string_view to_text(LeakKind);  ///< "at_end", "definite", …

struct SiteLeakRow {
  SiteId site = no_site;
  LeakKind kind = LeakKind::at_end;
  std::int64_t object_count = 0;
  std::int64_t bytes = 0;
  std::string suppression;  ///< the pattern that hides it, "" = none
};

/// What an age is measured in.
enum class LifetimeClock : std::uint8_t { bytes, seconds, instructions, allocations };
[[nodiscard]] std::string_view to_text(LifetimeClock);

struct SiteLifetimeRow {
  SiteId site = no_site;
  LifetimeClock clock = LifetimeClock::bytes;
  std::int64_t freed_count = 0;
  double lifetime_sum = 0;    ///< of the freed ones
  bool is_estimated = false;  ///< the mean is exact, which block lived how long is not known
};

/// One bucket of ages at death.
struct LifetimeRow {
  SiteId site = no_site;  ///< no_site: of the whole program
  LifetimeClock clock = LifetimeClock::bytes;
  double age_below = std::numeric_limits<double>::infinity();  ///< infinity: not freed in the record
  std::int64_t object_count = 0;
  std::int64_t bytes = 0;
  bool is_estimated = false;
};

struct SiteAccessRow {
  SiteId site = no_site;
  std::int64_t read_bytes = not_known;
  std::int64_t written_bytes = not_known;
};

struct SiteAccessOffsetRow {
  SiteId site = no_site;
  std::uint64_t offset = 0;  ///< in the block
  std::int64_t access_count = 0;
};

/// One moment at which a record was taken, or the whole time of a trace.
struct ProfileRecord {
  std::string path;
  std::int64_t taken_at_ms = -1;  ///< Unix time, -1 = not known
  double t = -1;                  ///< seconds since the first record of the series, -1 = not known
  std::vector<SiteStatRow> stats;
  std::vector<SiteSizeRow> sizes;
  std::vector<SiteLeakRow> leaks;
  std::vector<SiteLifetimeRow> site_lifetimes;
  std::vector<LifetimeRow> lifetimes;  ///< ascending age_below within (site, clock)
  std::vector<SiteAccessRow> accesses;
  std::vector<SiteAccessOffsetRow> access_offsets;
  SiteStatRow total;  ///< of the stats, unless the importer knows better: see sum_total()

  /// Sums `stats` into `total`. max_* and peak_* as well: of one moment only peak_* is a peak.
  void sum_total();
};

/// A value over time: a row of `series`.
struct SeriesPoint {
  double t = 0;  ///< seconds from the start of the record
  double value = 0;
};
struct Series {
  std::string name;                 ///< "live_bytes", "allocated_bytes", "rss_bytes", "free_bytes" …
  std::string unit;                 ///< "bytes", "count"
  std::vector<SeriesPoint> points;  ///< ascending t
};

enum class GrowthVerdict : std::uint8_t { insufficient_data, stable, step, warming_up, leaking };
[[nodiscard]] std::string_view to_text(GrowthVerdict);  ///< "INSUFFICIENT DATA", "STABLE", "STEP", "WARMING UP", …

/// What a value does over time; per hour, 0 where there is not enough to tell; no percent
/// where the fit begins at 0 or below.
struct Growth {
  GrowthVerdict verdict = GrowthVerdict::insufficient_data;
  double per_hour = 0;      ///< Theil–Sen slope of the lower envelope
  double per_hour_low = 0;  ///< 95 % interval
  double per_hour_high = 0;
  double percent_per_hour = std::numeric_limits<double>::quiet_NaN();  ///< of the fitted value at the beginning
  double p = 1;                                                        ///< Mann–Kendall, Hamed–Rao
  double q = 1;  ///< p with the number of series that were asked accounted for
  double tau = 0;
  double r2 = 0;               ///< of a least-squares line through all points
  double first = 0, last = 0;  ///< values
  double seconds = 0;          ///< from the first point to the last
  std::uint64_t point_count = 0;
  std::uint64_t window_count = 0;  ///< of the envelope; = points when there are few
  double hours_to_limit = -1;      ///< -1 = no limit was given, or it is not growing
};

enum class GrowthSubject : std::uint8_t { series, site, type };
[[nodiscard]] std::string_view to_text(GrowthSubject);  ///< "series", "site", "class"

struct GrowthRow {
  GrowthSubject subject = GrowthSubject::series;
  std::string name;  ///< of a series or class; "" = see site
  SiteId site = no_site;
  bool is_primary = false;  ///< the series that speaks for the whole process
  std::string unit = "bytes";
  Growth growth;
};

/// How a sampled profile was sampled.
struct Sampling {
  double mean_interval_bytes = 0;  ///< one sample in so many allocated bytes on average; 0 = every allocation counted
};

/// A suppression of leaks and what it hides in the newest record.
struct SuppressionRow {
  std::string pattern;  ///< LeakSanitizer's syntax, without "leak:"
  std::string source;   ///< file, "embedded" or "built-in"
  std::int64_t leak_count = 0;
  std::int64_t bytes = 0;
};

struct AllocationProfile {
  SiteTree sites;
  std::vector<ProfileRecord> records;  ///< in time order, at least one unless there are only series
  std::vector<Series> series;
  std::vector<GrowthRow> growth;  ///< found by a pass, most bytes per hour first
  Sampling sampling;
  double start = -1;  ///< Unix time of t = 0, -1 = not known
  /// Times of records are their positions: no clock was recorded, so growth has an order but no rate.
  bool times_are_positions = false;
  double seconds = -1;  ///< length of the record, -1 = not known
  /// Resident set at most, of all that the record says; the series `rss_bytes` may have fewer points.
  std::int64_t peak_rss_bytes = not_known;
  bool sizes_bucketed = false;  ///< SiteSizeRow::size is the largest of a bucket
  bool usable_sizes = false;    ///< bytes are what the allocator gave (rounded up), not what was asked for
  /// Suppressions that came with the record, in LeakSanitizer's syntax without "leak:".
  std::vector<std::string> suppressions;
  /// By site: the frame from it outwards that names the allocations of its path. Found by a pass; empty = itself.
  std::vector<SiteId> naming;
  std::vector<SuppressionRow> suppression_rows;  ///< all that were tried, in their order

  [[nodiscard]] Series& series_named(std::string_view name, std::string_view unit);
  /// Appends the records and series of a later profile of the same kind: a series of dumps. Where either start is not
  /// known, times become positions. O(sites + rows).
  void append(AllocationProfile later);
  /// Of several records: the series that their totals make (live_bytes, live_count, allocated_bytes, allocation_count),
  /// where the input has none of that name.
  void add_record_series();

 private:
  void use_positions();
  [[nodiscard]] std::size_t positions() const;
};

}  // namespace queries
