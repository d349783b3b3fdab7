// Passes: names as texts of the site tree; samples as paths of numbered locations with their values; paths as sites;
// values as figures of sites. Go's figures are scaled up from its samples already, so how many samples there were is
// calculated back (the formula of its own scaling).
#include "importers/pprof_importer.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <unordered_map>

#include "formats/pprof.h"
#include "importers/address_frames.h"
#include "importers/profile_import.h"
#include "importers/profile_symbols.h"
#include "importers/sampled_figures.h"
#include "importers/site_paths.h"
#include "importers/take_damage.h"
#include "importers/utc_text.h"

namespace importers {
namespace {

namespace pprof = formats::pprof;
using queries::SiteId;
using queries::SiteStatRow;

enum class Figure : std::uint8_t {
  allocation_count,
  allocated_bytes,
  live_count,
  live_bytes,
  peak_count,
  peak_bytes,
  leaked_count,
  leaked_bytes,
  allocation_samples,
  live_samples
};
constexpr std::size_t figure_count = 10;

struct KnownType {
  std::string_view name;
  Figure figure;
};
constexpr std::array<KnownType, 22> known_types{{
    {"alloc_objects", Figure::allocation_count},  // Go
    {"alloc_space", Figure::allocated_bytes},     //
    {"inuse_objects", Figure::live_count},        // Go, Rust (jemalloc_pprof), Java heapz
    {"inuse_space", Figure::live_bytes},          //
    {"objects", Figure::live_count},              // gperftools, Node
    {"space", Figure::live_bytes},                //
    {"alloc-samples", Figure::allocation_count},  // Datadog's profilers
    {"alloc-space", Figure::allocated_bytes},     //
    {"heap-live-samples", Figure::live_count},    //
    {"heap-live-size", Figure::live_bytes},       //
    {"inuse-objects", Figure::live_count},        //
    {"inuse-space", Figure::live_bytes},          //
    {"allocations", Figure::allocation_count},    // dd-trace, pyroscope
    {"allocated", Figure::allocated_bytes},       //
    {"memory", Figure::allocated_bytes},          //
    {"bytes", Figure::allocated_bytes},           //
    {"peak_objects", Figure::peak_count},         // heapql export
    {"peak_space", Figure::peak_bytes},           //
    {"leaked_objects", Figure::leaked_count},     //
    {"leaked_space", Figure::leaked_bytes},       //
    {"allocation_samples", Figure::allocation_samples},
    {"live_samples", Figure::live_samples},
}};
constexpr std::array<Figure, 4> go_order{Figure::allocation_count, Figure::allocated_bytes, Figure::live_count,
                                         Figure::live_bytes};

/// Which value of a sample is which figure; none_here: no value.
struct FigureColumns {
  static constexpr std::size_t none_here = ~std::size_t{0};
  FigureColumns() { value.fill(none_here); }
  std::array<std::size_t, figure_count> value;
  [[nodiscard]] bool has(Figure figure) const { return value[static_cast<std::size_t>(figure)] != none_here; }
  [[nodiscard]] bool any() const { return value != FigureColumns{}.value; }
  void set(Figure figure, std::size_t at) {
    if (!has(figure)) value[static_cast<std::size_t>(figure)] = at;
  }
  [[nodiscard]] std::int64_t of(Figure figure, const pprof::Sample& sample) const {
    return has(figure) ? signed_figure(sample.values[value[static_cast<std::size_t>(figure)]]) : queries::not_known;
  }
};

FigureColumns find_columns(const pprof::Profile& profile) {
  FigureColumns columns;
  for (std::size_t i = 0; i < profile.sample_types.size(); ++i) {
    const std::string_view name = profile.text(profile.sample_types[i].type);
    const auto* const known =
        std::find_if(known_types.begin(), known_types.end(), [&](const KnownType& type) { return type.name == name; });
    if (known != known_types.end()) columns.set(known->figure, i);
  }
  return columns;
}

std::string type_text(const pprof::Profile& profile, const pprof::ValueType& type) {
  std::string text(profile.text(type.type));
  if (const std::string_view unit = profile.text(type.unit); !unit.empty()) text.append("/").append(unit);
  return text;
}

std::string sample_types_text(const pprof::Profile& profile) {
  std::string text;
  for (const pprof::ValueType& type : profile.sample_types) {
    text += (text.empty() ? "" : " ") + type_text(profile, type);
  }
  return text;
}

/// Ids as a file gives them → positions. Most files count from 1: such ids need no table.
class Positions {
 public:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  template <typename Rows>
  explicit Positions(const Rows& rows) {
    while (counted_ < rows.size() && rows[counted_].id == counted_ + 1) ++counted_;
    for (std::size_t i = counted_; i < rows.size(); ++i) {
      others_.try_emplace(rows[i].id, static_cast<std::uint32_t>(i));
    }
  }
  [[nodiscard]] std::uint32_t of(std::uint64_t id) const {
    if (id - 1 < counted_) return static_cast<std::uint32_t>(id - 1);
    const auto found = others_.find(id);
    return found == others_.end() ? none : found->second;
  }

