// Passes: samples with their addresses (which of them are jemalloc's own is known only from the mapped files behind
// them); paths; names; figures of sites.
#include "importers/jemalloc_profile_importer.h"

#include <cmath>

#include "formats/jemalloc_profile.h"
#include "importers/address_frames.h"
#include "importers/profile_import.h"
#include "importers/sampled_figures.h"
#include "importers/site_paths.h"
#include "importers/take_damage.h"

namespace importers {
namespace {

namespace jemalloc = formats::jemalloc_profile;
using queries::SiteId;

struct PathFigures {
  std::uint32_t path = SitePaths::root;
  jemalloc::Figures figures;
};

/// Scales figures up. What rounding takes from one row the next one gets: rows sum to the rounded sum.
class ScaledSum {
 public:
  std::int64_t next(std::int64_t value, double weight) {
    sum_ += static_cast<double>(value) * weight;
    const std::int64_t sum = rounded_figure(sum_);
    const std::int64_t row = sum - rounded_;
    rounded_ = sum;
    return row;
  }

 private:
  double sum_ = 0;
  std::int64_t rounded_ = 0;
};

class ScaledFigures {
 public:
  explicit ScaledFigures(double interval) : interval_(interval) {}
  jemalloc::Figures next(const jemalloc::Figures& samples) {
    const double live = sample_weight(samples.live_count, samples.live_bytes, interval_);
    const double allocated = sample_weight(samples.allocation_count, samples.allocated_bytes, interval_);
    return {live_count_.next(samples.live_count, live), live_bytes_.next(samples.live_bytes, live),
            allocation_count_.next(samples.allocation_count, allocated),
            allocated_bytes_.next(samples.allocated_bytes, allocated)};
  }

 private:
  double interval_;
  ScaledSum live_count_, live_bytes_, allocation_count_, allocated_bytes_;
};

bool is_jemalloc(std::string_view module) {
  const std::size_t slash = module.rfind('/');
  return module.substr(slash == std::string_view::npos ? 0 : slash + 1).starts_with("libjemalloc");
}

/// Whether an address lies in jemalloc's own library, asked once an address.
class OwnFrames {
 public:
  OwnFrames(const AddressFrames& frames, const formats::profile_text::MappedFiles& files)
      : frames_(frames), files_(files) {}
  bool contains(std::uint32_t number) {
    if (number >= known_.size()) known_.resize(std::size_t{number} + 1, 0);
    if (known_[number] == 0) known_[number] = is_jemalloc(frames_.module_of(frames_.address(number), files_)) ? 2 : 1;
    return known_[number] == 2;
  }

 private:
  const AddressFrames& frames_;
  const formats::profile_text::MappedFiles& files_;
  std::vector<char> known_;  // 0 = not asked, 1 = no, 2 = yes
};

/// Samples with the numbers of their addresses, innermost first, one after another.
struct NumberedSamples {
  std::vector<std::uint32_t> frames;
  std::vector<std::size_t> ends;  // in `frames`
  std::vector<jemalloc::Figures> figures;
};

NumberedSamples read_samples(jemalloc::Reader& reader, AddressFrames& frames) {
  NumberedSamples all;
  for (jemalloc::Sample sample; reader.next(sample);) {
    for (const std::uint64_t address : sample.addresses) all.frames.push_back(frames.number(address));
    all.ends.push_back(all.frames.size());
    all.figures.push_back(sample.figures);
  }
  return all;
}

std::vector<PathFigures> make_paths(const NumberedSamples& samples, OwnFrames own, SitePaths& paths) {
  std::vector<PathFigures> all;
  std::size_t first = 0;
  for (std::size_t i = 0; i < samples.ends.size(); ++i) {
    const std::size_t end = samples.ends[i];
    while (first < end && own.contains(samples.frames[first])) ++first;
    PathFigures& row = all.emplace_back();
    row.figures = samples.figures[i];
    for (std::size_t k = end; k-- > first;) row.path = paths.add(row.path, samples.frames[k]);
    first = end;
  }
  return all;
}

void add_figures(const jemalloc::Figures& scaled, const jemalloc::Figures& samples, bool has_allocations,
                 bool is_sampled, queries::SiteStatRow& stat) {
  const auto add = [](std::int64_t& sum, std::int64_t value) { sum = queries::add_known(sum, signed_figure(value)); };
  add(stat.live_count, scaled.live_count);
  add(stat.live_bytes, scaled.live_bytes);
  if (is_sampled) add(stat.live_samples, samples.live_count);
  if (!has_allocations) return;
  add(stat.allocation_count, scaled.allocation_count);
  add(stat.allocated_bytes, scaled.allocated_bytes);
  if (is_sampled) add(stat.allocation_samples, samples.allocation_count);
}

void add_threads(const jemalloc::Header& header, queries::Snapshot& snapshot) {
  for (const jemalloc::Thread& thread : header.threads) {
    std::string text = std::to_string(thread.figures.live_count) + " objects, " +
                       std::to_string(thread.figures.live_bytes) + " bytes in its samples";
    if (!thread.name.empty()) text.insert(0, std::string(thread.name) + ": ");
    snapshot.meta.emplace_back("jemalloc.thread." + std::to_string(thread.id), text);
  }
}

}  // namespace

void import_jemalloc_profile(ImportJob& job) {
  formats::DamageLog damage;
  jemalloc::Reader reader(job.input.bytes(), damage);
  const jemalloc::Header& header = reader.header();
  if (header.mean_interval_bytes < 1) throw formats::InputError(job.input.path() + ": no heap profile in it");
  AddressFrames frames;
  const NumberedSamples samples = read_samples(reader, frames);

  queries::AllocationProfile& profile = begin_profile(job, "jemalloc_profile");
  take_damage(damage, job.snapshot);
  job.snapshot.runtime = "jemalloc";
  profile.usable_sizes = true;
  const bool is_sampled = header.mean_interval_bytes > 1;
  if (is_sampled) profile.sampling.mean_interval_bytes = header.mean_interval_bytes;
  if (!reader.names().program.empty()) job.snapshot.meta.emplace_back("program", reader.names().program);
  add_threads(header, job.snapshot);

  SitePaths paths;
  const std::vector<PathFigures> rows = make_paths(samples, OwnFrames(frames, reader.mapped_files()), paths);
  ProfileSymbols symbol_files(job.options.modules);
  frames.resolve(reader.mapped_files(), reader.names(), symbol_files, profile.sites);
  symbol_files.describe(job.snapshot);
  const std::vector<SiteId> sites = paths.sites(
      profile.sites, [&](SiteId caller, std::uint32_t number) { return frames.add(caller, number, profile.sites); });
  SiteRows stats(profile.records.back(), rows.size(), profile.sites.size());
  ScaledFigures scaled(header.mean_interval_bytes);
  for (const PathFigures& row : rows) {
    add_figures(scaled.next(row.figures), row.figures, header.has_allocations, is_sampled, stats.stat(sites[row.path]));
  }
  profile.records.back().sum_total();
}

std::vector<std::pair<std::string, std::string>> describe_jemalloc_profile(formats::Bytes head) {
  formats::DamageLog beyond_the_head;
  const jemalloc::Reader reader(head, beyond_the_head);
  const jemalloc::Header& header = reader.header();
  return {{"sampling_interval_bytes", std::to_string(static_cast<std::uint64_t>(header.mean_interval_bytes))},
          {"sampled_live_count", std::to_string(header.total.live_count)},
          {"sampled_live_bytes", std::to_string(header.total.live_bytes)},
          {"threads", std::to_string(header.threads.size())}};
}

}  // namespace importers
