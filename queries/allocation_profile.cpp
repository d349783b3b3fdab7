#include "queries/allocation_profile.h"

#include <algorithm>
#include <array>
#include <bit>

namespace queries {
namespace {

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9E37'79B9'7F4A'7C15;
  return hash ^ (hash >> 32);
}

}  // namespace

bool SiteTree::SameFrame::operator()(const SiteRow& a, const SiteRow& b) const {
  return a.function == b.function && a.file == b.file && a.module == b.module && a.line == b.line &&
         a.is_inlined == b.is_inlined;
}

std::size_t SiteTree::FrameHash::operator()(const SiteRow& row) const {
  const std::uint64_t hash = mix(row.function, (std::uint64_t{row.file} << 32) | row.module);
  return mix(hash, static_cast<std::uint32_t>(row.line) * 2u + (row.is_inlined ? 1u : 0u));
}

SiteTree::SiteTree() { text_number({}); }

std::uint32_t SiteTree::text_number(std::string_view text) {
  const auto [found, is_new] = text_numbers_.try_emplace(std::string(text), static_cast<std::uint32_t>(texts_.size()));
  if (is_new) texts_.push_back(found->first);
  return found->second;
}

std::uint32_t SiteTree::frame_number(const SiteRow& row) {
  const auto [found, is_new] = frame_numbers_.try_emplace(row, static_cast<std::uint32_t>(frames_.size()));
  if (is_new) {
    frames_.push_back(row);
    frames_.back().parent = no_site;
  }
  return found->second;
}

SiteId SiteTree::add(SiteId caller, const SiteFrame& frame) {
  return add({caller, text_number(frame.function), text_number(frame.file), text_number(frame.module), frame.line,
              frame.is_inlined});
}

SiteId SiteTree::append(SiteId caller, std::uint32_t frame) {
  nodes_.push_back({caller, frame});
  return SiteId{static_cast<std::uint32_t>(nodes_.size() - 1)};
}

std::size_t SiteTree::slot_of(const Node& node) const {
  const std::uint64_t hash = ((std::uint64_t{index(node.caller)} << 32) | node.frame) * 0x9E37'79B9'7F4A'7C15;
  return static_cast<std::size_t>(hash ^ (hash >> 32)) & (slots_.size() - 1);
}

/// All that append() has left, with room for as many again.
void SiteTree::reserve(std::size_t sites) {
  sites += nodes_.size();
  nodes_.reserve(sites);
  if (sites * 2 < slots_.size()) return;
  slots_.assign(std::bit_ceil(std::max<std::size_t>(sites * 2 + 1, 1024)), 0);
  indexed_ = 0;
}

