// tracemalloc snapshots → sites; and real ones against what tracemalloc's own statistics say.
#include <gtest/gtest.h>

#include "tests/importers/imported_profile.h"
#include "tests/support/trace_data.h"
#include "tests/support/tracemalloc_writer.h"

namespace tests {
namespace {

using queries::SiteStatRow;

TEST(TracemallocImporter, TracebacksAreSitesAndTracesTheirBlocks) {
  const ImportedProfile in(tracemalloc_snapshot());
  ASSERT_EQ(in.problem(), "");
  const SiteStatRow* leak = in.stat("app.py:7 /srv/app.py:7 < main.py:300 /srv/main.py:300");
  ASSERT_NE(leak, nullptr);
  EXPECT_EQ(leak->live_count, 3);
  EXPECT_EQ(leak->live_bytes, 5'000'070'120);
  EXPECT_EQ(leak->allocation_count, queries::not_known);
  EXPECT_EQ(in.total().live_count, 5);
  EXPECT_EQ(in.record().sizes.size(), 5U);
  EXPECT_EQ(in.meta("tracemalloc.domain_bytes.3"), "16");
  EXPECT_EQ(in.meta("tracemalloc.traceback_limit"), "25");
}

TEST(TracemallocImporter, RefusesPicklesThatDoMore) {
  try {
    const ImportedProfile in(TracemallocWriter(1).trace(0, 1, {{"a.py", 1}}).raw("R").bytes());
    FAIL() << "a call is no part of a snapshot";
  } catch (const formats::InputError& error) {
    EXPECT_STREQ(error.what(), "test.profile: not a snapshot of tracemalloc: it has the opcode 'R', which is not read");
  }
}

TEST(TracemallocImporter, EveryTruncationAndEveryFlippedByteIsAProfileOrARefusal) {
  const std::string whole = tracemalloc_snapshot();
  const auto import = [](const std::string& file) {
    try {
      const ImportedProfile in(file);
      EXPECT_EQ(in.problem(), "");
    } catch (const formats::InputError&) {  // no snapshot any more
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

TEST(RealTracemalloc, SnapshotsHaveTheTotalsThatPythonPrints) {
  const std::filesystem::path folder = trace_data_folder() / "tracemalloc";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no real snapshots here: set HEAPQL_DATA to their folder";
  struct Known {
    const char* name;
    std::int64_t count, bytes;
  };
  static constexpr Known all[] = {
      {"snap-nf1-0.pickle", 26'624, 2'372'536},
      {"snap-nf1-1.pickle", 53'343, 4'755'555},
      {"snap-nf1-2.pickle", 80'106, 6'992'471},
  };
  for (const Known& known : all) {
    SCOPED_TRACE(known.name);
    const ImportedProfile in(folder / known.name);
    EXPECT_EQ(in.problem(), "");
    EXPECT_EQ(in.snapshot.damage_count, 0U);
    EXPECT_EQ(in.total().live_count, known.count);
    EXPECT_EQ(in.total().live_bytes, known.bytes);
  }
  const ImportedProfile first(folder / "snap-nf1-0.pickle");
  EXPECT_EQ(first.flat("tmwork.py:6", &SiteStatRow::live_count), 19'999);
  EXPECT_EQ(first.flat("decoder.py:353", &SiteStatRow::live_count), 3'318);
  EXPECT_EQ(first.flat("encoder.py:258", &SiteStatRow::live_bytes), 3'086);
}

}  // namespace
}  // namespace tests
