// Allocation traces, imported whole: what the profile says of small recordings, and that no truncation or flipped byte
// does more than lose lines.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "formats/bytes.h"
#include "importers/registry.h"
#include "queries/allocation_profile.h"
#include "tests/support/heaptrack_writer.h"
#include "tests/support/malloc_traces.h"

namespace {

using formats::DamageLog;
using formats::Input;
using queries::AllocationProfile;
using queries::ProfileRecord;
using queries::SiteFrame;
using queries::SiteId;

struct Imported {
  explicit Imported(const Input& input) {
    importers::ImportJob job{input, {}, snapshot, nullptr, nullptr, {}};
    const importers::Importer* importer = importers::find_importer(input.head(4096));
    if (importer == nullptr) throw formats::InputError("no importer");
    name = importer->name;
    importer->run(job);
  }
  explicit Imported(const std::string& text) : Imported(Input::borrow(std::as_bytes(std::span(text)))) {}

  [[nodiscard]] const AllocationProfile& profile() const { return *snapshot.profile; }
  [[nodiscard]] const ProfileRecord& record() const { return snapshot.profile->records.at(0); }
  [[nodiscard]] std::string meta(std::string_view key) const {
    for (const auto& [name_, value] : snapshot.meta) {
      if (name_ == key) return value;
    }
    return "(none)";
  }
  /// "helper (inlined) < app::serve(int) < main", innermost first.
  [[nodiscard]] std::string path(SiteId site) const {
    std::string text;
    for (; site != queries::no_site; site = profile().sites[site].parent) {
      const SiteFrame frame = profile().sites.frame(site);
      text += (text.empty() ? "" : " < ") + std::string(frame.function) + (frame.is_inlined ? " (inlined)" : "");
    }
    return text;
  }