void SiteTree::index_all() {
  if (nodes_.size() * 2 >= slots_.size()) {
    slots_.assign(std::bit_ceil(std::max<std::size_t>(nodes_.size() * 4, 1024)), 0);
    indexed_ = 0;
  }
  for (; indexed_ < nodes_.size(); ++indexed_) {
    std::size_t at = slot_of(nodes_[indexed_]);
    while (slots_[at] != 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = static_cast<std::uint32_t>(indexed_ + 1);
  }
}

SiteId SiteTree::add_numbered(SiteId caller, std::uint32_t frame) {
  if (indexed_ < nodes_.size() || nodes_.size() * 2 >= slots_.size()) index_all();
  const Node node{caller, frame};
  std::size_t at = slot_of(node);
  for (; slots_[at] != 0; at = (at + 1) & (slots_.size() - 1)) {
    const Node& known = nodes_[slots_[at] - 1];
    if (known.caller == caller && known.frame == frame) return SiteId{slots_[at] - 1};
  }
  nodes_.push_back(node);
  slots_[at] = static_cast<std::uint32_t>(nodes_.size());
  indexed_ = nodes_.size();
  return SiteId{static_cast<std::uint32_t>(nodes_.size() - 1)};
}

std::vector<SiteId> SiteTree::merge(const SiteTree& other) {
  std::vector<std::uint32_t> frames;
  frames.reserve(other.frames_.size());
  for (SiteRow row : other.frames_) {
    row.function = text_number(other.text(row.function));
    row.file = text_number(other.text(row.file));
    row.module = text_number(other.text(row.module));
    frames.push_back(frame_number(row));
  }
  std::vector<SiteId> here;
  here.reserve(other.size());
  for (const Node& node : other.nodes_) {  // parents come first
    here.push_back(add_numbered(node.caller == no_site ? no_site : here[index(node.caller)], frames[node.frame]));
  }
  return here;
}

SiteFrame SiteTree::frame_text(std::uint32_t frame) const {
  const SiteRow& row = frames_[frame];
  return {text(row.function), text(row.file), row.line, text(row.module), row.is_inlined};
}

std::string_view to_text(LeakKind kind) {
  static constexpr std::array<std::string_view, 6> texts{"at_end",   "definite", "direct",
                                                         "indirect", "possible", "reachable"};
  return texts[static_cast<std::size_t>(kind)];
}

std::string_view to_text(LifetimeClock clock) {
  static constexpr std::array<std::string_view, 4> texts{"bytes", "seconds", "instructions", "allocations"};
  return texts[static_cast<std::size_t>(clock)];
}

std::string_view to_text(GrowthVerdict verdict) {
  static constexpr std::array<std::string_view, 5> texts{"INSUFFICIENT DATA", "STABLE", "STEP", "WARMING UP",
                                                         "LEAKING"};
  return texts[static_cast<std::size_t>(verdict)];
}

std::string_view to_text(GrowthSubject subject) {
  static constexpr std::array<std::string_view, 3> texts{"series", "site", "class"};
  return texts[static_cast<std::size_t>(subject)];
}

void ProfileRecord::sum_total() {
  total = {};
  for (const SiteStatRow& row : stats) {
    for (std::int64_t SiteStatRow::*figure :
         {&SiteStatRow::allocation_count, &SiteStatRow::allocated_bytes, &SiteStatRow::live_count,
          &SiteStatRow::live_bytes, &SiteStatRow::peak_count, &SiteStatRow::peak_bytes, &SiteStatRow::temporary_count,
          &SiteStatRow::live_samples, &SiteStatRow::allocation_samples}) {
      total.*figure = add_known(total.*figure, row.*figure);
    }
  }
}

/// Every record and every point of a series gets the number of those before it.
void AllocationProfile::use_positions() {
  if (times_are_positions) return;
  times_are_positions = true;
  for (std::size_t i = 0; i < records.size(); ++i) records[i].t = static_cast<double>(i);
  for (Series& row : series) {
    for (std::size_t i = 0; i < row.points.size(); ++i) row.points[i].t = static_cast<double>(i);
  }
}

std::size_t AllocationProfile::positions() const {
  std::size_t most = records.size();
  for (const Series& row : series) most = std::max(most, row.points.size());
  return most;
}

void AllocationProfile::add_record_series() {
  if (records.size() < 2) return;
  struct Figure {
    std::string_view name, unit;
    std::int64_t SiteStatRow::*value;
  };
  static constexpr Figure figures[] = {{"live_bytes", "bytes", &SiteStatRow::live_bytes},
                                       {"live_count", "count", &SiteStatRow::live_count},
                                       {"allocated_bytes", "bytes", &SiteStatRow::allocated_bytes},
                                       {"allocation_count", "count", &SiteStatRow::allocation_count}};
  for (const Figure& figure : figures) {
    std::vector<SeriesPoint> points;
    for (const ProfileRecord& record : records) {
      const std::int64_t value = record.total.*figure.value;
      if (value != not_known) points.push_back({std::max(record.t, 0.0), static_cast<double>(value)});
    }
    if (points.size() < 2 || !series_named(figure.name, figure.unit).points.empty()) continue;
    series_named(figure.name, figure.unit).points = std::move(points);
  }
}

Series& AllocationProfile::series_named(std::string_view name, std::string_view unit) {
  for (Series& row : series) {
    if (row.name == name) return row;
  }
  series.push_back({std::string(name), std::string(unit), {}});
  return series.back();
}

void AllocationProfile::append(AllocationProfile later) {
  double shift = 0;
  if (start >= 0 && later.start >= 0 && !times_are_positions) {
    shift = later.start - start;
  } else {
    use_positions();
    later.use_positions();
    shift = static_cast<double>(positions());
  }
  for (ProfileRecord& record : later.records) record.t = std::max(record.t, 0.0) + shift;
  for (Series& row : later.series) {
    for (SeriesPoint& point : row.points) point.t += shift;
  }
  const std::vector<SiteId> here = sites.merge(later.sites);
  const auto rename = [&](auto& rows) {
    for (auto& row : rows) {
      if (row.site != no_site) row.site = here[index(row.site)];
    }
  };
  for (ProfileRecord& record : later.records) {
    rename(record.stats);
    rename(record.sizes);
    rename(record.leaks);
    rename(record.site_lifetimes);
    rename(record.lifetimes);
    rename(record.accesses);
    rename(record.access_offsets);
    records.push_back(std::move(record));
  }
  for (Series& row : later.series) {
    std::vector<SeriesPoint>& points = series_named(row.name, row.unit).points;
    points.insert(points.end(), row.points.begin(), row.points.end());
    std::stable_sort(points.begin(), points.end(),
                     [](const SeriesPoint& a, const SeriesPoint& b) { return a.t < b.t; });
  }
  std::stable_sort(records.begin(), records.end(),
                   [](const ProfileRecord& a, const ProfileRecord& b) { return a.t < b.t; });
  peak_rss_bytes = std::max(peak_rss_bytes, later.peak_rss_bytes);
  sampling.mean_interval_bytes = std::max(sampling.mean_interval_bytes, later.sampling.mean_interval_bytes);
  sizes_bucketed = sizes_bucketed || later.sizes_bucketed;
  usable_sizes = usable_sizes || later.usable_sizes;
  for (std::string& pattern : later.suppressions) {
    if (std::find(suppressions.begin(), suppressions.end(), pattern) == suppressions.end()) {
      suppressions.push_back(std::move(pattern));
    }
  }
}

}  // namespace queries
