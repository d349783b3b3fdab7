// pprof profiles → sites and figures; and real ones against what `go tool pprof` says of them.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/importers/imported_profile.h"
#include "tests/support/pprof_samples.h"
#include "tests/support/trace_data.h"

namespace tests {
namespace {

using queries::not_known;
using queries::SiteStatRow;

constexpr const char* leak_path =
    "main.keep main.go:7 in /srv/app (inlined) < main.leak main.go:9 in /srv/app < main.main main.go:20 in /srv/app";

TEST(PprofImporter, KeepsInlinedFramesAndAddsUpFiguresOfAPath) {
  const ImportedProfile in(go_heap().bytes());
  ASSERT_EQ(in.problem(), "");
  EXPECT_EQ(in.snapshot.damage_count, 0U);
  const SiteStatRow* leak = in.stat(leak_path);
  ASSERT_NE(leak, nullptr);
  EXPECT_EQ(leak->allocation_count, 12);
  EXPECT_EQ(leak->allocated_bytes, 5120 + 2097152);
  EXPECT_EQ(leak->live_count, 9);
  EXPECT_EQ(leak->live_bytes, 4096 + 1048576);
  EXPECT_EQ(leak->peak_bytes, not_known);
  const SiteStatRow* plain = in.stat("0x403000 in /srv/app < main.main main.go:20 in /srv/app");
  ASSERT_NE(plain, nullptr);
  EXPECT_EQ(plain->allocated_bytes, 48);
  const SiteStatRow* unknown = in.stat("(unknown)");
  ASSERT_NE(unknown, nullptr);
  EXPECT_EQ(unknown->live_bytes, 64);
  EXPECT_EQ(in.total().allocation_count, 16);
  EXPECT_EQ(in.total().live_bytes, 4096 + 1048576 + 64);
}

TEST(PprofImporter, SaysHowManySamplesAFigureIsEstimatedFrom) {
  const ImportedProfile in(go_heap().bytes());
  EXPECT_EQ(in.profile().sampling.mean_interval_bytes, 524288);
  const SiteStatRow* leak = in.stat(leak_path);
  ASSERT_NE(leak, nullptr);
  // 8 of 512 B: 8 (1 - exp(-512/524288)) = 0.008; 1 of 1 MiB: 1 - exp(-2) = 0.86.
  EXPECT_EQ(leak->live_samples, 1);
  EXPECT_EQ(leak->allocation_samples, 2);
}

TEST(PprofImporter, KeepsSizesTimeAndComments) {
  const ImportedProfile in(go_heap().bytes());
  ASSERT_EQ(in.record().sizes.size(), 3U);
  EXPECT_EQ(in.record().sizes[0].size, 512U);
  EXPECT_EQ(in.record().sizes[0].live_bytes, 4096);
  EXPECT_EQ(in.snapshot.taken_at_ms, 1'795'378'141'577);
  EXPECT_EQ(in.profile().seconds, 2.5);
  EXPECT_EQ(in.snapshot.runtime, "Go");
  EXPECT_EQ(in.meta("pprof.comment"), "made by a test");
  EXPECT_EQ(in.meta("pprof.sample_types"),
            "alloc_objects/count alloc_space/bytes inuse_objects/count inuse_space/bytes");
}

TEST(PprofImporter, IdsMayBeSparseAndValuesNegative) {
  PprofWriter sparse;
  sparse.first_id = 1'000'000'007;
  sparse.id_step = 1'000'003;
  const ImportedProfile in(go_heap(sparse).sample({}, {-4, -400, -2, -200}).bytes());
  EXPECT_EQ(in.snapshot.damage_count, 0U);
  ASSERT_NE(in.stat(leak_path), nullptr);
  EXPECT_EQ(in.stat("(unknown)")->live_bytes, 64 - 200);
}

TEST(PprofImporter, WithoutItsTextsAGoHeapKeepsItsNumbers) {
  const ImportedProfile in(go_heap().bytes_without_texts());
  EXPECT_EQ(in.total().live_bytes, 4096 + 1048576 + 64);
  EXPECT_NE(in.stat("0x402000 < 0x401000"), nullptr);
  ASSERT_EQ(in.snapshot.warnings.size(), 1U);
}

TEST(PprofImporter, RefusesProfilesOfOtherThingsByName) {
  PprofWriter cpu;
  cpu.sample_type("samples", "count").sample_type("cpu", "nanoseconds").sample({}, {1, 10'000'000});
  try {
    const ImportedProfile in(cpu.bytes());
    FAIL() << "a CPU profile is no profile of memory";
  } catch (const formats::InputError& error) {
    EXPECT_STREQ(error.what(),
                 "test.profile: not a profile of memory: its samples are of samples/count cpu/nanoseconds");
  }
}

TEST(PprofImporter, ALocationThatIsNotThereIsDamageAndTheFiguresStay) {
  PprofWriter writer;
  writer.sample_type("inuse_space", "bytes").sample({7}, {100}).sample({}, {1, 2});
  const ImportedProfile in(writer.bytes());
  EXPECT_EQ(in.total().live_bytes, 100);
  EXPECT_EQ(in.snapshot.damage_count, 2U);
}

TEST(PprofImporter, SumsThatNoFigureHoldsStayTheLargestOne) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  PprofWriter writer;
  writer.sample_type("inuse_space", "bytes").sample({}, {most}).sample({}, {most}).sample({}, {most});
  const ImportedProfile in(writer.bytes());
  EXPECT_EQ(in.total().live_bytes, most);
}

TEST(PprofImporter, EveryTruncationAndEveryFlippedByteIsAProfileOrARefusal) {
  const std::string whole = go_heap().bytes();
  const auto import = [](const std::string& file) {
    try {
      const ImportedProfile in(file);
      EXPECT_EQ(in.problem(), "");
    } catch (const formats::InputError&) {  // nothing of memory in it
    }
  };
  for (std::size_t size = 0; size < whole.size(); ++size) import(whole.substr(0, size));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int mask : {0x01, 0x80, 0xFF}) {
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ mask);
      import(flipped);
    }
  }
}

