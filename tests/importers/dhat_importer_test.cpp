#include "tests/importers/profile_checks.h"
#include "tests/support/dhat_writer.h"

namespace tests {
namespace {

using queries::AllocationProfile;
using queries::LeakKind;
using queries::not_known;

const std::vector<std::string> frames{"0x1: malloc (in /usr/libexec/valgrind/vgpreload_dhat-amd64-linux.so)",
                                      "0x2: f(int) (a.cc:1)", "0x3: main (a.cc:2)", "0x9: f(int) (a.cc:1)"};

std::string sample() {
  DhatWriter file;
  file.point({.total_bytes = 1000,
              .total_blocks = 10,
              .lifetimes = 500,
              .max_bytes = 200,
              .max_blocks = 2,
              .peak_bytes = 100,
              .peak_blocks = 1,
              .end_bytes = 30,
              .end_blocks = 3,
              .read_bytes = 70,
              .written_bytes = 0,
              .histogram = "-2,20,-3,0,7",
              .frames = {1, 2, 3}});
  file.point({.total_bytes = 8,
              .total_blocks = 1,
              .lifetimes = 4,
              .max_bytes = 8,
              .max_blocks = 1,
              .peak_bytes = 0,
              .peak_blocks = 0,
              .end_bytes = 0,
              .end_blocks = 0,
              .read_bytes = 0,
              .written_bytes = 9,
              .histogram = "-2,1",
              .frames = {1, 4, 3}});
  file.point({.total_bytes = 5,
              .total_blocks = 1,
              .lifetimes = 2,
              .max_bytes = 5,
              .max_blocks = 1,
              .peak_bytes = 5,
              .peak_blocks = 1,
              .end_bytes = 0,
              .end_blocks = 0,
              .read_bytes = 0,
              .written_bytes = 0,
              .frames = {1, 3}});
  return file.bytes(frames);
}

TEST(DhatImport, FiguresGoToSitesAndPathsThatDifferByAddressAreOne) {
  const ImportedDump in(sample());
  const AllocationProfile& profile = *in.snapshot.profile;
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.snapshot.damage_count, 0U);
  ASSERT_EQ(profile.records.back().stats.size(), 2U);
  const auto f = stat_of(profile, "main > f(int)");
  ASSERT_TRUE(f);
  EXPECT_EQ(f->allocated_bytes, 1008);
  EXPECT_EQ(f->allocation_count, 11);
  EXPECT_EQ(f->live_bytes, 30);
  EXPECT_EQ(f->live_count, 3);
  EXPECT_EQ(f->peak_bytes, 100);
  EXPECT_EQ(f->peak_count, 1);
  EXPECT_EQ(f->max_bytes, 208);
  EXPECT_EQ(f->max_count, 3);
  EXPECT_EQ(in.meta("dhat.merged_points"), "1");
  EXPECT_EQ(profile.records.back().total.allocated_bytes, 1013);
  EXPECT_EQ(leaked(profile, LeakKind::at_end), (std::pair<std::int64_t, std::int64_t>{3, 30}));
}

TEST(DhatImport, LifetimesAndAccessesAreKept) {
  const ImportedDump in(sample());
  const queries::ProfileRecord& record = in.snapshot.profile->records.back();
  ASSERT_EQ(record.site_lifetimes.size(), 2U);
  const auto& of_f = path_text(*in.snapshot.profile, record.site_lifetimes[0].site) == "main > f(int)"
                         ? record.site_lifetimes[0]
                         : record.site_lifetimes[1];
  EXPECT_EQ(of_f.freed_count, 11);
  EXPECT_EQ(of_f.lifetime_sum, 504);
  EXPECT_EQ(of_f.clock, queries::LifetimeClock::instructions);
  std::int64_t read = 0, written = 0;
  for (const auto& row : record.accesses) {
    read += row.read_bytes;
    written += row.written_bytes;
  }
  EXPECT_EQ(read, 70);
  EXPECT_EQ(written, 9);
  std::vector<std::pair<std::uint64_t, std::int64_t>> offsets;
  for (const auto& row : record.access_offsets) offsets.emplace_back(row.offset, row.access_count);
  EXPECT_EQ(offsets, (std::vector<std::pair<std::uint64_t, std::int64_t>>{{0, 21}, {1, 21}, {5, 7}}));
  EXPECT_EQ(in.meta("dhat.short_lived_below"), "500");
}

TEST(DhatImport, CopiesAndEventsAreCalledWhatTheyAre) {
  const ImportedDump in(DhatWriter({.mode = "ad-hoc",
                                    .verb = "Occurred",
                                    .extra = ",\"bu\":\"unit\",\"bksu\":\"events\"\n",
                                    .lifetimes = false,
                                    .accesses = false})
                            .point({.total_bytes = 15, .total_blocks = 2, .frames = {2, 3}})
                            .bytes(frames));
  EXPECT_EQ(stat_of(*in.snapshot.profile, "main > f(int)")->allocated_bytes, 15);
  EXPECT_EQ(stat_of(*in.snapshot.profile, "main > f(int)")->live_bytes, not_known);
  EXPECT_TRUE(in.snapshot.profile->records.back().site_lifetimes.empty());
  EXPECT_EQ(in.meta("dhat.bytes_unit"), "unit");
  EXPECT_EQ(in.meta("dhat.blocks_unit"), "events");
  ASSERT_EQ(in.snapshot.warnings.size(), 1U);
}

TEST(DhatImport, RustMeasuresInMicroseconds) {
  const ImportedDump in(DhatWriter({.mode = "rust-heap", .time_unit = "\u00B5s"})
                            .point({.total_bytes = 15, .total_blocks = 2, .lifetimes = 3'000'000, .frames = {2, 3}})
                            .bytes(frames));
  EXPECT_EQ(in.snapshot.profile->seconds, 2);
  EXPECT_EQ(in.snapshot.profile->records.back().site_lifetimes.at(0).clock, queries::LifetimeClock::seconds);
  EXPECT_EQ(in.snapshot.profile->records.back().site_lifetimes.at(0).lifetime_sum, 3);
}

TEST(DhatImport, OtherVersionsAreRefused) {
  EXPECT_THROW(ImportedDump(DhatWriter({.version = "1", .mode = ""}).point({}).bytes(frames)), formats::InputError);
  EXPECT_THROW(ImportedDump(DhatWriter({.version = "3"}).point({}).bytes(frames)), formats::InputError);
  EXPECT_THROW(ImportedDump(DhatWriter().bytes(frames)), formats::InputError);
}

TEST(DhatImport, CutsAndFlipsAreSurvived) { expect_survives_cuts_and_flips(sample()); }

}  // namespace
}  // namespace tests
