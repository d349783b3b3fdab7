// One walk: frames move the stacks, allocations go to the tracker with the site on top. Aggregated captures have
// neither order nor addresses: their rows become rows of site_stat.
#include "importers/memray_importer.h"

#include <array>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "formats/memray.h"
#include "importers/allocation_events.h"
#include "importers/allocation_tracker.h"
#include "importers/mapped_ranges.h"
#include "importers/memray_stacks.h"
#include "importers/profile_import.h"
#include "importers/take_damage.h"
#include "importers/utc_text.h"

namespace importers {
namespace {

namespace memray = formats::memray;
using memray::Allocator;
using memray::Record;
using memray::RecordKind;
using queries::SiteId;

queries::EventKind event_kind(Allocator allocator) {
  using queries::EventKind;
  constexpr std::array<EventKind, memray::allocator_count> kinds{EventKind::allocation,
                                                                 EventKind::malloc,
                                                                 EventKind::free,
                                                                 EventKind::calloc,
                                                                 EventKind::realloc,
                                                                 EventKind::posix_memalign,
                                                                 EventKind::aligned_alloc,
                                                                 EventKind::memalign,
                                                                 EventKind::valloc,
                                                                 EventKind::pvalloc,
                                                                 EventKind::mmap,
                                                                 EventKind::munmap,
                                                                 EventKind::pymalloc_malloc,
                                                                 EventKind::pymalloc_calloc,
                                                                 EventKind::pymalloc_realloc,
                                                                 EventKind::pymalloc_free};
  return kinds[static_cast<std::size_t>(allocator)];
}

/// What both kinds of captures have: frames, threads, modules.
class MemrayImport {
 public:
  MemrayImport(ImportJob& job, const memray::Header& header, queries::AllocationProfile& profile)
      : job_(job),
        header_(header),
        profile_(profile),
        frames_(profile.sites, header.python_version),
        native_(profile.sites, job.options.modules),
        event_rows_(job) {
    event_rows_.set_time(0);
  }

  void run(memray::Reader& reader);

 private:
  void take(const Record& record);
  void take_allocation(const Record& record);
  void take_aggregate(const Record& record);
  void take_memory(const Record& record);
  void finish();
  /// The row of `thread`, which is made when it is first asked for; -1 when there are too many for any program.
  std::int64_t thread_row(std::uint64_t thread);

