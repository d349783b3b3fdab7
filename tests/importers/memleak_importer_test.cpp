#include "tests/importers/profile_checks.h"
#include "tests/support/memleak_writer.h"

namespace tests {
namespace {

using queries::LeakKind;
using queries::not_known;
using Sum = std::pair<std::int64_t, std::int64_t>;

std::string sample() {
  MemleakWriter file;
  file.report("23:59:58", 2)
      .block("948cd0", 16)
      .block("948d10", 24)
      .stack(40, 2, {"malloc+0x1 [libc.so.6]", "main+0x6d [allocs]"});
  file.stack(100, 1, {"f(int)+0x2f [allocs]", "main+0x70 [allocs]"});
  return file.report("00:00:03", 1).stack(80, 4, {"main+0x6d [allocs]"}).bytes();
}

TEST(MemleakImport, EachReportIsARecordInTime) {
  const ImportedDump in(sample());
  const queries::AllocationProfile& profile = *in.snapshot.profile;
  EXPECT_EQ(in.problem(), "");
  ASSERT_EQ(profile.records.size(), 2U);
  EXPECT_EQ(profile.records[0].t, 0);
  EXPECT_EQ(profile.records[1].t, 5);  // over midnight
  EXPECT_EQ(profile.records[0].total.live_bytes, 140);
  EXPECT_EQ(profile.records[1].total.live_bytes, 80);
  EXPECT_EQ(profile.records[0].sizes.size(), 2U);
  EXPECT_EQ(stat_of(profile, "main")->live_count, 4);
  EXPECT_EQ(leaked(profile, LeakKind::at_end), Sum(4, 80));
  ASSERT_EQ(profile.series.size(), 1U);
  EXPECT_EQ(profile.series[0].points[1].value, 80);
}

TEST(MemleakImport, CutsAndFlipsAreSurvived) { expect_survives_cuts_and_flips(sample()); }

TEST(BpftraceImport, MapsCountAllocationsOrSumBytes) {
  const std::string maps =
      "Attaching 2 probes...\n\n@st[\n    malloc+0\n    main+70\n]: 135\n@st[\n    malloc+4\n    main+70\n]: 5\n"
      "@total_bytes[\n    malloc+0\n    main+70\n]: 4096\n";
  const ImportedDump in(maps);
  EXPECT_EQ(in.problem(), "");
  const auto row = stat_of(*in.snapshot.profile, "main");
  ASSERT_TRUE(row);
  EXPECT_EQ(row->allocation_count, 140);
  EXPECT_EQ(row->allocated_bytes, 4096);
  EXPECT_EQ(row->live_bytes, not_known);
  EXPECT_EQ(in.meta("bpftrace.maps"), "@st (allocations), @total_bytes (allocated bytes)");
  expect_survives_cuts_and_flips(maps);
}

}  // namespace
}  // namespace tests
