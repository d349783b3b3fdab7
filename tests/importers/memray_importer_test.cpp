// memray captures → sites and figures; and real ones against what memray itself says of them.
#include <gtest/gtest.h>

#include "tests/importers/imported_profile.h"
#include "tests/support/memray_writer.h"
#include "tests/support/trace_data.h"

namespace tests {
namespace {

using formats::memray::Allocator;
using queries::not_known;
using queries::SiteStatRow;

class MemrayImports : public testing::TestWithParam<int> {};

TEST_P(MemrayImports, CountEveryAllocationWhereItHappened) {
  const ImportedProfile in(memray_capture(GetParam()));
  ASSERT_EQ(in.problem(), "");
  EXPECT_EQ(in.snapshot.damage_count, 0U);
  const SiteStatRow* first = in.stat("leak app.py:11 < main app.py:21");
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->allocation_count, 2);
  EXPECT_EQ(first->allocated_bytes, 132);
  EXPECT_EQ(first->live_bytes, 32);
  const SiteStatRow* second = in.stat("leak app.py:11 < main app.py:23");
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(second->live_count, 0);
  EXPECT_NE(in.stat("main app.py:23"), nullptr);
  EXPECT_EQ(in.total().allocation_count, 5);
  EXPECT_EQ(in.total().allocated_bytes, 100 + 32 + 100 + 0x4000 + 200);
  EXPECT_EQ(in.total().live_count, 1 + 2 + 1);  // the mapping was cut into two
  EXPECT_EQ(in.total().live_bytes, 32 + 0x3000 + 200);
  EXPECT_EQ(in.total().peak_bytes, 32 + 100 + 0x4000);
  EXPECT_EQ(in.meta("memray.calls.munmap"), "1");
  EXPECT_EQ(in.profile().seconds, 0.1);  // of the header: the last sample of memory is earlier
  ASSERT_EQ(in.snapshot.threads.size(), 1U);
  EXPECT_EQ(in.snapshot.threads[0].name, "MainThread");
}

TEST_P(MemrayImports, AggregatedOnesHavePeakAndEndAndNoCounts) {
  const ImportedProfile in(memray_aggregated(GetParam()));
  ASSERT_EQ(in.problem(), "");
  const SiteStatRow* leak = in.stat("leak app.py:11 < main app.py:21");
  ASSERT_NE(leak, nullptr);
  EXPECT_EQ(leak->peak_bytes, 132);
  EXPECT_EQ(leak->peak_count, 2);
  EXPECT_EQ(leak->live_bytes, 32);
  EXPECT_EQ(leak->allocation_count, not_known);
  EXPECT_EQ(in.total().peak_bytes, 182);
  EXPECT_EQ(in.record().leaks.size(), 2U);
  ASSERT_EQ(in.profile().series.size(), 2U);
  EXPECT_EQ(in.profile().series[0].points.back().value, 132);
}

TEST_P(MemrayImports, NativeFramesOfExtensionsComeBelowThePythonFrame) {
  MemrayWriter writer({.version = GetParam(), .native = true});
  if (GetParam() < 12) {
    writer.frame(1, "work", "app.py", 3).push(1);
  } else {
    writer.code(1, "work", "app.py", 3, location_table(3, {{4, 3}})).push(1, 0);
  }
  writer.memory_map().module("/usr/lib/libpython3.13.so.1.0", 0x10000, 0, 0x1000);
  writer.module("/ext/fast.so", 0x20000, 0x100, 0x1000).module("/lib/libc.so.6", 0x30000, 0, 0x1000);
  writer.native_frame(0x10010, 0).native_frame(0x20110, 1).native_frame(0x30020, 2);
  writer.allocate(Allocator::malloc, 0x40, 8, 3).end();
  const ImportedProfile in(writer.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_NE(in.stat("libc.so.6+0x20 in /lib/libc.so.6 < fast.so+0x110 in /ext/fast.so < work app.py:3"), nullptr);
}

TEST_P(MemrayImports, EveryTruncationAndEveryFlippedByteIsAProfileOrARefusal) {
  const auto import = [](const std::string& file) {
    try {
      const ImportedProfile in(file);
      EXPECT_EQ(in.problem(), "");
    } catch (const formats::InputError&) {  // another version, or no header
    }
  };
  for (const std::string& whole : {memray_capture(GetParam()), memray_aggregated(GetParam())}) {
    for (std::size_t size = 0; size < whole.size(); ++size) import(whole.substr(0, size));
    for (std::size_t at = 0; at < whole.size(); ++at) {
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ 0x41);
      import(flipped);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Memray, MemrayImports, testing::Values(11, 12, 13));

TEST(MemrayImporter, RefusesOtherVersionsAndSaysWhatToDo) {
  try {
    const ImportedProfile in(MemrayWriter({.version = 9}).end().bytes());
    FAIL() << "version 9 is not read";
  } catch (const formats::InputError& error) {
    EXPECT_STREQ(
        error.what(),
        "test.profile: a memray capture of version 9; read are 11 to 13: record again with memray 1.11 or later");
  }
}

TEST(MemrayImporter, FreesOfOlderBlocksAreToldAndCountNothing) {
  const ImportedProfile in(MemrayWriter({.version = 13})
                               .allocate(Allocator::free, 0x1000, 0)
                               .allocate(Allocator::malloc, 0x2000, 8)
                               .end()
                               .bytes());
  EXPECT_EQ(in.total().live_bytes, 8);
  EXPECT_EQ(in.meta("memray.frees_of_older_blocks"), "1");
}

class RealMemray : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(folder())) GTEST_SKIP() << "no real captures here: set HEAPQL_DATA to their folder";
  }
  static std::filesystem::path folder() { return trace_data_folder() / "memray"; }
};