  ImportJob& job_;
  const memray::Header& header_;
  queries::AllocationProfile& profile_;
  PythonFrames frames_;
  NativeFrames native_;
  ThreadStacks stacks_;
  AllocationTracker tracker_;
  EventRows event_rows_;
  BlockEvents events_{event_rows_};
  MappedRanges mappings_{tracker_, event_rows_.are_wanted() ? &events_ : nullptr};
  std::unordered_map<std::uint64_t, std::int64_t> thread_rows_;
  SiteRows rows_{profile_.records.back()};  // of aggregated captures
  std::vector<SiteId> paths_;               // of aggregated captures
  std::uint64_t segment_base_ = 0;
  std::array<std::uint64_t, memray::allocator_count> calls_{};
};

void MemrayImport::run(memray::Reader& reader) {
  constexpr std::uint64_t progress_every = 1 << 20;
  std::uint64_t count = 0;
  for (Record record; reader.next(record);) {
    take(record);
    if (++count % progress_every == 0 && job_.progress) {
      job_.progress("scan", reader.position(), job_.input.bytes().size());
    }
  }
  finish();
}

void MemrayImport::take(const Record& record) {
  switch (record.kind) {
    case RecordKind::allocation: return take_allocation(record);
    case RecordKind::frame_push:
      return stacks_.push(header_.version >= 12 ? frames_.add_place(stacks_.top(), record.id, record.instruction_offset)
                                                : frames_.add(stacks_.top(), record.id));
    case RecordKind::frame_pop: return stacks_.pop(record.count);
    case RecordKind::frame: return frames_.define_frame(record);
    case RecordKind::code_object: return frames_.define_code(record);
    case RecordKind::python_frame: return frames_.define_place(record);
    case RecordKind::python_path: {
      const bool has_parent = record.parent != 0 && record.parent <= paths_.size();
      paths_.push_back(
          frames_.add(has_parent ? paths_[static_cast<std::size_t>(record.parent - 1)] : queries::no_site, record.id));
      return;
    }
    case RecordKind::thread_switch:
      stacks_.switch_to(record.thread);
      if (event_rows_.are_wanted()) event_rows_.set_thread(thread_row(record.thread));
      return;
    case RecordKind::thread_name: {
      const std::int64_t row = thread_row(stacks_.thread());
      if (row >= 0) job_.snapshot.threads[static_cast<std::size_t>(row)].name = record.function;
      return;
    }
    case RecordKind::memory:
    case RecordKind::aggregated_memory: return take_memory(record);
    case RecordKind::native_frame: return native_.define(record.address, record.id);
    case RecordKind::memory_map: return native_.clear_segments();
    case RecordKind::segment_file: segment_base_ = record.address; return;
    case RecordKind::segment: return native_.add_segment(record.file, segment_base_, record.address, record.size);
    case RecordKind::aggregate: return take_aggregate(record);
    case RecordKind::end: return;
  }
}

std::int64_t MemrayImport::thread_row(std::uint64_t thread) {
  constexpr std::size_t most_threads = 1 << 20;
  std::vector<queries::ThreadRow>& threads = job_.snapshot.threads;
  const auto found = thread_rows_.find(thread);
  if (found != thread_rows_.end()) return found->second;
  if (threads.size() >= most_threads) return -1;
  const auto row = static_cast<std::int64_t>(threads.size());
  threads.emplace_back();
  thread_rows_.emplace(thread, row);
  return row;
}

void MemrayImport::take_allocation(const Record& record) {
  ++calls_[static_cast<std::size_t>(record.allocator)];
  if (memray::is_free(record.allocator)) {
    tracker_.free(record.address);
    // Its call path is not recorded: memray brings the Python stack up to date before allocations only.
    if (event_rows_.are_wanted()) events_.free(event_kind(record.allocator), record.address, queries::no_site);
    return;
  }
  if (record.allocator == Allocator::munmap) return mappings_.unmap(record.address, record.size);
  const SiteId site = record.native_id == 0 ? stacks_.top() : native_.add(stacks_.top(), record.native_id);
  // A damaged size is no reason to lose the rest; no real one comes near.
  const std::uint64_t size = std::min(record.size, AllocationFigures::largest_size);
  if (record.allocator == Allocator::mmap) return mappings_.map(record.address, size, site);
  tracker_.allocate(record.address, size, site);
  if (event_rows_.are_wanted()) events_.allocate(event_kind(record.allocator), record.address, size, site);
}

void MemrayImport::take_aggregate(const Record& record) {
  const memray::Aggregated& all = record.aggregated;
  SiteId site =
      all.path == 0 || all.path > paths_.size() ? queries::no_site : paths_[static_cast<std::size_t>(all.path - 1)];
  if (record.native_id != 0) site = native_.add(site, record.native_id);
  queries::SiteStatRow& row = rows_.stat(site);
  row.live_count = queries::add_known(row.live_count, figure(all.live_count));
  row.live_bytes = queries::add_known(row.live_bytes, figure(all.live_bytes));
  row.peak_count = queries::add_known(row.peak_count, figure(all.peak_count));
  row.peak_bytes = queries::add_known(row.peak_bytes, figure(all.peak_bytes));
}

void MemrayImport::take_memory(const Record& record) {
  if (record.kind == RecordKind::memory) {
    const auto ms = static_cast<std::uint32_t>(std::min<std::uint64_t>(record.ms, 0xFFFF'FFFF));
    tracker_.figures().set_time(ms);
    event_rows_.set_time(ms);
    tracker_.figures().set_rss(static_cast<std::uint64_t>(figure(record.rss)));
    return;
  }
  const auto start = static_cast<std::uint64_t>(std::max<std::int64_t>(header_.start_ms, 0));
  const double t = record.ms > start ? static_cast<double>(record.ms - start) / 1000 : 0;
  queries::Series& live = profile_.series_named("live_bytes", "bytes");
  if (!live.points.empty() && live.points.back().t > t) return;  // the clock was set back
  live.points.push_back({t, static_cast<double>(record.heap)});
  profile_.series_named("rss_bytes", "bytes").points.push_back({t, static_cast<double>(record.rss)});
}

void MemrayImport::finish() {
  native_.symbols().describe(job_.snapshot);
  if (header_.is_aggregated) {
    queries::ProfileRecord& record = profile_.records.back();
    for (const queries::SiteStatRow& row : record.stats) {
      if (row.live_count == 0 && row.live_bytes == 0) continue;
      record.leaks.push_back({row.site, queries::LeakKind::at_end, row.live_count, row.live_bytes, {}});
    }
    record.sum_total();
  } else {
    profile_.records.clear();
    tracker_.finish(profile_);
    profile_.records.back().path = job_.input.path();
    mappings_.correct(profile_.records.back());
    event_rows_.finish(false);
    if (tracker_.unknown_frees() != 0) {
      job_.snapshot.meta.emplace_back("memray.frees_of_older_blocks", std::to_string(tracker_.unknown_frees()));
    }
  }
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    if (calls_[i] == 0) continue;
    job_.snapshot.meta.emplace_back("memray.calls." + std::string(to_text(static_cast<Allocator>(i))),
                                    std::to_string(calls_[i]));
  }
}

/// Which Python it was, "3.13.5"; the last byte of PY_VERSION_HEX is the release level.
std::string python_text(std::uint32_t version) {
  if (version == 0) return "Python";
  return "CPython " + std::to_string(version >> 24) + "." + std::to_string((version >> 16) & 0xFF) + "." +
         std::to_string((version >> 8) & 0xFF);
}

void describe(const memray::Header& header, queries::Snapshot& snapshot) {
  queries::AllocationProfile& profile = *snapshot.profile;
  snapshot.runtime = python_text(header.python_version);
  if (header.end_ms > 0) snapshot.taken_at_ms = header.end_ms;
  profile.records.back().taken_at_ms = snapshot.taken_at_ms;
  if (header.start_ms > 0 && header.end_ms > header.start_ms) {
    profile.seconds = static_cast<double>(header.end_ms - header.start_ms) / 1000;
  }
  const auto put = [&](std::string key, std::string_view value) { snapshot.meta.emplace_back(std::move(key), value); };
  put("memray.version", std::to_string(header.version));
  put("memray.kind", header.is_aggregated ? "aggregated" : "all allocations");
  put("memray.python_allocator", memray::python_allocator_text(header.python_allocator));
  put("memray.traces_python_allocators", header.traces_python_allocators ? "yes" : "no");
  put("memray.native_traces", header.has_native_traces ? "yes" : "no");
  put("command_line", header.command_line);
  put("process_id", std::to_string(header.process_id));
  if (!header.traces_python_allocators && header.python_allocator <= 2) {
    snapshot.warnings.emplace_back(
        "Python's own allocator was not traced: small objects are seen only as the arenas that hold them, and blocks "
        "that "
        "never come back are hidden (memray run --trace-python-allocators)");
  }
}

std::string refusal(int version) {
  std::string text = "a memray capture of version " + std::to_string(version) + "; read are " +
                     std::to_string(memray::first_version) + " to " + std::to_string(memray::last_version);
  if (version < memray::first_version) return text + ": record again with memray 1.11 or later";
  return text + ", those of memray 1.11 to 1.20";
}

}  // namespace

void import_memray(ImportJob& job) {
  const formats::Bytes file = job.input.bytes();
  const int version = memray::version_of(file);
  if (version < memray::first_version || version > memray::last_version) {
    throw formats::InputError(job.input.path() + ": " + refusal(version));
  }
  const std::optional<memray::Header> header = memray::read_header(file);
  if (!header) throw formats::InputError(job.input.path() + ": the capture breaks off within its header");
  if (header->tracks_objects) {
    throw formats::InputError(job.input.path() +
                              ": a memray capture with lifetimes of Python objects, whose records are not read: record "
                              "again without them");
  }
  if (job.options.events && header->is_aggregated) {
    throw NoEvents("sums by call path, as it was recorded with --aggregate");
  }
  formats::DamageLog damage;
  queries::AllocationProfile& profile = begin_profile(job, "memray");
  describe(*header, job.snapshot);
  memray::Reader reader(file, *header, damage);
  MemrayImport(job, *header, profile).run(reader);
  profile.records.back().taken_at_ms = job.snapshot.taken_at_ms;
  take_damage(damage, job.snapshot);
}

std::vector<std::pair<std::string, std::string>> describe_memray(formats::Bytes head) {
  std::vector<std::pair<std::string, std::string>> facts{{"version", std::to_string(memray::version_of(head))}};
  const std::optional<memray::Header> header = memray::read_header(head);
  if (!header) return facts;
  facts.emplace_back("kind", header->is_aggregated ? "aggregated" : "all allocations");
  facts.emplace_back("runtime", python_text(header->python_version));
  facts.emplace_back("command_line", std::string(header->command_line));
  facts.emplace_back("process_id", std::to_string(header->process_id));
  facts.emplace_back("traces_python_allocators", header->traces_python_allocators ? "yes" : "no");
  facts.emplace_back("native_traces", header->has_native_traces ? "yes" : "no");
  if (header->end_ms > 0) facts.emplace_back("taken_at", utc_text(static_cast<std::uint64_t>(header->end_ms)));
  return facts;
}

}  // namespace importers
