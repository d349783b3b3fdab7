// Passes: samples as paths of numbered frames with their scaled figures; names; figures of sites. Lines of symbols,
// where Go has written them, are the frames: they have the inlined calls and lack the allocator, which addresses do
// not.
#include "importers/heap_profile_text_importer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <unordered_map>

#include "formats/heap_profile_text.h"
#include "formats/jemalloc_profile.h"
#include "importers/address_frames.h"
#include "importers/jemalloc_profile_importer.h"
#include "importers/profile_import.h"
#include "importers/sampled_figures.h"
#include "importers/site_paths.h"
#include "importers/take_damage.h"

namespace importers {
namespace {

namespace text = formats::heap_profile_text;
using queries::SiteId;
using queries::SiteStatRow;

/// Frames of lines of symbols: equal lines are one frame. Views of the input.
class SymbolFrames {
 public:
  std::uint32_t number(const text::SymbolLine& symbol) {
    const auto [found, is_new] = numbers_.try_emplace(symbol.text, static_cast<std::uint32_t>(lines_.size()));
    if (is_new) lines_.push_back(symbol);
    return found->second;
  }
  SiteId add(SiteId caller, std::uint32_t number, queries::SiteTree& sites) const {
    const text::SymbolLine& symbol = lines_[number];
    return sites.add(caller, {symbol.function, symbol.file, symbol.line, {}, false});
  }

