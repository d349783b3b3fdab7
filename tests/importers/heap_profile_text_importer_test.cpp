// Text heap profiles and jemalloc's → sites and figures; and real ones against what pprof and jeprof say of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>

#include "formats/text_lines.h"
#include "tests/importers/imported_profile.h"
#include "tests/support/heap_profile_writer.h"
#include "tests/support/trace_data.h"

namespace tests {
namespace {

using queries::not_known;
using queries::SiteStatRow;

TEST(HeapProfileTextImporter, GperftoolsFiguresAreExactAndAddressesHaveModules) {
  const ImportedProfile in(gperftools_profile());
  ASSERT_EQ(in.problem(), "");
  EXPECT_EQ(in.total().live_count, 3);
  EXPECT_EQ(in.total().live_bytes, 196);
  EXPECT_EQ(in.total().allocation_count, 14);
  EXPECT_EQ(in.total().allocated_bytes, 1296);
  EXPECT_EQ(in.total().live_samples, not_known);
  EXPECT_NE(in.stat("app+0x1005 in /srv/app < app+0x2010 in /srv/app"), nullptr);
  EXPECT_NE(in.stat("x.so+0x3234 in /lib/x.so < app+0x2010 in /srv/app"), nullptr);
  EXPECT_NE(in.stat("app+0x1005 in /srv/app < 0x990000"), nullptr);
}

TEST(HeapProfileTextImporter, WhatGperftoolsLeavesOutIsOfNoSite) {  // it writes 1 MiB at most
  std::string text = gperftools_profile();
  const std::size_t at = text.rfind('\n', text.find("990000")) + 1;
  text.erase(at, text.find('\n', at) + 1 - at);
  const ImportedProfile in(text);
  ASSERT_EQ(in.problem(), "");
  EXPECT_EQ(in.total().allocation_count, 14);  // as the first line says
  EXPECT_EQ(in.total().allocated_bytes, 1296);
  ASSERT_NE(in.stat("(unknown)"), nullptr);
  EXPECT_EQ(in.stat("(unknown)")->allocation_count, 10);
  EXPECT_EQ(in.stat("(unknown)")->live_count, 0);
  const auto says_so = [](const ImportedProfile& profile) {
    const auto& warnings = profile.snapshot.warnings;
    return std::any_of(warnings.begin(), warnings.end(),
                       [](const std::string& one) { return one.find("leaves call paths out") != std::string::npos; });
  };
  EXPECT_TRUE(says_so(in));
  EXPECT_FALSE(says_so(ImportedProfile(gperftools_profile())));
}

TEST(HeapProfileTextImporter, GosTextIsScaledAndNamedByItsLinesOfSymbols) {
  const ImportedProfile in(go_text_profile());
  ASSERT_EQ(in.problem(), "");
  EXPECT_EQ(in.profile().sampling.mean_interval_bytes, 16);
  const SiteStatRow* leak =
      in.stat("main.keep /srv/main.go:7 < main.leak /srv/main.go:9 < runtime.main /go/proc.go:250");
  ASSERT_NE(leak, nullptr);
  const double weight = 1 / (1 - std::exp(-1.0));  // blocks of 16 bytes, sampled every 16
  EXPECT_EQ(leak->live_count, static_cast<std::int64_t>(3 * weight));
  EXPECT_EQ(leak->live_bytes, static_cast<std::int64_t>(48 * weight));
  EXPECT_EQ(leak->live_samples, 3);
  EXPECT_EQ(leak->allocation_samples, 4);
  EXPECT_EQ(in.meta("go.HeapAlloc"), "9351984");
  EXPECT_EQ(in.snapshot.runtime, "Go");
  EXPECT_NE(in.stat("(unknown)"), nullptr);
}

TEST(HeapProfileTextImporter, AJvmsHeapzHasNamesAndNoAllocations) {
  const ImportedProfile in(java_text_profile());
  ASSERT_EQ(in.problem(), "");
  const SiteStatRow* put = in.stat("com.example.Cache.put Cache.java:103 < com.example.Main.main Main.java:4");
  ASSERT_NE(put, nullptr);
  EXPECT_EQ(put->live_count, 74);
  EXPECT_EQ(put->live_bytes, 527819);
  EXPECT_EQ(put->allocation_count, not_known);
}

TEST(HeapProfileTextImporter, NamesInFrontAreUsedInlinedOnesToo) {
  const ImportedProfile in(with_names(gperftools_profile()));
  EXPECT_NE(in.stat("std::vector::push_back in /srv/app (inlined) < leak in /srv/app < main in /srv/app"), nullptr);
  const ImportedProfile jemalloc(with_names(jemalloc_profile()));
  EXPECT_EQ(jemalloc.snapshot.format, "jemalloc_profile");
  EXPECT_NE(jemalloc.stat("std::vector::push_back in /srv/app (inlined) < leak in /srv/app < main in /srv/app"),
            nullptr);
}

TEST(HeapProfileTextImporter, RefusesOtherProfilesByName) {
  try {
    const ImportedProfile in(std::string_view("--- contentionz 1 ---\ncycles/second = 3201000000\n"));
    FAIL() << "a contention profile is no profile of memory";
  } catch (const formats::InputError& error) {
    EXPECT_STREQ(error.what(), "test.profile: that is a profile of contention, not of memory");
  }
}

TEST(JemallocProfileImporter, ScalesEachLineAndLeavesTheAllocatorOut) {
  const ImportedProfile in(jemalloc_profile());
  ASSERT_EQ(in.problem(), "");
  EXPECT_TRUE(in.profile().usable_sizes);
  const SiteStatRow* leak = in.stat("app+0x2005 in /srv/app < app+0x3010 in /srv/app");
  ASSERT_NE(leak, nullptr);
  const double weight = 1 / (1 - std::exp(-1.0));  // blocks of 1 KiB, sampled every 1 KiB
  EXPECT_EQ(leak->live_bytes, std::llround(4096 * weight));
  EXPECT_EQ(leak->live_samples, 4);
  EXPECT_EQ(leak->allocation_samples, 6);
  EXPECT_NE(in.stat("app+0x3010 in /srv/app"), nullptr);
  const double small = 1 / (1 - std::exp(-104.0 / 1024));
  EXPECT_EQ(in.total().live_bytes, std::llround(4096 * weight + 208 * small));
  EXPECT_EQ(in.meta("jemalloc.thread.0"), "main: 6 objects, 4304 bytes in its samples");
}

TEST(HeapProfileTextImporter, EveryTruncationAndEveryFlippedByteIsAProfileOrARefusal) {
  const auto import = [](const std::string& file) {
    try {
      const ImportedProfile in(file);
      EXPECT_EQ(in.problem(), "");
    } catch (const formats::InputError&) {  // nothing of memory in it
    }
  };
  for (const std::string& whole : {go_text_profile(), jemalloc_profile(), with_names(jemalloc_profile())}) {
    for (std::size_t size = 0; size < whole.size(); ++size) import(whole.substr(0, size));
    for (std::size_t at = 0; at < whole.size(); ++at) {
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ 0x11);
      import(flipped);
    }
  }
}

class RealHeapProfiles : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(folder())) GTEST_SKIP() << "no real profiles here: set HEAPQL_DATA to their folder";
  }
  static std::filesystem::path folder() { return trace_data_folder(); }

  /// Sums of the columns of a profile as google/pprof prints it, and how many samples it lists.
  struct Expected {
    std::array<std::int64_t, 4> sums{};
    std::size_t columns = 0, samples = 0;
  };
  static Expected expected(const std::filesystem::path& path) {
    std::ifstream file(path);
    Expected all;
    bool in_samples = false;
    for (std::string line; std::getline(file, line) && line != "Locations";) {
      if (line == "Samples:") in_samples = true;
      const std::size_t colon = line.find(':');
      if (!in_samples || colon == std::string::npos || line.find("bytes:[") != std::string::npos) continue;
      std::string_view numbers = std::string_view(line).substr(0, colon);
      std::size_t column = 0;
      for (std::string_view word = formats::take_word(numbers); !word.empty(); word = formats::take_word(numbers)) {
        const auto number = formats::parse_number<std::int64_t>(word);
        if (!number) break;
        all.sums.at(column++) += *number;
      }
      all.samples += column > 0 ? 1 : 0;
      all.columns = std::max(all.columns, column);
    }
    return all;
  }
};

