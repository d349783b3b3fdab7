#include "tests/importers/profile_checks.h"
#include "tests/support/massif_writer.h"

namespace tests {
namespace {

using queries::AllocationProfile;
using queries::LeakKind;
using queries::no_site;
using queries::not_known;

std::string sample(const std::string& unit = "ms") {
  MassifWriter file(unit);
  file.snapshot("0", 0, 0, 0);
  file.snapshot("500", 900, 24, 8, "peak").sum(2, 900);
  file.node(1, 2, 800, "0x1: alloc(unsigned long)#1 (a.cc:1)")
      .node(2, 0, 600, "0x2: main (a.cc:9)")
      .remainder(2, 200, 3);
  file.remainder(1, 100, 4);
  file.snapshot("2000", 400, 32, 0, "detailed").sum(2, 400);
  file.node(1, 0, 300, "0x3: ??? (in /lib/x.so)").node(1, 0, 100, "0x4: alloc(unsigned long)#1 (a.cc:1)");
  return file.bytes();
}

TEST(MassifImport, PeakAndEndGoToSitesAndSumToTheSnapshots) {
  const ImportedDump in(sample());
  const AllocationProfile& profile = *in.snapshot.profile;
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(profile.records.back().total.peak_bytes, 900);
  EXPECT_EQ(profile.records.back().total.live_bytes, 400);
  EXPECT_EQ(profile.records.back().total.live_count, not_known);
  EXPECT_EQ(stat_of(profile, "main > alloc(unsigned long)#1")->peak_bytes, 600);
  // Below the threshold: the path so far, and no site.
  EXPECT_EQ(stat_of(profile, "alloc(unsigned long)#1")->peak_bytes, 200);
  EXPECT_EQ(stat_of(profile, "alloc(unsigned long)#1")->live_bytes, 100);
  EXPECT_EQ(stat_of(profile, "(unknown)")->peak_bytes, 100);
  EXPECT_EQ(stat_of(profile, "0x3")->live_bytes, 300);
  EXPECT_EQ(in.snapshot.damage_count, 0U);
}

TEST(MassifImport, SnapshotsAreSeriesInSecondsOrInTheirOwnUnit) {
  ImportedDump in(sample("ms"));
  queries::Series& live = in.snapshot.profile->series_named("live_bytes", "bytes");
  ASSERT_EQ(live.points.size(), 3U);
  EXPECT_EQ(live.points[1].t, 0.5);
  EXPECT_EQ(live.points[1].value, 900);
  EXPECT_EQ(in.snapshot.profile->seconds, 2);
  EXPECT_FALSE(in.snapshot.profile->times_are_positions);

  ImportedDump instructions(sample("i"));
  EXPECT_TRUE(instructions.snapshot.profile->times_are_positions);
  EXPECT_EQ(instructions.snapshot.profile->series_named("stack_bytes", "bytes").points[1].t, 500);
  EXPECT_EQ(instructions.meta("massif.time_unit"), "instructions");
}

TEST(MassifImport, WithoutATreeTheSumIsOfNoSite) {
  const ImportedDump in(MassifWriter("i").snapshot("1", 70, 0, 0).snapshot("2", 50, 0, 0).bytes());
  EXPECT_EQ(stat_of(*in.snapshot.profile, "(unknown)")->peak_bytes, 70);
  EXPECT_EQ(stat_of(*in.snapshot.profile, "(unknown)")->live_bytes, 50);
  EXPECT_EQ(in.snapshot.warnings.size(), 2U);  // that, and that the last snapshot is not the end
}

TEST(MassifImport, NothingLiveIsAFigure) {
  const ImportedDump in(MassifWriter("i").snapshot("1", 70, 0, 0).snapshot("2", 0, 0, 0).bytes());
  EXPECT_EQ(stat_of(*in.snapshot.profile, "(unknown)")->live_bytes, 0);  // a gate can ask for it
  EXPECT_EQ(in.snapshot.profile->records.back().total.live_bytes, 0);
}

TEST(MassifImport, TreeThatDoesNotAddUpKeepsTheSum) {  // heaptrack_print 1.4 writes such
  const ImportedDump in(
      MassifWriter("s", "heaptrack").snapshot("0.5", 70, 0, 0, "detailed").sum(1, 70).remainder(1, 0, 3).bytes());
  EXPECT_EQ(stat_of(*in.snapshot.profile, "(unknown)")->live_bytes, 70);
  MassifWriter larger;
  larger.snapshot("1", 70, 0, 0, "detailed").sum(1, 70).node(1, 0, 90, "0x1: f (a.c:1)");
  const ImportedDump damaged(larger.bytes());
  EXPECT_EQ(stat_of(*damaged.snapshot.profile, "f")->live_bytes, 70);
  EXPECT_EQ(damaged.snapshot.damage_count, 2U);  // as peak and as end
}

TEST(MassifImport, XtreeHasASnapshotForEachEvent) {
  MassifWriter file("ms", "xtree.produce_report");
  const auto event = [&](std::uint64_t value, const std::string& name) {
    file.snapshot("7", value, 0, 0, "detailed").node(0, 1, value, name);
    file.node(1, 0, value, "0x1: f() (a.cc:1)");
  };
  event(100, "curB : currently allocated Bytes");
  event(2, "curBk : currently allocated Blocks");
  event(900, "totB : total allocated Bytes");
  event(8, "totBk : total allocated Blocks");
  event(800, "totFdB : total Freed Bytes");
  const ImportedDump in(file.bytes());
  EXPECT_EQ(in.problem(), "");
  const auto row = stat_of(*in.snapshot.profile, "f()");
  EXPECT_EQ(row->live_bytes, 100);
  EXPECT_EQ(row->live_count, 2);
  EXPECT_EQ(row->allocated_bytes, 900);
  EXPECT_EQ(row->allocation_count, 8);
  EXPECT_EQ(row->peak_bytes, not_known);
  EXPECT_TRUE(in.snapshot.profile->series.empty());
}

TEST(MassifImport, CutsAndFlipsAreSurvived) { expect_survives_cuts_and_flips(sample()); }

TEST(MassifImport, FileWithoutASnapshotIsRefused) {
  EXPECT_THROW(ImportedDump(MassifWriter().bytes()), formats::InputError);
}

}  // namespace
}  // namespace tests