TEST_F(RealMemray, HaveTheFiguresThatMemrayPrints) {
  struct Known {
    const char* name;
    std::int64_t allocation_count, allocated_bytes, peak_bytes;
    const char* function;
    int line;
    std::int64_t function_bytes, function_count;
  };
  static constexpr Known all[] = {
      {"pywork2-default.v11.bin", 3'669, 19'542'494, 0, "parse", 50, 6'064'382, 0},
      {"pywork2-default.v12.bin", 3'668, 18'493'918, 0, "parse", 50, 7'112'958, 0},
      {"pywork2-default.v13.bin", 3'668, 18'493'918, 0, "parse", 50, 6'064'382, 0},
      {"pywork2-pyalloc.v11.bin", 375'702, 0, 0, "make", 7, 0, 31'520},
      {"pywork2-pyalloc.v12.bin", 375'876, 32'958'422, 0, "raw_decode", 361, 0, 92'712},
      {"pywork2-pyalloc.v13.bin", 375'898, 32'959'914, 6'187'855, "make", 7, 0, 31'524},
  };
  for (const Known& known : all) {
    SCOPED_TRACE(known.name);
    const ImportedProfile in(folder() / known.name);
    EXPECT_EQ(in.problem(), "");
    EXPECT_EQ(in.snapshot.damage_count + in.input_damage.count(), 0U);
    EXPECT_EQ(in.total().allocation_count, known.allocation_count);
    if (known.allocated_bytes != 0) {
      EXPECT_EQ(in.total().allocated_bytes, known.allocated_bytes);
    }
    if (known.peak_bytes != 0) {
      EXPECT_EQ(in.total().peak_bytes, known.peak_bytes);
    }
    std::int64_t bytes = 0, count = 0;
    for (const SiteStatRow& row : in.record().stats) {
      if (row.site == queries::no_site) continue;
      const queries::SiteFrame frame = in.profile().sites.frame(row.site);
      if (frame.function != known.function || frame.line != known.line) continue;
      bytes += row.allocated_bytes;
      count += row.allocation_count;
    }
    if (known.function_bytes != 0) {
      EXPECT_EQ(bytes, known.function_bytes);
    }
    if (known.function_count != 0) {
      EXPECT_EQ(count, known.function_count);
    }
  }
}

TEST_F(RealMemray, AggregatedOnesAreReadToTheirEnd) {
  struct Known {
    const char* name;
    std::int64_t peak_count, peak_bytes, live_count, live_bytes;
  };
  static constexpr Known all[] = {
      {"pywork2-agg.v11.bin", 77'232, 6'185'522, 57'633, 3'148'591},
      {"pywork2-agg.v12.bin", 77'241, 6'186'007, 57'642, 3'149'076},
      {"pywork2-agg.v13.bin", 77'267, 6'187'711, 57'669, 3'150'852},
  };
  for (const Known& known : all) {
    SCOPED_TRACE(known.name);
    const ImportedProfile in(folder() / known.name);
    EXPECT_EQ(in.problem(), "");
    EXPECT_EQ(in.snapshot.damage_count, 0U);
    EXPECT_EQ(in.total().peak_count, known.peak_count);
    EXPECT_EQ(in.total().peak_bytes, known.peak_bytes);
    EXPECT_EQ(in.total().live_count, known.live_count);
    EXPECT_EQ(in.total().live_bytes, known.live_bytes);
  }
}

}  // namespace
}  // namespace tests
