#include "importers/malloc_trace_importer.h"

#include <functional>
#include <unordered_map>
#include <utility>

#include "formats/demangle.h"
#include "formats/line_windows.h"
#include "formats/mtrace.h"
#include "formats/text_lines.h"
#include "formats/valgrind_trace.h"
#include "importers/allocation_events.h"
#include "importers/allocation_tracker.h"
#include "importers/hexadecimal.h"
#include "importers/take_damage.h"
#include "queries/allocation_profile.h"

namespace importers {
namespace {

using queries::EventKind;
using queries::SiteId;

/// Texts that stand for a call path → its site, each parsed once.
class SiteTexts {
 public:
  template <typename Make>
  SiteId site(std::string_view text, Make&& make) {
    if (text == last_text_) return last_site_;
    auto found = sites_.find(text);
    if (found == sites_.end()) found = sites_.emplace(std::string(text), make(text)).first;
    last_text_ = found->first;
    return last_site_ = found->second;
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, SiteId, Hash, std::equal_to<>> sites_;
  std::string_view last_text_;  // of a key of sites_
  SiteId last_site_ = queries::no_site;
};

/// Of a function as valgrind names it: C's by their names, operators of C++ as they are mangled.
EventKind kind_of_begin(std::string_view function) {
  constexpr std::pair<std::string_view, EventKind> names[] = {{"malloc", EventKind::malloc},
                                                              {"calloc", EventKind::calloc},
                                                              {"realloc", EventKind::realloc},
                                                              {"memalign", EventKind::memalign},
                                                              {"posix_memalign", EventKind::posix_memalign},
                                                              {"aligned_alloc", EventKind::aligned_alloc},
                                                              {"valloc", EventKind::valloc},
                                                              {"pvalloc", EventKind::pvalloc}};
  for (const auto& [name, kind] : names) {
    if (function == name) return kind;
  }
  return function.starts_with("_Zn") ? EventKind::operator_new : EventKind::allocation;
}
EventKind kind_of_end(std::string_view function) {
  return function.starts_with("_Zd") ? EventKind::operator_delete : EventKind::free;
}

class MallocTraceImport {
 public:
  MallocTraceImport(ImportJob& job, std::string_view format)
      : job_(job), snapshot_(job.snapshot), windows_(job.input, damage_), event_rows_(job) {
    snapshot_.profile = std::make_shared<queries::AllocationProfile>();
    profile_ = snapshot_.profile.get();
    snapshot_.path = job.input.path();
    snapshot_.format = format;
    snapshot_.runtime = "native";
  }

  /// take(line, offset) for each line.
  template <typename Take>
  void each_line(Take&& take) {
    for (std::string_view window = windows_.next(); !window.empty(); window = windows_.next()) {
      formats::TextLines lines(std::as_bytes(std::span(window)));
      while (lines.next()) take(lines.line(), windows_.offset() + lines.offset());
      if (job_.progress) {
        const auto [done, total] = windows_.progress();
        job_.progress("events", done, total);
      }
    }
    if (const std::size_t cut = windows_.remainder().size(); cut != 0) {
      damage_.add(windows_.offset(), cut, "ends within a line");
    }
  }

  void mtrace_line(std::string_view line, std::uint64_t offset) {
    if (line.empty()) return;
    const auto event = formats::mtrace::parse_event(line);
    if (!event || event->size > AllocationFigures::largest_size) {
      // The file is opened anew, cut to nothing, by every process that begins a trace; others write on at their places.
      const bool is_hole = line.find('\0') != std::string_view::npos;
      damage_.add(offset, line.size() + 1,
                  is_hole ? "a hole of zeroes: another process began to write its trace to the same file"
                          : "no line of mtrace's");
    } else if (event->op == formats::mtrace::Op::freed) {
      tracker_.free(event->address);
      if (event_rows_.are_wanted()) events_.free(EventKind::free, event->address, mtrace_site(event->caller));
    } else if (event->op == formats::mtrace::Op::allocated && event->address != 0) {
      const SiteId site = mtrace_site(event->caller);
      tracker_.allocate(event->address, event->size, site);
      if (event_rows_.are_wanted()) {
        events_.allocate(event->is_realloc ? EventKind::realloc : EventKind::allocation, event->address, event->size,
                         site);
      }
    }
  }

