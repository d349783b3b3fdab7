#include "importers/series_importer.h"

#include <cmath>
#include <map>
#include <optional>

#include "formats/jemalloc_stats.h"
#include "formats/malloc_info.h"
#include "formats/proc_memory.h"
#include "formats/series_table.h"
#include "formats/tcmalloc_stats.h"
#include "importers/take_damage.h"
#include "queries/allocation_profile.h"

namespace importers {
namespace {

using formats::Timestamp;
using queries::AllocationProfile;

/// Puts samples on one clock: seconds since the first; positions when a sample has no time.
class SeriesBuilder {
 public:
  void begin_sample(const std::optional<Timestamp>& time) {
    if (!time) {
      profile_.times_are_positions = true;
      t_ = static_cast<double>(count_++);
      return;
    }
    const double seconds = days_.seconds(*time);
    if (count_++ == 0) {
      first_ = seconds;
      if (time->kind == Timestamp::Kind::unix_time) profile_.start = seconds;
    }
    t_ = seconds - first_;
  }
  void add(std::string_view name, double value, std::string_view unit = "bytes") {
    profile_.series_named(name, unit).points.push_back({t_, value});
  }
  [[nodiscard]] std::size_t count() const { return count_; }

  void finish(ImportJob& job, std::string_view format, const formats::DamageLog& damage) {
    queries::Snapshot& snapshot = job.snapshot;
    snapshot.path = job.input.path();
    snapshot.format = format;
    take_damage(damage, snapshot);
    if (count_ == 0) throw formats::InputError(snapshot.path + ": no complete sample in it");
    if (profile_.start >= 0) snapshot.taken_at_ms = static_cast<std::int64_t>((profile_.start + t_) * 1000);
    if (!profile_.times_are_positions) profile_.seconds = t_;
    snapshot.meta.emplace_back("series.samples", std::to_string(count_));
    snapshot.meta.emplace_back("series.clock", profile_.times_are_positions ? "positions: no times in the input"
                                               : profile_.start >= 0        ? "time"
                                                                            : "elapsed time");
    snapshot.profile = std::make_shared<AllocationProfile>(std::move(profile_));
  }

