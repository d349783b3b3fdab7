#include "tests/importers/profile_checks.h"
#include "tests/support/xtree_writer.h"

namespace tests {
namespace {

using queries::LeakKind;
using Sum = std::pair<std::int64_t, std::int64_t>;

std::string leaks() {
  return XtreeWriter({"RB", "PB", "IB", "DB", "DIB", "RBk", "PBk", "IBk", "DBk", "iRB"})
      .path({{"main", "a.cc", 9}, {"f(int)", "a.cc", 3}, {"malloc", "UnknownFile???", 0}},
            {10, 0, 0, 120, 20, 1, 0, 0, 4, 9})
      .path({{"main", "a.cc", 9}, {"g()", "b.cc", 7}}, {0, 8, 20, 0, 0, 0, 1, 2, 0, 9})
      .bytes();
}

TEST(XtreeImport, MemoryIsFiguresOfSites) {
  const ImportedDump in(XtreeWriter({"curB", "curBk", "totB", "totBk", "totFdB", "totFdBk"})
                            .path({{"main", "a.cc", 9}, {"f(int)", "a.cc", 3}}, {100, 2, 900, 8, 800, 6})
                            .bytes());
  EXPECT_EQ(in.problem(), "");
  const auto row = stat_of(*in.snapshot.profile, "main > f(int)");
  EXPECT_EQ(row->live_bytes, 100);
  EXPECT_EQ(row->live_count, 2);
  EXPECT_EQ(row->allocated_bytes, 900);
  EXPECT_EQ(row->allocation_count, 8);
  EXPECT_EQ(leaked(*in.snapshot.profile, LeakKind::at_end), Sum(2, 100));
  EXPECT_TRUE(in.snapshot.warnings.empty());
}

TEST(XtreeImport, FunctionsWithoutANameAreOneSite) {
  const ImportedDump in(XtreeWriter({"curB", "curBk"})
                            .path({{"main", "a.cc", 9}, {"UnknownFn???", "UnknownFile???", 0}}, {100, 2})
                            .path({{"UnknownFn???", "UnknownFile???", 0}, {"f(int)", "a.cc", 3}}, {7, 1})
                            .bytes());
  ASSERT_EQ(in.snapshot.warnings.size(), 1U);
  EXPECT_TRUE(in.snapshot.warnings[0].starts_with("1 of 2 paths end")) << in.snapshot.warnings[0];
}

TEST(XtreeImport, LeaksAreByKindAndIndirectOnesCountOnce) {
  const ImportedDump in(leaks());
  const queries::AllocationProfile& profile = *in.snapshot.profile;
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(leaked(profile, LeakKind::definite), Sum(4, 100));
  EXPECT_EQ(leaked(profile, LeakKind::indirect), Sum(2, 20));
  EXPECT_EQ(leaked(profile, LeakKind::possible), Sum(1, 8));
  EXPECT_EQ(leaked(profile, LeakKind::reachable), Sum(1, 10));
  EXPECT_EQ(stat_of(profile, "main > f(int)")->live_bytes, 110);
  EXPECT_EQ(profile.records.back().total.live_bytes, 138);
}

TEST(XtreeImport, OtherEventsAreRefused) {
  EXPECT_THROW(ImportedDump(XtreeWriter({"Ir"}).path({{"main", "a.cc", 9}}, {1}).bytes()), formats::InputError);
}

TEST(XtreeImport, CutsAndFlipsAreSurvived) { expect_survives_cuts_and_flips(leaks()); }

}  // namespace
}  // namespace tests