  /// What traces no call is a message of valgrind's or output of the program.
  void valgrind_line(std::string_view line, std::uint64_t offset) {
    constexpr std::string_view command = "Command: ";
    if (const std::size_t at = line.find(command); at != std::string_view::npos && line.starts_with("==")) {
      snapshot_.meta.emplace_back("command", std::string(line.substr(at + command.size())));
    }
    const auto event = formats::valgrind_trace::parse_event(line);
    if (!event) return;
    if (process_id_ == 0) process_id_ = event->process_id;
    if (event->process_id != process_id_) {  // has an address space of its own, with blocks from before the fork
      ++events_of_others_;
      return;
    }
    if (event->size > AllocationFigures::largest_size) {
      return damage_.add(offset, line.size() + 1, "block of an impossible size");
    }
    if (event->freed != 0) {
      tracker_.free(event->freed);
      if (event_rows_.are_wanted()) events_.free(kind_of_end(event->function), event->freed, queries::no_site);
    }
    if (event->allocated != 0) {
      const SiteId site = sites_.site(event->function, [&](std::string_view function) {
        return profile_->sites.add(queries::no_site, {formats::demangle(function), {}, 0, {}, false});
      });
      tracker_.allocate(event->allocated, event->size, site);
      if (event_rows_.are_wanted()) {
        events_.allocate(kind_of_begin(event->function), event->allocated, event->size, site);
      }
    }
  }

  void finish() {
    tracker_.finish(*profile_);
    profile_->records.front().path = snapshot_.path;
    snapshot_.meta.emplace_back("unknown_frees", std::to_string(tracker_.unknown_frees()));
    snapshot_.meta.emplace_back("missed_frees", std::to_string(tracker_.missed_frees()));
    if (events_of_others_ != 0) {
      snapshot_.warnings.push_back(std::to_string(events_of_others_) +
                                   " events of other processes are left out, the trace is of process " +
                                   std::to_string(process_id_) + " (--log-file=trace.%p keeps them apart)");
    }
    event_rows_.finish(false);
    take_damage(damage_, snapshot_);
  }

 private:
  SiteId mtrace_site(std::string_view caller) {
    if (caller.empty()) return queries::no_site;
    return sites_.site(caller, [&](std::string_view text) {
      const auto parsed = formats::mtrace::parse_caller(text);
      if (!parsed) return profile_->sites.add(queries::no_site, {text, {}, 0, {}, false});
      const std::string function =
          parsed->function.empty() ? hexadecimal(parsed->address) : formats::demangle(parsed->function);
      return profile_->sites.add(queries::no_site, {function, {}, 0, parsed->module, false});
    });
  }

  ImportJob& job_;
  queries::Snapshot& snapshot_;
  queries::AllocationProfile* profile_ = nullptr;
  formats::DamageLog damage_;
  formats::LineWindows windows_;
  SiteTexts sites_;
  AllocationTracker tracker_;
  EventRows event_rows_;
  BlockEvents events_{event_rows_};
  std::uint64_t process_id_ = 0;  // of the first event of valgrind's
  std::uint64_t events_of_others_ = 0;
};

}  // namespace

void import_mtrace(ImportJob& job) {
  MallocTraceImport import(job, "mtrace");
  import.each_line([&](std::string_view line, std::uint64_t offset) { import.mtrace_line(line, offset);
});
import.finish();
}  // namespace importers

void import_valgrind_trace(ImportJob& job) {
  MallocTraceImport import(job, "valgrind_trace");
  import.each_line([&](std::string_view line, std::uint64_t offset) { import.valgrind_line(line, offset);
});
import.finish();
}

std::vector<std::pair<std::string, std::string>> describe_malloc_trace(formats::Bytes head) {
  return {{"recorder", formats::mtrace::looks_like(head) ? "mtrace" : "valgrind --trace-malloc=yes"}};
}

}  // namespace importers