TEST_F(RealHeapProfiles, GperftoolsHasTheCountsOfTheProgram) {
  const ImportedProfile in(folder() / "gperftools/server200k.0005.heap");
  EXPECT_EQ(in.snapshot.damage_count, 0U);
  EXPECT_EQ(in.total().live_count, 16'096);
  EXPECT_EQ(in.total().live_bytes, 5'225'024);
  EXPECT_EQ(in.total().allocation_count, 5'712'532);
  EXPECT_EQ(in.total().allocated_bytes, 2'092'161'080);
}

TEST_F(RealHeapProfiles, PprofsTestProfilesHaveTheFiguresThatPprofPrints) {
  for (const std::string name : {"cppbench.heap", "gobench.heap", "java.heap", "cppbench.growth"}) {
    SCOPED_TRACE(name);
    const std::filesystem::path profiles = folder() / "public/pprof/profile-testdata";
    const ImportedProfile in(profiles / name);
    const Expected known = expected(profiles / (name + ".string"));
    ASSERT_GT(known.samples, 0U);
    EXPECT_EQ(in.snapshot.damage_count, 0U);
    const bool has_allocations = known.columns == 4;
    EXPECT_EQ(in.total().live_count, known.sums.at(has_allocations ? 2 : 0));
    EXPECT_EQ(in.total().live_bytes, known.sums.at(has_allocations ? 3 : 1));
    EXPECT_EQ(in.total().allocation_count, has_allocations ? known.sums[0] : not_known);
    EXPECT_EQ(in.total().allocated_bytes, has_allocations ? known.sums[1] : not_known);
  }
  for (const char* other : {"cppbench.contention", "java.contention", "cppbench.thread", "go.godoc.thread"}) {
    EXPECT_THROW(ImportedProfile(folder() / "public/pprof/profile-testdata" / other), formats::InputError) << other;
  }
}

TEST_F(RealHeapProfiles, GosTextAndItsProtobufSayTheSame) {
  for (const std::string name : {"go/rate1/heap.004", "go/rate524288/heap.004", "go/rate524288/heap.001"}) {
    SCOPED_TRACE(name);
    const ImportedProfile in(folder() / (name + ".debug1.txt"));
    const ImportedProfile other(folder() / (name + ".pb.gz"));
    EXPECT_EQ(in.snapshot.damage_count, 0U);
    EXPECT_EQ(in.total().live_bytes, other.total().live_bytes);
    EXPECT_EQ(in.total().live_count, other.total().live_count);
    EXPECT_EQ(in.total().allocated_bytes, other.total().allocated_bytes);
    EXPECT_EQ(in.total().allocation_count, other.total().allocation_count);
    for (const char* function : {"main.leakSession", "main.request", "strconv.formatBits"}) {
      EXPECT_EQ(in.flat(function, &SiteStatRow::live_bytes), other.flat(function, &SiteStatRow::live_bytes));
    }
  }
}

TEST_F(RealHeapProfiles, JemallocHasTheFiguresThatJeprofPrints) {
  struct Known {
    const char* name;
    std::int64_t live_bytes, live_count, allocated_bytes;
  };
  static constexpr Known all[] = {
      {"server20k-s0.11734.0.f.heap", 4'969'360, 5'266, 219'324'696},
      {"server200k-s19.12097.0.i0.heap", 3'192'508, 1'826, 130'834'923},
      {"server200k-s19.12097.9.i9.heap", 5'290'990, 4'539, 1'312'000'173},
      {"server200k-s19.12097.16.f.heap", 4'238'793, 16'384, 2'134'008'431},
      {"python-s12.12101.0.f.heap", 141'047, 515, 113'335'830},
  };
  for (const Known& known : all) {
    SCOPED_TRACE(known.name);
    const ImportedProfile in(folder() / "jemalloc" / known.name);
    EXPECT_EQ(in.snapshot.damage_count, 0U);
    EXPECT_LE(std::abs(in.total().live_bytes - known.live_bytes), 1);  // jeprof cuts off, we round
    EXPECT_LE(std::abs(in.total().live_count - known.live_count), 1);
    EXPECT_LE(std::abs(in.total().allocated_bytes - known.allocated_bytes), 1);
    for (const queries::SiteStatRow& row : in.record().stats) {
      EXPECT_EQ(in.path_text(row.site).find("libjemalloc"), std::string::npos);
    }
  }
  const ImportedProfile exact(folder() / "jemalloc/server20k-s0.11734.0.f.heap");
  EXPECT_EQ(exact.total().allocation_count, 571'429);
  EXPECT_EQ(exact.total().live_samples, not_known);
}

}  // namespace
}  // namespace tests
