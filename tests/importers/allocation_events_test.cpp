// Rows of single events (--events): what each importer makes of what its writer wrote; that they sum to the figures of
// the same import; that a cut recording keeps those that were read.
#include "importers/allocation_events.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <random>
#include <set>

#include "tests/importers/imported_dump.h"
#include "tests/support/heaptrack_writer.h"
#include "tests/support/malloc_traces.h"
#include "tests/support/memray_writer.h"
#include "tests/support/naive_trace.h"
#include "tests/support/trace_data.h"

namespace tests {
namespace {

using formats::memray::Allocator;
using importers::NoEvents;
using queries::AllocationEvent;
using queries::EventKind;
using queries::SiteId;

constexpr int memray_versions[] = {11, 12, 13};

importers::ImportOptions with_events() {
  importers::ImportOptions options;
  options.events = true;
  return options;
}

std::string hexadecimal(std::uint64_t value) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

/// "2 @10 free 0xa000 -100 of 1 by main in 0": id, time, kind, address, bytes, the allocation, function, thread; what
/// is not known is left out.
std::string text_of(const AllocationEvent& event, const queries::AllocationProfile& profile) {
  std::string text = std::to_string(event.id);
  if (event.t_ms >= 0) text += " @" + std::to_string(event.t_ms);
  text += " " + std::string(to_text(event.kind));
  if (event.address != 0) text += " " + hexadecimal(event.address);
  if (event.size >= 0) text += (ends_block(event.kind) ? " -" : " ") + std::to_string(event.size);
  if (event.allocation != 0) text += " of " + std::to_string(event.allocation);
  if (event.site != queries::no_site) text += " by " + std::string(profile.sites.frame(event.site).function);
  if (event.thread >= 0) text += " in " + std::to_string(event.thread);
  return text;
}

std::string text_of(const ImportedDump& in) {
  std::string text;
  for (const AllocationEvent& event : in.rows.events) text += text_of(event, *in.snapshot.profile) + "\n";
  return text;
}

struct Sums {
  std::int64_t allocation_count = 0, allocated_bytes = 0, live_bytes = 0, live_count = 0;
  double age_bytes = 0;  // of the ended ones: what the program allocated meanwhile
};

/// Events by site, all of them, and the most that ever lived, as one would ask in SQL.
struct EventSums {
  explicit EventSums(const std::vector<AllocationEvent>& events) {
    std::vector<std::int64_t> allocated;  // up to and with each event
    for (const AllocationEvent& event : events) {
      allocated.push_back(total.allocated_bytes);
      if (event.size < 0) {
        ++unknown_ends;
        continue;
      }
      const bool is_end = ends_block(event.kind);
      const AllocationEvent& begin = is_end ? events[event.allocation - 1] : event;
      const std::int64_t total_at_end = total.allocated_bytes;
      for (Sums* sums : {&by_site[index(begin.site)], &total}) {
        sums->allocation_count += !is_end;
        sums->allocated_bytes += is_end ? 0 : event.size;
        sums->live_bytes += is_end ? -event.size : event.size;
        sums->live_count += is_end ? -1 : 1;
        if (is_end) sums->age_bytes += static_cast<double>(total_at_end - allocated[event.allocation - 1]);
      }
      allocated.back() = total.allocated_bytes;
      peak_bytes = std::max(peak_bytes, total.live_bytes);
    }
  }
  std::map<std::uint32_t, Sums> by_site;
  Sums total;
  std::int64_t peak_bytes = 0;
  std::int64_t unknown_ends = 0;
};

/// `counts_live`: not of cut mappings, of which an event ends a part and the figures count what is left as a block.
void expect_sums_of_figures(const ImportedDump& in, bool counts_live = true) {
  const EventSums sums(in.rows.events);
  if (in.snapshot.profile->records.empty() || in.snapshot.profile->records.front().stats.empty()) {
    EXPECT_EQ(sums.total.allocation_count, 0);
    return;
  }
  const queries::ProfileRecord& record = in.snapshot.profile->records.front();
  EXPECT_EQ(sums.by_site.size(), record.stats.size());
  for (const queries::SiteStatRow& row : record.stats) {
    ASSERT_TRUE(sums.by_site.contains(index(row.site)));
    const Sums& site = sums.by_site.at(index(row.site));
    EXPECT_EQ(site.allocation_count, row.allocation_count);
    EXPECT_EQ(site.allocated_bytes, row.allocated_bytes);
    EXPECT_EQ(site.live_bytes, row.live_bytes);
    if (counts_live) {
      EXPECT_EQ(site.live_count, row.live_count);
    }
  }
  for (const queries::SiteLifetimeRow& row : record.site_lifetimes) {
    if (row.clock != queries::LifetimeClock::bytes || !counts_live) continue;
    EXPECT_EQ(sums.by_site.at(index(row.site)).age_bytes, row.lifetime_sum);
  }
  EXPECT_EQ(sums.total.live_bytes, record.total.live_bytes);
  EXPECT_EQ(sums.peak_bytes, record.total.peak_bytes);
}

TEST(AllocationEvents, AreNotMadeUnlessAskedFor) {
  for (const std::string& file : {small_heaptrack(), small_mtrace, small_valgrind_trace, memray_capture(13)}) {
    const ImportedDump in(file);
    EXPECT_TRUE(in.rows.events.empty());
    for (const auto& [key, value] : in.snapshot.meta) EXPECT_FALSE(key.starts_with("event.")) << key;
    const ImportedDump no_sink(file, with_events(), false);
    EXPECT_EQ(no_sink.problem(), "");
  }
}

TEST(AllocationEvents, OfInterpretedHeaptrackNameTheYoungestOfTheKind) {
  for (const unsigned format : {1u, 2u, 3u}) {
    const ImportedDump in(small_heaptrack(format), with_events());
    EXPECT_EQ(in.problem(), "");
    EXPECT_EQ(text_of(in),
              "1 @0 allocation 16 by helper\n"
              "2 @0 allocation 4096 by helper\n"
              "3 @0 free -4096 of 2\n"
              "4 @10 allocation 16 by 0x401200\n"
              "5 @10 allocation 16 by helper\n"
              "6 @10 free -16 of 5\n");
    expect_sums_of_figures(in);
    EXPECT_EQ(in.meta("event.count"), "6");
    EXPECT_EQ(in.meta("event.is_estimated"), "1");
  }
}

TEST(AllocationEvents, OfRawHeaptrackHaveAddressesAndFindTheirAllocation) {
  HeaptrackWriter out;
  out.program("/opt/app");
  const std::uint32_t main = out.trace(0x2345, 0);
  out.allocate(100, main, 0xa000);
  out.allocate(200, main, 0xb000);
  out.time(20);
  out.free_address(0xa000);
  out.free_address(0xdead);
  out.allocate(50, main, 0xb000);  // its free was missed
  out.free_address(0xb000);
  const ImportedDump in(out.text(), with_events());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(text_of(in),
            "1 @0 allocation 0xa000 100 by 0x2345\n"
            "2 @0 allocation 0xb000 200 by 0x2345\n"
            "3 @20 free 0xa000 -100 of 1\n"
            "4 @20 free 0xdead\n"
            "5 @20 missed_free 0xb000 -200 of 2\n"
            "6 @20 allocation 0xb000 50 by 0x2345\n"
            "7 @20 free 0xb000 -50 of 6\n");
  expect_sums_of_figures(in);
  EXPECT_EQ(in.meta("event.is_estimated"), "0");
}

TEST(AllocationEvents, OfMtraceKnowWhoFrees) {
  const ImportedDump in(small_mtrace, with_events());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(text_of(in),
            "1 allocation 0xa000 100 by make(int)\n"
            "2 allocation 0xb000 16 by 0x11d0\n"
            "3 free 0xb000 -16 of 2 by 0x11d8\n"
            "4 realloc 0xc000 32 by 0x11d8\n"
            "5 allocation 0xd000 8 by 0x4005fb\n"
            "6 free 0xa000 -100 of 1 by 0x4005fb\n"
            "7 free 0xeeee\n");
  expect_sums_of_figures(in);
}

TEST(AllocationEvents, OfValgrindKnowTheFunction) {
  const ImportedDump in(small_valgrind_trace, with_events());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(text_of(in),
            "1 malloc 0x4a44040 163 by malloc\n"
            "2 new 0x4a44130 24 by operator new(unsigned long)\n"
            "3 free 0x4a44040 -163 of 1\n"
            "4 realloc 0x4a45bf0 4096 by realloc\n"
            "5 delete 0x4a44130 -24 of 2\n");
  expect_sums_of_figures(in);
}

TEST(AllocationEvents, OfMemrayHaveThreadsTimesAndPartsOfMappings) {
  for (const int version : memray_versions) {
    const ImportedDump in(memray_capture(version), with_events());
    EXPECT_EQ(in.problem(), "");
    EXPECT_EQ(text_of(in),
              "1 @1 malloc 0x10010 100 by leak in 0\n"
              "2 @1 pymalloc_malloc 0x10110 32 by leak in 0\n"
              "3 @1 free 0x10010 -100 of 1 in 0\n"
              "4 @1 calloc 0x10210 100 by leak in 0\n"
              "5 @40 mmap 0x7f0000000000 16384 in 1\n"
              "6 @40 munmap 0x7f0000001000 -4096 of 5 in 1\n"
              "7 @40 free 0x10210 -100 of 4 in 0\n"
              "8 @40 realloc 0x10410 200 by main in 0\n");
    expect_sums_of_figures(in, false);
    ASSERT_EQ(in.snapshot.threads.size(), 2U);
    EXPECT_EQ(in.snapshot.threads[0].name, "MainThread");
    EXPECT_EQ(in.snapshot.threads[1].name, "");
  }
}

TEST(AllocationEvents, OfMappingsEndWholeOrInPartsAsMunmapSays) {
  const std::uint64_t at = 0x7f0000000000;
  const ImportedDump in(MemrayWriter({.version = 13})
                            .allocate(Allocator::mmap, at, 0x3000)
                            .allocate(Allocator::mmap, at + 0x3000, 0x1000)
                            .allocate(Allocator::munmap, at + 0x1000, 0x2800)  // of the first one; not page by page
                            .allocate(Allocator::munmap, at, 0x8000)           // all that is left
                            .allocate(Allocator::munmap, at, 0x1000)           // nothing is left
                            .allocate(Allocator::mmap, at, 0x2000)
                            .allocate(Allocator::mmap, at + 0x1000, 0x2000)  // over the end of the one before
                            .end()
                            .bytes(),
                        with_events());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(text_of(in),
            "1 @0 mmap 0x7f0000000000 12288\n"
            "2 @0 mmap 0x7f0000003000 4096\n"
            "3 @0 munmap 0x7f0000001000 -8192 of 1\n"
            "4 @0 munmap 0x7f0000003000 -2048 of 2\n"
            "5 @0 munmap 0x7f0000000000 -4096 of 1\n"
            "6 @0 munmap 0x7f0000003800 -2048 of 2\n"
            "7 @0 munmap 0x7f0000000000\n"
            "8 @0 mmap 0x7f0000000000 8192\n"
            "9 @0 munmap 0x7f0000001000 -4096 of 8\n"
            "10 @0 mmap 0x7f0000001000 8192\n");
  expect_sums_of_figures(in, false);
}

TEST(AllocationEvents, OfAggregatedMemrayAreRefused) {
  for (const int version : memray_versions) {
    EXPECT_THROW(ImportedDump(memray_aggregated(version), with_events()), NoEvents);
  }
}

TEST(AllocationEvents, AreOfTheseFormatsOnly) {
  std::set<std::string_view> with;
  for (const importers::Importer& importer : importers::all_importers()) {
    if (importer.instead_of_events.empty()) with.insert(importer.name);
  }
  EXPECT_EQ(with, (std::set<std::string_view>{"heaptrack", "memray", "mtrace", "valgrind_trace"}));
}

TEST(AllocationEvents, ACutRecordingKeepsTheEventsThatWereRead) {
  for (const std::string& whole :
       {small_heaptrack(), small_mtrace, small_valgrind_trace, memray_capture(11), memray_capture(13)}) {
    const std::string all = text_of(ImportedDump(whole, with_events()));
    std::size_t most = 0;
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const std::string part = whole.substr(0, size);
      if (importers::find_importer(std::as_bytes(std::span(part))) == nullptr) continue;
      try {
        const ImportedDump in(part, with_events());
        ASSERT_EQ(in.problem(), "") << size;
        ASSERT_TRUE(all.starts_with(text_of(in))) << size;
        ASSERT_GE(in.rows.events.size(), most) << size;
        most = in.rows.events.size();
        expect_sums_of_figures(in, false);
      } catch (const formats::InputError&) {  // cut within a header
      }
    }
    EXPECT_EQ(most, ImportedDump(whole, with_events()).rows.events.size());
  }
}

TEST(AllocationEvents, EveryFlippedByteLeavesThemSound) {
  for (const std::string& whole :
       {small_heaptrack(), small_mtrace, small_valgrind_trace, memray_capture(11), memray_capture(13)}) {
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (const int flip : {0x01, 0x10, 0x41, 0x80}) {
        std::string file = whole;
        file[at] = static_cast<char>(file[at] ^ flip);
        if (importers::find_importer(std::as_bytes(std::span(file))) == nullptr) continue;
        try {
          ASSERT_EQ(ImportedDump(file, with_events()).problem(), "") << at;
        } catch (const formats::InputError&) {  // another version
        } catch (const NoEvents&) {             // an aggregated capture
        }
      }
    }
  }
}