 private:
  AllocationProfile profile_;
  formats::DayCounter days_;
  std::size_t count_ = 0;
  double first_ = 0;
  double t_ = 0;
};

/// The process with the largest resident set: the others of a pidstat log are its neighbours.
std::int64_t largest_process(formats::Bytes bytes, std::size_t& processes) {
  formats::DamageLog ignored;
  formats::series_table::Reader reader(bytes, ignored);
  std::map<std::int64_t, double> largest;
  while (const std::optional<formats::series_table::Row> row = reader.next()) {
    double& most = largest[row->process_id];
    for (std::size_t i = 0; i < row->values.size(); ++i) {
      if (reader.columns()[i].name == "rss_bytes" && row->values[i] > most) most = row->values[i];
    }
  }
  processes = largest.size();
  std::int64_t best = -1;
  double most = -1;
  for (const auto& [process, bytes_of_it] : largest) {
    if (bytes_of_it > most) {
      best = process;
      most = bytes_of_it;
    }
  }
  return best;
}

std::string_view name_of(formats::proc_memory::Kind kind) {
  switch (kind) {
    case formats::proc_memory::Kind::status: return "/proc/PID/status";
    case formats::proc_memory::Kind::smaps: return "/proc/PID/smaps";
    case formats::proc_memory::Kind::smaps_rollup: return "/proc/PID/smaps_rollup";
  }
  return "";
}

}  // namespace

void import_proc_memory(ImportJob& job) {
  formats::DamageLog damage;
  formats::proc_memory::Reader reader(job.input.bytes(), damage);
  SeriesBuilder builder;
  while (const std::optional<formats::proc_memory::Sample> sample = reader.next()) {
    builder.begin_sample(sample->time);
    for (const formats::proc_memory::Figure& figure : sample->figures) {
      builder.add(figure.name, static_cast<double>(figure.value), figure.name == "threads" ? "count" : "bytes");
    }
    if (builder.count() != 1) continue;
    if (!sample->program.empty()) job.snapshot.meta.emplace_back("process.name", std::string(sample->program));
    if (sample->process_id >= 0) job.snapshot.meta.emplace_back("process.id", std::to_string(sample->process_id));
  }
  job.snapshot.meta.emplace_back("series.source", std::string(name_of(reader.kind())));
  builder.finish(job, "proc", damage);
}

void import_series_table(ImportJob& job) {
  std::size_t processes = 0;
  const std::int64_t process = largest_process(job.input.bytes(), processes);
  formats::DamageLog damage;
  formats::series_table::Reader reader(job.input.bytes(), damage);
  SeriesBuilder builder;
  while (const std::optional<formats::series_table::Row> row = reader.next()) {
    if (row->process_id != process) continue;
    builder.begin_sample(reader.has_time() ? std::optional(row->time) : std::nullopt);
    for (std::size_t i = 0; i < row->values.size(); ++i) {
      const std::string_view name = reader.columns()[i].name;
      if (!std::isnan(row->values[i])) builder.add(name, row->values[i], name == "threads" ? "count" : "bytes");
    }
  }
  if (process >= 0) job.snapshot.meta.emplace_back("process.id", std::to_string(process));
  if (processes > 1) {
    job.snapshot.warnings.push_back("rows of " + std::to_string(processes) + " processes: the largest, " +
                                    std::to_string(process) + ", is looked at; the others are left out");
  }
  builder.finish(job, "memory_table", damage);
}

void import_malloc_info(ImportJob& job) {
  formats::DamageLog damage;
  formats::malloc_info::Reader reader(job.input.bytes(), damage);
  SeriesBuilder builder;
  while (const std::optional<formats::malloc_info::Sample> sample = reader.next()) {
    builder.begin_sample(sample->time);
    const std::uint64_t in_use =
        sample->system_bytes > sample->free_bytes ? sample->system_bytes - sample->free_bytes : 0;
    builder.add("in_use_bytes", static_cast<double>(in_use + sample->mapped_bytes));
    builder.add("system_bytes", static_cast<double>(sample->system_bytes + sample->mapped_bytes));
    builder.add("free_bytes", static_cast<double>(sample->free_bytes));
    builder.add("largest_free_bytes", static_cast<double>(sample->largest_free_bytes));
    builder.add("free_count", static_cast<double>(sample->free_count), "count");
    builder.add("arena_count", static_cast<double>(sample->heap_count), "count");
  }
  job.snapshot.runtime = "glibc malloc";
  builder.finish(job, "malloc_info", damage);
}

void import_jemalloc_stats(ImportJob& job) {
  formats::DamageLog damage;
  formats::jemalloc_stats::Reader reader(job.input.bytes(), damage);
  SeriesBuilder builder;
  while (const std::optional<formats::jemalloc_stats::Sample> sample = reader.next()) {
    builder.begin_sample(sample->time);
    builder.add("in_use_bytes", static_cast<double>(sample->allocated_bytes));
    builder.add("active_bytes", static_cast<double>(sample->active_bytes));
    builder.add("metadata_bytes", static_cast<double>(sample->metadata_bytes));
    builder.add("resident_bytes", static_cast<double>(sample->resident_bytes));
    builder.add("mapped_bytes", static_cast<double>(sample->mapped_bytes));
    builder.add("retained_bytes", static_cast<double>(sample->retained_bytes));
  }
  job.snapshot.runtime = "jemalloc";
  builder.finish(job, "jemalloc_stats", damage);
}

void import_tcmalloc_stats(ImportJob& job) {
  formats::DamageLog damage;
  formats::tcmalloc_stats::Reader reader(job.input.bytes(), damage);
  SeriesBuilder builder;
  while (const std::optional<formats::tcmalloc_stats::Sample> sample = reader.next()) {
    builder.begin_sample(sample->time);
    builder.add("in_use_bytes", static_cast<double>(sample->in_use_bytes));
    builder.add("page_free_bytes", static_cast<double>(sample->page_free_bytes));
    builder.add("cached_bytes", static_cast<double>(sample->cached_bytes));
    builder.add("metadata_bytes", static_cast<double>(sample->metadata_bytes));
    builder.add("resident_bytes", static_cast<double>(sample->resident_bytes));
    builder.add("mapped_bytes", static_cast<double>(sample->mapped_bytes));
    builder.add("retained_bytes", static_cast<double>(sample->retained_bytes));
  }
  job.snapshot.runtime = "tcmalloc";
  builder.finish(job, "tcmalloc_stats", damage);
}

std::vector<std::pair<std::string, std::string>> describe_proc_memory(formats::Bytes head) {
  formats::DamageLog beyond_the_head;
  formats::proc_memory::Reader reader(head, beyond_the_head);
  std::vector<std::pair<std::string, std::string>> facts{{"kind", std::string(name_of(reader.kind()))}};
  if (const auto sample = reader.next(); sample && !sample->program.empty()) {
    facts.emplace_back("process", std::string(sample->program));
  }
  return facts;
}

std::vector<std::pair<std::string, std::string>> describe_series_table(formats::Bytes head) {
  formats::DamageLog beyond_the_head;
  const formats::series_table::Reader reader(head, beyond_the_head);
  std::string columns;
  for (const auto& column : reader.columns()) columns += (columns.empty() ? "" : ", ") + std::string(column.name);
  return {{"kind", "table of memory over time"}, {"columns", columns}};
}

std::vector<std::pair<std::string, std::string>> describe_malloc_info(formats::Bytes) {
  return {{"kind", "malloc_info of glibc"}};
}

std::vector<std::pair<std::string, std::string>> describe_jemalloc_stats(formats::Bytes) {
  return {{"kind", "statistics of jemalloc"}};
}

std::vector<std::pair<std::string, std::string>> describe_tcmalloc_stats(formats::Bytes) {
  return {{"kind", "statistics of tcmalloc"}};
}

}  // namespace importers