 private:
  std::size_t counted_ = 0;  // rows[0..counted_) have the ids 1, 2, 3 …
  std::unordered_map<std::uint64_t, std::uint32_t> others_;
};

/// Frames of locations as texts of the site tree.
class LocationFrames {
 public:
  LocationFrames(const pprof::Profile& profile, ProfileSymbols& symbols, queries::SiteTree& sites)
      : profile_(profile),
        symbols_(symbols),
        sites_(sites),
        functions_(profile.functions),
        mappings_(profile.mappings) {
    for (const pprof::Mapping& mapping : profile.mappings) {
      modules_.push_back(sites.text_number(profile.text(mapping.filename)));
    }
    for (const pprof::Function& function : profile.functions) {
      std::string_view name = profile.text(function.name);
      if (name.empty()) name = profile.text(function.system_name);
      function_texts_.emplace_back(sites.text_number(name), sites.text_number(profile.text(function.filename)));
    }
  }

  /// The site of a location called from `caller`: its own frame and those inlined into it.
  SiteId add(SiteId caller, std::uint32_t number) {
    if (first_.size() <= number) first_.resize(profile_.locations.size(), not_resolved);
    if (first_[number] == not_resolved) resolve(number);
    SiteId site = caller;
    for (std::size_t i = first_[number]; frames_[i] != end_of_location; ++i) {
      site = sites_.add_numbered(site, frames_[i]);
    }
    return site;
  }

 private:
  static constexpr std::uint32_t not_resolved = ~std::uint32_t{0};
  static constexpr std::uint32_t end_of_location = ~std::uint32_t{0};