class RealPprof : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(folder())) GTEST_SKIP() << "no real profiles here: set HEAPQL_DATA to their folder";
  }
  static std::filesystem::path folder() { return trace_data_folder() / "go"; }
};

/// Go prints bytes / 1024 with two decimals.
double kilobytes(std::int64_t bytes) { return std::round(static_cast<double>(bytes) / 1024 * 100) / 100; }

TEST_F(RealPprof, GoTypesHasTheFiguresThatGoPrints) {
  const ImportedProfile in(folder() / "gotypes-test.mem.pb.gz");
  EXPECT_EQ(in.snapshot.damage_count + in.input_damage.count(), 0U);
  EXPECT_EQ(in.profile().sampling.mean_interval_bytes, 16);
  EXPECT_EQ(kilobytes(in.total().allocated_bytes), 41864.59);
  EXPECT_EQ(in.total().allocation_count, 544395);
  EXPECT_EQ(kilobytes(in.total().live_bytes), 781.11);
  EXPECT_EQ(in.total().live_count, 747);
  EXPECT_EQ(kilobytes(in.flat("regexp/syntax.(*compiler).inst", &SiteStatRow::allocated_bytes)), 7406.88);
  EXPECT_EQ(in.flat("regexp/syntax.(*compiler).inst", &SiteStatRow::allocation_count), 18713);
  EXPECT_EQ(kilobytes(in.flat("go/types.(*Scope).insert", &SiteStatRow::allocated_bytes)), 1260.72);
  EXPECT_EQ(kilobytes(in.flat("go/internal/gcimporter.iImportData", &SiteStatRow::allocated_bytes)), 968.67);
  EXPECT_EQ(kilobytes(in.cumulative("go/internal/gcimporter.iImportData", &SiteStatRow::allocated_bytes)), 4658.60);
  EXPECT_EQ(in.flat("fmt.Sprintf", &SiteStatRow::allocation_count), 12516);
  EXPECT_EQ(in.cumulative("fmt.Sprintf", &SiteStatRow::allocation_count), 28822);
  EXPECT_EQ(in.flat("go/internal/gcimporter.(*fakeFileSet).setLines.func1", &SiteStatRow::live_bytes), 512 * 1024);
  EXPECT_EQ(in.flat("go/token.(*File).AddLine", &SiteStatRow::live_count), 227);
}

TEST_F(RealPprof, GoServersHaveTheFiguresThatGoPrints) {
  const ImportedProfile exact(folder() / "rate1/heap.004.pb.gz");
  EXPECT_EQ(kilobytes(exact.total().live_bytes), 7414.68);
  EXPECT_EQ(exact.total().live_count, 11032);
  EXPECT_EQ(kilobytes(exact.total().allocated_bytes), 118752.38);
  EXPECT_EQ(exact.total().allocation_count, 222228);
  EXPECT_EQ(exact.total().live_samples, not_known);
  EXPECT_EQ(kilobytes(exact.flat("main.leakSession", &SiteStatRow::live_bytes)), 1830.02);
  EXPECT_EQ(exact.cumulative("main.request", &SiteStatRow::live_count), 2566);

  const ImportedProfile sampled(folder() / "rate524288/heap.004.pb.gz");
  EXPECT_EQ(sampled.profile().sampling.mean_interval_bytes, 524288);
  EXPECT_GT(sampled.total().live_samples, 20);
  EXPECT_LT(sampled.total().live_samples, 80);
}

TEST_F(RealPprof, AProfileThatWasCutKeepsItsNumbers) {
  const ImportedProfile in(folder() / "gotypes-test.mem.truncated.pb.gz");
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.input_damage.count(), 1U);
  EXPECT_EQ(in.snapshot.damage_count, 1U);
  EXPECT_EQ(in.record().stats.size(), 279'795U);
  EXPECT_EQ(in.snapshot.warnings.size(), 1U);
}

TEST_F(RealPprof, GoroutineProfilesAreRefused) {
  EXPECT_THROW(ImportedProfile(folder() / "rate1/goroutine.005.pb.gz"), formats::InputError);
}

}  // namespace
}  // namespace tests