  std::string_view name;
  queries::Snapshot snapshot;
};

TEST(HeaptrackImport, HasPathsFiguresSuppressionsAndTimes) {
  for (const unsigned format : {1u, 2u, 3u}) {
    const Imported in(tests::small_heaptrack(format));
    EXPECT_EQ(in.name, "heaptrack");
    EXPECT_EQ(in.snapshot.damage_count, 0u);
    EXPECT_TRUE(in.snapshot.warnings.empty());
    EXPECT_EQ(in.meta("command"), "/opt/app --serve");
    EXPECT_EQ(in.meta("heaptrack.format"), std::to_string(format));
    ASSERT_EQ(in.record().stats.size(), 2u);
    const queries::SiteStatRow& serve = in.record().stats[0];
    EXPECT_EQ(in.path(serve.site), "helper (inlined) < app::serve(int) < main");
    EXPECT_EQ(in.profile().sites.frame(serve.site).file, "my file.cpp");
    EXPECT_EQ(in.profile().sites.frame(serve.site).line, 40);
    EXPECT_EQ(serve.allocation_count, 3);
    EXPECT_EQ(serve.allocated_bytes, 16 + 4096 + 16);
    EXPECT_EQ(serve.live_bytes, 16);
    EXPECT_EQ(serve.peak_bytes, 16 + 4096);
    EXPECT_EQ(serve.max_bytes, 16 + 4096);
    EXPECT_EQ(serve.temporary_count, 2);
    EXPECT_EQ(in.path(in.record().stats[1].site), "0x401200 < main");
    EXPECT_EQ(in.record().total.live_bytes, 32);
    EXPECT_EQ(in.record().total.temporary_count, 2);
    EXPECT_EQ(in.profile().seconds, 0.03);
    EXPECT_EQ(in.profile().suppressions, (std::vector<std::string>{"known_leak", "other*"}));
    ASSERT_EQ(in.record().leaks.size(), 2u);
    EXPECT_EQ(in.record().leaks[0].bytes, 16);
  }
}

TEST(HeaptrackImport, RawFilesNameFramesByModuleAndOffset) {
  tests::HeaptrackWriter out;
  out.program("/opt/app");
  out.command("/opt/app");
  out.page_size(4096);
  out.no_modules();
  out.module("x", 0x550000000000, {{0, 0x1000}, {0x2000, 0x1000}});
  out.module("/lib/libc.so.6", 0x7f0000000000, {{0, 0x100000}});
  const std::uint32_t main = out.trace(0x550000002345, 0);
  const std::uint32_t libc = out.trace(0x7f0000000777, main);
  const std::uint32_t hole = out.trace(0x550000001500, main);
  out.allocate(100, libc, 0xa000);
  out.allocate(200, hole, 0xb000);
  out.no_modules();
  const std::uint32_t unloaded = out.trace(0x7f0000000777, main);
  out.allocate(300, unloaded, 0xc000);
  out.free_address(0xa000);
  out.free_address(0xdead);
  const Imported in(out.text());
  EXPECT_EQ(in.snapshot.damage_count, 0u);
  ASSERT_EQ(in.record().stats.size(), 3u);
  EXPECT_EQ(in.path(in.record().stats[0].site), "0x777 < 0x2345");
  EXPECT_EQ(in.profile().sites.frame(in.record().stats[0].site).module, "/lib/libc.so.6");
  EXPECT_EQ(in.path(in.record().stats[1].site), "0x550000001500 < 0x2345");
  EXPECT_EQ(in.path(in.record().stats[2].site), "0x7f0000000777 < 0x2345");
  EXPECT_EQ(in.record().total.live_bytes, 500);
  EXPECT_EQ(in.meta("unknown_frees"), "1");
  EXPECT_FALSE(in.record().site_lifetimes.at(0).is_estimated);
}

TEST(HeaptrackImport, FormatZeroHasAddresses) {
  tests::HeaptrackWriter out(0);
  out.command("/opt/app");
  const std::uint32_t module = out.string("/opt/app");
  const std::uint32_t main = out.string("main");
  const std::uint32_t trace = out.trace(out.pointer(0x10, module, {{main, 0, 0}}), 0);
  out.allocate(24, trace, 0xa000);
  out.allocate(24, trace, 0xb000);
  out.free_address(0xa000);
  const Imported in(out.text());
  EXPECT_EQ(in.snapshot.damage_count, 0u);
  EXPECT_EQ(in.record().total.live_bytes, 24);
  EXPECT_EQ(in.path(in.record().stats.at(0).site), "main");
}

TEST(HeaptrackImport, LinesThatReferToNothingAreDamage) {
  std::string text = tests::small_heaptrack();
  text += "+ 7777\n- 7777\nt ffff 0\nt 1 ffff\na 10 ffff\ni x\ns 5 four\n+ 3\n+ 1 2 3\n";
  const Imported in(text);
  EXPECT_EQ(in.snapshot.damage_count, 8u);
  EXPECT_EQ(in.record().total.live_count, 3);  // "+ 3" is the damaged kind, of no size
  EXPECT_EQ(in.record().total.live_bytes, 32);
}

TEST(HeaptrackImport, FormatsOfTheFutureAreRefused) {
  EXPECT_THROW(Imported("v 20000 4\nX app\nI 1000 1\n+ 1\n"), formats::InputError);
}

TEST(HeaptrackImport, EveryTruncationSaysSo) {
  const std::string whole = tests::small_heaptrack();
  const std::size_t end_mark = whole.find("# strings");
  std::int64_t before = 0;
  for (std::size_t size = 40; size < end_mark; ++size) {
    const Imported in(whole.substr(0, size));
    EXPECT_FALSE(in.snapshot.warnings.empty()) << size;
    const std::int64_t count = in.record().stats.empty() ? 0 : in.record().total.allocation_count;
    EXPECT_GE(count, before);
    before = count;
  }
  EXPECT_EQ(before, 4);
}

/// Sums of rows, and live = allocated - freed, whatever the bytes were.
void expect_consistent(const Imported& in) {
  std::int64_t count = 0, bytes = 0, live = 0, peak = 0;
  for (const queries::SiteStatRow& row : in.record().stats) {
    count += row.allocation_count;
    live += row.live_count;
    peak += row.peak_bytes;
    EXPECT_LE(row.live_count, row.allocation_count);
    EXPECT_LE(row.temporary_count, row.allocation_count);
    EXPECT_LE(row.peak_bytes, row.max_bytes);
  }
  for (const queries::SiteSizeRow& row : in.record().sizes) bytes += row.allocated_bytes;
  if (in.record().stats.empty()) return;
  const queries::SiteStatRow& total = in.record().total;
  EXPECT_EQ(count, total.allocation_count);
  EXPECT_EQ(bytes, total.allocated_bytes);
  EXPECT_EQ(live, total.live_count);
  EXPECT_EQ(peak, total.peak_bytes);
  EXPECT_EQ(peak, total.max_bytes);
}

TEST(MtraceImport, HasCallersAndFigures) {
  const Imported in(tests::small_mtrace);
  EXPECT_EQ(in.name, "mtrace");
  EXPECT_EQ(in.snapshot.damage_count, 0u);
  expect_consistent(in);
  ASSERT_EQ(in.record().stats.size(), 4u);
  EXPECT_EQ(in.path(in.record().stats[0].site), "make(int)");
  EXPECT_EQ(in.path(in.record().stats[1].site), "0x11d0");
  EXPECT_EQ(in.profile().sites.frame(in.record().stats[1].site).module, "/opt/my app");
  EXPECT_EQ(in.record().stats[1].temporary_count, 1);  // what realloc moved at once
  EXPECT_EQ(in.record().total.allocation_count, 4);
  EXPECT_EQ(in.record().total.live_bytes, 0x28);
  EXPECT_EQ(in.record().total.peak_bytes, 0x64 + 0x20 + 8);
  EXPECT_EQ(in.meta("unknown_frees"), "1");
}

TEST(MtraceImport, AFileThatTwoProcessesWroteIsSaidToBe) {
  std::string text = tests::small_mtrace;
  text.insert(text.find('\n') + 1, std::string(100, '\0'));
  const Imported in(text);
  ASSERT_EQ(in.snapshot.damage.size(), 1u);
  EXPECT_NE(in.snapshot.damage[0].what.find("another process"), std::string::npos);
}

TEST(ValgrindTraceImport, HasFunctionsAndFigures) {
  const Imported in(tests::small_valgrind_trace);
  EXPECT_EQ(in.name, "valgrind_trace");
  expect_consistent(in);
  EXPECT_EQ(in.meta("command"), "/opt/app 200");
  EXPECT_EQ(in.record().total.allocation_count, 3);
  EXPECT_EQ(in.record().total.live_bytes, 4096);
  EXPECT_EQ(in.path(in.record().stats[1].site), "operator new(unsigned long)");
}

TEST(ValgrindTraceImport, IsOfOneProcess) {  // a fork goes on in the same file
  std::string text = tests::small_valgrind_trace;
  text += "--14930-- malloc(1000) = 0x4A45BF0\n--14930-- free(0x4A45BF0)\n--14927-- malloc(1) = 0x4A46000\n";
  const Imported in(text);
  expect_consistent(in);
  EXPECT_EQ(in.record().total.allocation_count, 4);
  EXPECT_EQ(in.record().total.live_bytes, 4097);
  ASSERT_EQ(in.snapshot.warnings.size(), 1u);
  EXPECT_TRUE(in.snapshot.warnings[0].starts_with("2 events of other processes")) << in.snapshot.warnings[0];
}

TEST(Traces, EveryTruncationAndEveryByteFlipIsConsistent) {
  for (const std::string& whole : {tests::small_heaptrack(), tests::small_mtrace, tests::small_valgrind_trace}) {
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (const int flip : {0, 0x01, 0x10, 0xff}) {
        std::string text = flip == 0 ? whole.substr(0, at) : whole;
        if (flip != 0) text[at] = static_cast<char>(text[at] ^ flip);
        try {
          const Imported in(text);
          if (in.snapshot.profile) expect_consistent(in);
        } catch (const formats::InputError&) {  // nobody's format any more
        }
      }
    }
  }
}