  void resolve(std::uint32_t number) {
    const pprof::Location& location = profile_.locations[number];
    const auto begin = static_cast<std::uint32_t>(frames_.size());
    first_[number] = begin;
    queries::SiteRow row;
    const std::uint32_t mapping = mappings_.of(location.mapping_id);
    if (mapping != Positions::none) row.module = modules_[mapping];
    for (std::size_t i = location.line_count; i-- > 0;) {  // the outermost is last
      const pprof::Line& line = profile_.lines[location.first_line + i];
      const std::uint32_t function = functions_.of(line.function_id);
      if (function == Positions::none || function_texts_[function].first == 0) continue;
      row.function = function_texts_[function].first;
      row.file = function_texts_[function].second;
      row.line = static_cast<std::int32_t>(std::clamp<std::int64_t>(line.line, 0, 0x7FFF'FFFF));
      row.is_inlined = i + 1 < location.line_count;
      frames_.push_back(sites_.frame_number(row));
    }
    if (frames_.size() == begin && mapping != Positions::none) {
      for (const queries::SiteRow& named : symbols_.rows(mapped(mapping), location.address - 1, row.module, sites_)) {
        frames_.push_back(sites_.frame_number(named));
      }
    }
    if (frames_.size() == begin) {
      row.function = sites_.text_number(address_text(location.address));
      frames_.push_back(sites_.frame_number(row));
    }
    frames_.push_back(end_of_location);
  }

  /// The first mapping is the program's, by profile.proto.
  [[nodiscard]] MappedModule mapped(std::uint32_t position) const {
    const pprof::Mapping& mapping = profile_.mappings[position];
    return {std::string(profile_.text(mapping.filename)),
            mapping.start,
            mapping.limit,
            mapping.offset,
            position == 0,
            profile_.text(mapping.build_id)};
  }

  const pprof::Profile& profile_;
  ProfileSymbols& symbols_;
  queries::SiteTree& sites_;
  Positions functions_;
  Positions mappings_;
  std::vector<std::uint32_t> modules_;                                   // by position
  std::vector<std::pair<std::uint32_t, std::uint32_t>> function_texts_;  // (function, file)
  std::vector<std::uint32_t> first_;                                     // by location: where its frames begin
  std::vector<std::uint32_t> frames_;                                    // outermost first
};

/// A sample without its texts: path, figures in the order of Figure, size of its blocks (0 = not known).
struct PathFigures {
  std::uint32_t path = SitePaths::root;
  std::array<std::int64_t, figure_count> figures{};
  std::uint64_t size = 0;
};

/// Reads every sample. Those that make no sense are damage.
std::vector<PathFigures> read_samples(ImportJob& job, const pprof::Profile& profile, const FigureColumns& columns,
                                      SitePaths& paths, formats::DamageLog& damage) {
  const Positions locations(profile.locations);
  std::vector<PathFigures> all;
  all.reserve(profile.samples.size());
  pprof::Sample sample;
  struct Step {
    std::uint64_t id;
    std::uint32_t path;
    bool is_known;
  };
  std::vector<Step> before;  // from the entry on
  for (const formats::Bytes body : profile.samples) {
    const auto offset = static_cast<std::uint64_t>(body.data() - job.input.bytes().data());
    if (!parse_sample(body, sample) || sample.values.size() != profile.sample_types.size()) {
      damage.add(offset, body.size(), "sample that makes no sense");
      continue;
    }
    PathFigures& row = all.emplace_back();
    for (std::size_t i = 0; i < figure_count; ++i) row.figures[i] = columns.of(static_cast<Figure>(i), sample);
    for (const pprof::Label& label : sample.labels) {
      if (profile.text(label.key) == "bytes" && label.number > 0) row.size = static_cast<std::uint64_t>(label.number);
    }
    bool is_whole = true;
    std::size_t depth = 0;
    for (auto id = sample.location_ids.rbegin(); id != sample.location_ids.rend(); ++id, ++depth) {
      if (depth < before.size() && before[depth].id == *id) {  // as in the sample before, up to here: no look-up
        row.path = before[depth].path;
        is_whole = is_whole && before[depth].is_known;
        continue;
      }
      before.resize(depth);
      const std::uint32_t location = locations.of(*id);
      const bool is_known = location != Positions::none;
      is_whole = is_whole && is_known;
      if (is_known) row.path = paths.add(row.path, location);
      before.push_back({*id, row.path, is_known});
    }
    if (!is_whole)
      damage.add(offset, 0, "sample of a call path that is not in the profile; what is known of it is kept");
  }
  return all;
}

void add_figures(const PathFigures& row, SiteId site, double interval, SiteRows& rows) {
  const auto add = [](std::int64_t& sum, std::int64_t value) { sum = queries::add_known(sum, value); };
  const auto [allocation_count, allocated_bytes, live_count, live_bytes, peak_count, peak_bytes, leaked_count,
              leaked_bytes, allocation_samples, live_samples] = row.figures;
  SiteStatRow& stat = rows.stat(site);
  add(stat.allocation_count, allocation_count);
  add(stat.allocated_bytes, allocated_bytes);
  add(stat.live_count, live_count);
  add(stat.live_bytes, live_bytes);
  add(stat.peak_count, peak_count);
  add(stat.peak_bytes, peak_bytes);
  if (interval > 1) {
    const auto or_estimate = [&](std::int64_t samples, std::int64_t count, std::int64_t bytes) {
      return samples == queries::not_known ? samples_behind(count, bytes, interval) : samples;
    };
    add(stat.allocation_samples, or_estimate(allocation_samples, allocation_count, allocated_bytes));
    add(stat.live_samples, or_estimate(live_samples, live_count, live_bytes));
  }
  if (row.size == 0) return;
  queries::SiteSizeRow& size = rows.size(site, row.size);
  add(size.allocation_count, allocation_count);
  add(size.allocated_bytes, allocated_bytes);
  add(size.live_count, live_count);
  add(size.live_bytes, live_bytes);
}

/// What leaked where the profile says so, by site; a profile without leaks has a row that says 0.
void add_leaks(const std::vector<PathFigures>& samples, const std::vector<SiteId>& sites,
               queries::ProfileRecord& record) {
  std::map<SiteId, queries::SiteLeakRow> leaks;
  for (const PathFigures& sample : samples) {
    const std::int64_t count = sample.figures[static_cast<std::size_t>(Figure::leaked_count)];
    const std::int64_t bytes = sample.figures[static_cast<std::size_t>(Figure::leaked_bytes)];
    if (bytes == 0 && (count == 0 || count == queries::not_known)) continue;
    queries::SiteLeakRow& row = leaks[sites[sample.path]];
    row.site = sites[sample.path];
    row.object_count = queries::add_known(row.object_count, count);
    row.bytes = queries::add_known(row.bytes, bytes);
  }
  for (const auto& [site, row] : leaks) record.leaks.push_back(row);
  if (leaks.empty() && !samples.empty()) record.leaks.emplace_back().site = sites[samples.front().path];
}

void describe(const pprof::Profile& profile, queries::Snapshot& snapshot) {
  queries::AllocationProfile& allocations = *snapshot.profile;
  if (profile.time_nanos > 0) {
    snapshot.taken_at_ms = profile.time_nanos / 1'000'000;
    allocations.records.back().taken_at_ms = snapshot.taken_at_ms;
  }
  if (profile.duration_nanos > 0) allocations.seconds = static_cast<double>(profile.duration_nanos) / 1e9;
  const bool is_go = std::any_of(profile.functions.begin(), profile.functions.end(), [&](const auto& function) {
    return profile.text(function.filename).ends_with(".go");
  });
  if (is_go) snapshot.runtime = "Go";
  allocations.usable_sizes = is_go;  // Go profiles the size class, not the request
  snapshot.meta.emplace_back("pprof.sample_types", sample_types_text(profile));
  if (profile.default_sample_type != 0) {
    snapshot.meta.emplace_back("pprof.default_sample_type", profile.text(profile.default_sample_type));
  }
  for (const std::uint64_t comment : profile.comments) {
    if (!profile.text(comment).empty()) snapshot.meta.emplace_back("pprof.comment", profile.text(comment));
  }
}

}  // namespace

void import_pprof(ImportJob& job) {
  formats::DamageLog damage;
  const pprof::Profile profile = pprof::read(job.input.bytes(), damage);
  FigureColumns columns = find_columns(profile);
  if (profile.texts.empty() && profile.sample_types.size() == go_order.size()) {
    // The only memory profiles of four values are Go's, whose names come last.
    for (std::size_t i = 0; i < go_order.size(); ++i) columns.set(go_order[i], i);
    job.snapshot.warnings.emplace_back(
        "the profile breaks off before its texts: functions have no names, and the four values are taken as Go writes "
        "them (alloc_objects alloc_space inuse_objects inuse_space)");
  }
  if (!columns.any()) {
    const std::string types = sample_types_text(profile);
    throw formats::InputError(job.input.path() + ": not a profile of memory: its samples are of " +
                              (types.empty() ? "nothing that has a name" : types));
  }
  queries::AllocationProfile& allocations = begin_profile(job, "pprof");
  describe(profile, job.snapshot);
  if (profile.text(profile.period_type.type) == "space" && profile.period > 1) {
    allocations.sampling.mean_interval_bytes = static_cast<double>(profile.period);
  }

  SitePaths paths;
  const std::vector<PathFigures> samples = read_samples(job, profile, columns, paths, damage);
  take_damage(damage, job.snapshot);
  ProfileSymbols symbols(job.options.modules);
  LocationFrames frames(profile, symbols, allocations.sites);
  const std::vector<SiteId> sites = paths.sites(
      allocations.sites, [&](SiteId caller, std::uint32_t location) { return frames.add(caller, location); });
  symbols.describe(job.snapshot);
  SiteRows rows(allocations.records.back(), samples.size(), allocations.sites.size());
  for (const PathFigures& row : samples) {
    add_figures(row, sites[row.path], allocations.sampling.mean_interval_bytes, rows);
  }
  if (columns.has(Figure::leaked_bytes)) add_leaks(samples, sites, allocations.records.back());
  allocations.records.back().sum_total();
}

std::vector<std::pair<std::string, std::string>> describe_pprof(formats::Bytes head) {
  formats::DamageLog beyond_the_head;
  const pprof::Profile profile = pprof::read(head, beyond_the_head);
  std::vector<std::pair<std::string, std::string>> facts;
  if (const std::string types = sample_types_text(profile); types.find_first_not_of(' ') != std::string::npos) {
    facts.emplace_back("sample_types", types);
  }
  if (profile.period > 0) facts.emplace_back("period", std::to_string(profile.period));
  if (profile.time_nanos > 0)
    facts.emplace_back("taken_at", utc_text(static_cast<std::uint64_t>(profile.time_nanos) / 1'000'000));
  return facts;
}

}  // namespace importers