/// Lifetimes in allocated bytes, peak and figures by site of random traces, from the rows alone.
TEST(AllocationEvents, SayWhatTheSlowWaySays) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    std::mt19937 engine(seed);
    const auto random = [&](unsigned below) { return static_cast<unsigned>(engine() % below); };
    std::vector<TraceEvent> trace;
    std::set<std::uint64_t> live;
    while (trace.size() < 3000) {
      const std::uint64_t address = 0x1000 + 16 * random(seed < 25 ? 40 : 3000);
      if (live.erase(address) != 0 || random(16) == 0) {
        trace.push_back({false, address, 0, 0});
      } else {
        live.insert(address);
        trace.push_back({true, address, 8u << random(6), random(5)});
      }
    }
    const formats::Input input = formats::Input::borrow({});
    queries::Snapshot snapshot;
    RecordingSink sink;
    const importers::ImportJob job{input, with_events(), snapshot, &sink, nullptr, {}};
    importers::EventRows rows(job);
    importers::BlockEvents events(rows);
    for (const TraceEvent& event : trace) {
      event.is_allocation ? events.allocate(EventKind::malloc, event.address, event.size, SiteId{event.site})
                          : events.free(EventKind::free, event.address, queries::no_site);
    }
    const NaiveTrace naive(trace);
    const EventSums sums(sink.events);
    ASSERT_EQ(sums.by_site.size(), naive.sites.size());
    for (const auto& [site, figures] : naive.sites) {
      EXPECT_EQ(sums.by_site.at(site).allocation_count, figures.allocation_count);
      EXPECT_EQ(sums.by_site.at(site).live_count, figures.live_count);
      EXPECT_EQ(sums.by_site.at(site).live_bytes, figures.live_bytes);
    }
    EXPECT_EQ(sums.peak_bytes, naive.total.peak_bytes);
    EXPECT_EQ(sums.unknown_ends, static_cast<std::int64_t>(naive.unknown_frees));
    std::vector<std::uint64_t> allocated;  // by the program, up to and with each event
    std::vector<std::pair<std::uint64_t, std::uint64_t>> ages;
    std::int64_t temporary_count = 0;
    for (const AllocationEvent& event : sink.events) {
      const std::uint64_t before = allocated.empty() ? 0 : allocated.back();
      allocated.push_back(before + (ends_block(event.kind) ? 0 : static_cast<std::uint64_t>(event.size)));
      if (event.allocation == 0) continue;
      ages.emplace_back(before - allocated[event.allocation - 1], static_cast<std::uint64_t>(event.size));
      temporary_count += event.allocation + 1 == event.id;
    }
    EXPECT_EQ(ages, naive.ages);
    EXPECT_EQ(temporary_count, naive.total.temporary_count);
  }
}