std::filesystem::path data_folder() {
  const char* named = std::getenv("HEAPQL_DATA");
  return (named != nullptr ? std::filesystem::path(named)
                           : std::filesystem::path(HEAPQL_SOURCE_DIR) / "../shared/data") /
         "trace";
}

/// What heaptrack_print 1.4 says of them, and the programs' own counters. Its temporary ones: one more in files whose
/// kind 0 is freed after another free, which it takes for a temporary (its mark for "none" is kind 0).
TEST(RealTraces, HaveTheFiguresOfTheReferenceTools) {
  if (!std::filesystem::exists(data_folder())) GTEST_SKIP() << "no real traces here: set HEAPQL_DATA to their folder";
  struct Known {
    const char* name;
    std::int64_t calls, leaked, peak, temporary;
    bool is_cut = false;
  };
  for (const Known& known : {
           Known{"heaptrack/ht-git.zst", 77'244, 7'922'185, 8'420'292, 15'632 - 1},
           Known{"heaptrack/ht-sqlite.zst", 834'842, 8'937, 37'839'999, 414'613 - 1},
           Known{"heaptrack/ht14-server20k.zst", 571'429, 4'503'667, 4'590'040, 140'000},
           Known{"heaptrack/ht15-server20k-v3.zst", 571'429, 4'503'667, 4'591'064, 140'000},
           Known{"heaptrack/ht14-server20k.raw.zst", 571'429, 4'503'667, 4'590'040, 140'000},
           Known{"heaptrack/ht14-supp.zst", 2, 1'234, 73'938, 0},
           Known{"heaptrack/ht-truncated-3MB.zst", 9'417'167, 7'543'468, 10'704'810, 825'375, true},
           Known{"mtrace/mtr.mtrace", 16, 3 * 100 + 4096, 300 + 20'000, 5},
           Known{"mtrace/server-20k.mtrace.gz", 571'428, 4'503'667, 4'517'336, 140'000},
       }) {
    DamageLog damage;
    formats::InputOptions options;
    options.inflate_later = true;
    const Input input = Input::open((data_folder() / known.name).string(), damage, options);
    const Imported in(input);
    const queries::SiteStatRow& total = in.record().total;
    EXPECT_EQ(total.allocation_count, known.calls) << known.name;
    EXPECT_EQ(total.live_bytes, known.leaked) << known.name;
    EXPECT_EQ(total.peak_bytes, known.peak) << known.name;
    EXPECT_EQ(total.temporary_count, known.temporary) << known.name;
    EXPECT_EQ(in.meta("unknown_frees"), "0") << known.name;
    EXPECT_EQ(damage.count() != 0, known.is_cut) << known.name;
    expect_consistent(in);
  }
}

}  // namespace
