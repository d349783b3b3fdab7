#include <filesystem>

#include "formats/input.h"
#include "tests/importers/profile_checks.h"
#include "tests/support/jfr_writer.h"

namespace tests {
namespace {

using queries::AllocationProfile;
using queries::LeakKind;
using queries::not_known;

std::string sample() {
  JfrWriter file;
  file.allocation("[B", 6000, {{"app\\/Session", "<init>", 10}, {"app\\/Main", "main", 30}});
  file.allocation("[B", 2000, {{"app\\/Session", "<init>", 10}, {"app\\/Main", "main", 30}});
  file.allocation("java\\/lang\\/String", 1000, {{"app\\/Main", "main", 31}}, "2026-11-27T21:13:40Z");
  file.old_object("[B", 10000, {{"app\\/Session", "<init>", 10}}, JfrWriter::held_by_a_static_map());
  file.old_object("app\\/Session", -1, {}, "null");
  file.heap_summary("Before GC", 9000, "2026-11-27T21:13:38Z");
  file.heap_summary("After GC", 4096, "2026-11-27T21:13:38.5Z");
  return file.text();
}

std::string meta(const queries::Snapshot& snapshot, std::string_view key) {
  for (const auto& [name, value] : snapshot.meta) {
    if (name == key) return value;
  }
  return "";
}

TEST(JfrImport, SamplesAreSitesWithTheirWeight) {
  const ImportedDump in(sample());
  EXPECT_EQ(in.problem(), "");
  const AllocationProfile& profile = *in.snapshot.profile;
  const auto session = stat_of(profile, "app.Main.main > app.Session.<init> > new byte[]");
  ASSERT_TRUE(session);
  EXPECT_EQ(session->allocated_bytes, 8000);
  EXPECT_EQ(session->allocation_samples, 2);
  EXPECT_EQ(session->allocation_count, not_known);
  EXPECT_EQ(profile.records[0].total.allocated_bytes, 9000);
  EXPECT_EQ(profile.records[0].total.allocation_samples, 3);
  EXPECT_DOUBLE_EQ(profile.sampling.mean_interval_bytes, 3000);
  EXPECT_DOUBLE_EQ(profile.seconds, 4.5);
  EXPECT_EQ(in.snapshot.damage_count, 0U);
}

TEST(JfrImport, OldObjectsAreLeaksWithWhatHoldsThem) {
  const ImportedDump in(sample());
  EXPECT_EQ(leaked(*in.snapshot.profile, LeakKind::at_end), std::pair(std::int64_t{2}, std::int64_t{10016}));
  EXPECT_EQ(meta(in.snapshot, "jfr.held_by.01"),
            "1 × byte[] ← java.util.HashMap.table ← static SessionLeak.SESSIONS (Class Loader Data)");
  ASSERT_EQ(in.snapshot.warnings.size(), 1U);  // of the session's size
  EXPECT_NE(in.snapshot.warnings[0].find("1 of 2 old objects"), std::string::npos);
}

TEST(JfrImport, HeapSizesAreSeries) {
  const ImportedDump in(sample());
  ASSERT_EQ(in.snapshot.profile->series.size(), 2U);
  EXPECT_EQ(in.snapshot.profile->series[0].name, "heap_used_bytes");
  EXPECT_EQ(in.snapshot.profile->series[0].points.size(), 2U);
  EXPECT_EQ(in.snapshot.profile->series[1].name, "live_after_gc_bytes");
  ASSERT_EQ(in.snapshot.profile->series[1].points.size(), 1U);
  EXPECT_DOUBLE_EQ(in.snapshot.profile->series[1].points[0].value, 4096);
  EXPECT_DOUBLE_EQ(in.snapshot.profile->series[1].points[0].t, 3);
}

TEST(JfrImport, BuffersCountOnlyWhereNothingBetterWasRecorded) {
  JfrWriter file;
  file.in_new_tlab("[B", 24, 4000, {{"A", "a", 1}});
  EXPECT_EQ(ImportedDump(file.text()).snapshot.profile->records[0].total.allocated_bytes, 4000);
  file.allocation("[B", 7, {{"A", "a", 1}});
  EXPECT_EQ(ImportedDump(file.text()).snapshot.profile->records[0].total.allocated_bytes, 7);
}

TEST(JfrImport, WithoutEventsOfTheHeapItIsRefused) {
  JfrWriter other;
  other.event("jdk.ThreadStart", "2026-11-27T21:13:35Z", "\"thread\": null");
  EXPECT_THROW(ImportedDump{other.text()}, formats::InputError);
  EXPECT_THROW(ImportedDump{JfrWriter().text()}, formats::InputError);
}

TEST(JfrImport, EveryTruncationAndFlipIsAProfileOrARefusal) { expect_survives_cuts_and_flips(sample()); }

// Of a JVM's own recording of samples/SessionLeak.java. The figures were counted from the JSON by another program, and
// are what `jfr summary` says of the binary recording.
TEST(JfrImport, ARecordingOfAJvm) {
  formats::DamageLog damage;
  const auto path = std::filesystem::path(HEAPQL_SOURCE_DIR) / "samples/dumps/SessionLeak.jfr.json.zst";
  const formats::Input input = formats::Input::open(path.string(), damage);
  const ImportedDump in(formats::as_text(input.bytes()));
  EXPECT_EQ(in.problem(), "");
  const AllocationProfile& profile = *in.snapshot.profile;
  EXPECT_EQ(profile.records[0].total.allocation_samples, 299);
  EXPECT_EQ(profile.records[0].total.allocated_bytes, 349'083'320);
  std::int64_t by_sessions = 0;
  for (const queries::SiteStatRow& row : profile.records[0].stats) {
    if (path_text(profile, row.site).find("SessionLeak$Session.<init>") == std::string::npos) continue;
    if (row.allocated_bytes != not_known) by_sessions += row.allocated_bytes;
  }
  EXPECT_EQ(by_sessions, 268'879'720);
  EXPECT_EQ(leaked(profile, LeakKind::at_end), std::pair(std::int64_t{217}, std::int64_t{2'427'168}));
  ASSERT_EQ(profile.series.size(), 2U);
  EXPECT_EQ(profile.series[0].points.size(), 20U);
  EXPECT_DOUBLE_EQ(profile.series[1].points.back().value, 80'325'336);
  EXPECT_NE(meta(in.snapshot, "jfr.held_by.01").find("static SessionLeak.SESSIONS"), std::string::npos);
}

}  // namespace
}  // namespace tests