/// Counts: lines that `zstdcat FILE | grep -c '^[+-] '` finds, those of mtrace but its marks, calls that memray counts.
TEST(AllocationEvents, OfRealRecordingsSumToTheirFigures) {
  if (!std::filesystem::exists(trace_data_folder())) GTEST_SKIP() << "no real traces here: set HEAPQL_DATA";
  struct Known {
    const char* name;
    std::size_t events;
  };
  for (const Known& known : {
           Known{"heaptrack/ht-git.zst", 153'342},
           Known{"heaptrack/ht14-server20k.raw.zst", 1'137'593},
           Known{"mtrace/server-20k.mtrace.gz", 1'137'591},
           Known{"memray/pywork2-default.v13.bin", 7'307},
           Known{"memray/pywork2-pyalloc.v11.bin", 694'142},
       }) {
    SCOPED_TRACE(known.name);
    formats::DamageLog damage;
    const formats::Input input = formats::Input::open((trace_data_folder() / known.name).string(), damage);
    const std::string_view text = formats::as_text(input.bytes());
    const ImportedDump in(text, with_events());
    EXPECT_EQ(in.problem(), "");
    EXPECT_EQ(in.rows.events.size(), known.events);
    expect_sums_of_figures(in, !std::string_view(known.name).starts_with("memray"));
  }
}

}  // namespace
}  // namespace tests