 private:
  std::unordered_map<std::string_view, std::uint32_t> numbers_;
  std::vector<text::SymbolLine> lines_;
};

/// Frames of both kinds share the numbers of SitePaths: the lowest bit tells.
constexpr std::uint32_t symbol_frame(std::uint32_t number) { return number * 2 + 1; }
constexpr std::uint32_t address_frame(std::uint32_t number) { return number * 2; }

struct PathFigures {
  std::uint32_t path = SitePaths::root;
  text::Figures figures;
};

/// pprof's rule: both figures times one weight, towards zero.
void scale(std::int64_t& count, std::int64_t& bytes, double interval) {
  const double weight = sample_weight(count, bytes, interval);
  if (weight == 1) return;
  count = rounded_figure(std::trunc(static_cast<double>(count) * weight));
  bytes = rounded_figure(std::trunc(static_cast<double>(bytes) * weight));
}

void add_sample(const PathFigures& sample, SiteId site, const text::Header& header, SiteRows& rows) {
  const auto add = [](std::int64_t& sum, std::int64_t value) { sum = queries::add_known(sum, signed_figure(value)); };
  text::Figures scaled = sample.figures;
  scale(scaled.live_count, scaled.live_bytes, header.mean_interval_bytes);
  scale(scaled.allocation_count, scaled.allocated_bytes, header.mean_interval_bytes);
  SiteStatRow& stat = rows.stat(site);
  add(stat.live_count, scaled.live_count);
  add(stat.live_bytes, scaled.live_bytes);
  if (header.has_allocations) {
    add(stat.allocation_count, scaled.allocation_count);
    add(stat.allocated_bytes, scaled.allocated_bytes);
  }
  if (header.mean_interval_bytes <= 1) return;
  add(stat.live_samples, sample.figures.live_count);
  if (header.has_allocations) add(stat.allocation_samples, sample.figures.allocation_count);
}

/// A line of a sampled profile holds blocks of one size (Go's buckets and tcmalloc's samples are by size).
void add_size(const PathFigures& sample, SiteId site, const text::Header& header, SiteRows& rows) {
  const text::Figures& figures = sample.figures;
  const bool is_live = figures.live_count > 0;
  const std::int64_t count = is_live ? figures.live_count : figures.allocation_count;
  const std::int64_t bytes = is_live ? figures.live_bytes : figures.allocated_bytes;
  if (count <= 0 || bytes <= 0) return;
  text::Figures scaled = figures;
  scale(scaled.live_count, scaled.live_bytes, header.mean_interval_bytes);
  scale(scaled.allocation_count, scaled.allocated_bytes, header.mean_interval_bytes);
  queries::SiteSizeRow& row = rows.size(site, static_cast<std::uint64_t>(bytes / count));
  row.live_count = queries::add_known(row.live_count, signed_figure(scaled.live_count));
  row.live_bytes = queries::add_known(row.live_bytes, signed_figure(scaled.live_bytes));
  if (!header.has_allocations) return;
  row.allocation_count = queries::add_known(row.allocation_count, signed_figure(scaled.allocation_count));
  row.allocated_bytes = queries::add_known(row.allocated_bytes, signed_figure(scaled.allocated_bytes));
}

/// gperftools writes as many call paths as fit in 1 MiB, those with most live bytes first; its first line counts all.
void add_what_was_left_out(const std::vector<PathFigures>& samples, const text::Header& header, SiteRows& rows,
                           std::vector<std::string>& warnings) {
  if (header.kind != text::Kind::exact) return;
  PathFigures rest{SitePaths::root, header.total};
  for (std::int64_t text::Figures::*figure : {&text::Figures::live_count, &text::Figures::live_bytes,
                                              &text::Figures::allocation_count, &text::Figures::allocated_bytes}) {
    std::int64_t& left = rest.figures.*figure;
    for (const PathFigures& sample : samples) left = queries::add_known(left, -signed_figure(sample.figures.*figure));
    left = std::max<std::int64_t>(left, 0);
  }
  if (rest.figures.live_count == 0 && rest.figures.allocation_count == 0) return;
  add_sample(rest, queries::no_site, header, rows);
  warnings.push_back("the profile leaves call paths out, of " + std::to_string(rest.figures.allocation_count) +
                     " allocations and " + std::to_string(rest.figures.live_count) +
                     " live blocks, which its first line counts: they are of site (unknown)");
}

/// What Go says of its heap behind the samples. Long lists (PauseNs) stay out.
void add_statistics(const text::Reader& reader, queries::Snapshot& snapshot) {
  if (reader.statistics().empty()) return;
  snapshot.runtime = "Go";
  for (const auto& [key, value] : reader.statistics()) {
    if (!value.starts_with('[')) snapshot.meta.emplace_back("go." + std::string(key), value);
  }
}

std::string kind_text(const text::Header& header) {
  std::string kind(header.type);
  if (header.kind == text::Kind::growth) kind += ": what the allocator got from the system, by who made it ask";
  return kind;
}

}  // namespace

void import_heap_profile_text(ImportJob& job) {
  const formats::Bytes file = job.input.bytes();
  if (const std::string_view other = text::other_kind(file); !other.empty()) {
    throw formats::InputError(job.input.path() + ": that is a profile of " + std::string(other) + ", not of memory");
  }
  if (formats::jemalloc_profile::follows_names(file)) return import_jemalloc_profile(job);

  formats::DamageLog damage;
  text::Reader reader(file, damage);
  const text::Header& header = reader.header();
  SitePaths paths;
  SymbolFrames symbols;
  AddressFrames addresses;
  std::vector<PathFigures> samples;
  for (text::Sample sample; reader.next(sample);) {
    PathFigures& row = samples.emplace_back();
    row.figures = sample.figures;
    for (auto symbol = sample.symbols.rbegin(); symbol != sample.symbols.rend(); ++symbol) {
      row.path = paths.add(row.path, symbol_frame(symbols.number(*symbol)));
    }
    if (!sample.symbols.empty()) continue;
    for (auto address = sample.addresses.rbegin(); address != sample.addresses.rend(); ++address) {
      row.path = paths.add(row.path, address_frame(addresses.number(*address)));
    }
  }
  if (header.type.empty()) throw formats::InputError(job.input.path() + ": no heap profile in it");

  queries::AllocationProfile& profile = begin_profile(job, "heap_profile_text");
  take_damage(damage, job.snapshot);
  profile.sampling.mean_interval_bytes = header.mean_interval_bytes > 1 ? header.mean_interval_bytes : 0;
  profile.usable_sizes = header.kind == text::Kind::heap || header.kind == text::Kind::heap_v2;
  job.snapshot.meta.emplace_back("heap_profile.type", kind_text(header));
  if (header.kind == text::Kind::java) job.snapshot.runtime = "JVM";
  if (!reader.names().program.empty()) job.snapshot.meta.emplace_back("program", reader.names().program);
  add_statistics(reader, job.snapshot);

  ProfileSymbols symbol_files(job.options.modules);
  addresses.resolve(reader.mapped_files(), reader.names(), symbol_files, profile.sites);
  symbol_files.describe(job.snapshot);
  const std::vector<SiteId> sites = paths.sites(profile.sites, [&](SiteId caller, std::uint32_t frame) {
    return frame % 2 == 1 ? symbols.add(caller, frame / 2, profile.sites)
                          : addresses.add(caller, frame / 2, profile.sites);
  });
  SiteRows rows(profile.records.back(), samples.size(), profile.sites.size());
  for (const PathFigures& sample : samples) {
    add_sample(sample, sites[sample.path], header, rows);
    if (header.mean_interval_bytes > 0) add_size(sample, sites[sample.path], header, rows);
  }
  add_what_was_left_out(samples, header, rows, job.snapshot.warnings);
  profile.records.back().sum_total();
}

std::vector<std::pair<std::string, std::string>> describe_heap_profile_text(formats::Bytes head) {
  std::vector<std::pair<std::string, std::string>> facts;
  if (const std::string_view other = text::other_kind(head); !other.empty()) {
    return {{"profile_of", std::string(other)}};
  }
  formats::DamageLog beyond_the_head;
  const text::Reader reader(head, beyond_the_head);
  const text::Header& header = reader.header();
  if (header.type.empty()) return facts;
  facts.emplace_back("type", std::string(header.type));
  if (header.mean_interval_bytes > 0) {
    facts.emplace_back("sampling_interval_bytes",
                       std::to_string(static_cast<std::uint64_t>(header.mean_interval_bytes)));
  }
  if (header.kind != text::Kind::java) {
    facts.emplace_back("live_count", std::to_string(header.total.live_count));
    facts.emplace_back("live_bytes", std::to_string(header.total.live_bytes));
  }
  return facts;
}

}  // namespace importers
