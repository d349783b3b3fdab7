#include "tests/importers/profile_checks.h"
#include "tests/support/memcheck_writer.h"

namespace tests {
namespace {

using Form = MemcheckWriter::Form;
using queries::LeakKind;
using Sum = std::pair<std::int64_t, std::int64_t>;

std::string sample(Form form) {
  MemcheckWriter file(form);
  file.error("InvalidRead", "Invalid read of size 4", {{"main", "a.cc:3"}});
  file.loss("DefinitelyLost",
            "1,200 (1,000 direct, 200 indirect) bytes in 5 blocks are definitely lost in loss record 1 of 2", 1200, 5,
            {{"malloc", "m.c:1"}, {"f(int)", "a.cc:15"}, {"main", "a.cc:2"}});
  file.loss("StillReachable", "12 bytes in 1 blocks are still reachable in loss record 2 of 2", 12, 1,
            {{"operator new(unsigned long)", "n.c:1"}, {"main", "a.cc:4"}});
  if (form == Form::text) {
    file.line("    in use at exit: 1,412 bytes in 10 blocks");
    file.line("  total heap usage: 99 allocs, 89 frees, 5,000 bytes allocated");
    file.line("LEAK SUMMARY:").line("   definitely lost: 1,000 bytes in 5 blocks");
    file.line("   indirectly lost: 200 bytes in 2 blocks").line("     possibly lost: 0 bytes in 0 blocks");
    file.line("   still reachable: 12 bytes in 1 blocks").line("        suppressed: 200 bytes in 2 blocks");
    file.line("used_suppression:      1 pool /x.supp:12 suppressed: 150 bytes in 1 blocks");
  }
  return file.finish().bytes();
}

TEST(MemcheckImport, LossesAreLeaksOfSites) {
  for (const Form form : {Form::xml, Form::text}) {
    const ImportedDump in(sample(form));
    const queries::AllocationProfile& profile = *in.snapshot.profile;
    EXPECT_EQ(in.problem(), "");
    EXPECT_EQ(leaked(profile, LeakKind::reachable), Sum(1, 12));
    EXPECT_EQ(stat_of(profile, "main > f(int)")->live_bytes, 1000);
    EXPECT_EQ(stat_of(profile, "main")->live_bytes, 12);
    EXPECT_EQ(in.meta("memcheck.other_errors"), "1");
    EXPECT_EQ(in.snapshot.damage_count, 0U);
  }
}

TEST(MemcheckImport, WhatIsOnlyCountedIsOfNoSite) {
  const ImportedDump in(sample(Form::text));
  const queries::AllocationProfile& profile = *in.snapshot.profile;
  EXPECT_EQ(leaked(profile, LeakKind::indirect), Sum(2, 200));
  EXPECT_EQ(profile.records.back().total.live_bytes, 1412);  // as in use at exit
  EXPECT_EQ(profile.records.back().total.live_count, 10);
  EXPECT_EQ(profile.records.back().total.allocation_count, 99);
  EXPECT_EQ(profile.records.back().total.allocated_bytes, 5000);
  Sum pool, rest;
  for (const queries::SiteLeakRow& row : profile.records.back().leaks) {
    if (row.suppression == "pool") pool = {row.object_count, row.bytes};
    if (row.suppression == "(not named in the report)") rest = {row.object_count, row.bytes};
  }
  EXPECT_EQ(pool, Sum(1, 150));
  EXPECT_EQ(rest, Sum(1, 50));
  EXPECT_EQ(in.snapshot.warnings.size(), 1U);
}

/// A program that frees everything.
std::string clean(Form form) {
  MemcheckWriter file(form);
  if (form == Form::text) {
    file.line("HEAP SUMMARY:").line("    in use at exit: 0 bytes in 0 blocks");
    file.line("  total heap usage: 493 allocs, 493 frees, 114,847 bytes allocated").line("");
    file.line("All heap blocks were freed -- no leaks are possible").line("");
  }
  return file.finish().bytes();
}

TEST(MemcheckImport, ThatNothingLeaksIsSaid) {
  for (const Form form : {Form::xml, Form::text}) {
    const ImportedDump in(clean(form));
    const queries::ProfileRecord& record = in.snapshot.profile->records.back();
    EXPECT_EQ(in.problem(), "");
    ASSERT_EQ(record.leaks.size(), 1U);  // of 0: no row would say that it has not looked
    EXPECT_EQ(leaked(*in.snapshot.profile, LeakKind::definite), Sum(0, 0));
    EXPECT_EQ(record.total.live_count, 0);
    EXPECT_EQ(record.total.live_bytes, 0);
  }
}

TEST(MemcheckImport, WhoDoesNotLookFindsNothing) {
  std::string text = clean(Form::text);
  text.replace(text.find("0 bytes in 0"), 12, "7,867 bytes in 4");
  text.erase(text.find("==14== All heap"), text.find("ERROR SUMMARY") - 7 - text.find("==14== All heap"));
  const ImportedDump unsearched(text);  // --leak-check=no
  EXPECT_TRUE(unsearched.snapshot.profile->records.back().leaks.empty());
  EXPECT_EQ(unsearched.snapshot.profile->records.back().total.live_bytes, 7867);
  EXPECT_EQ(unsearched.snapshot.profile->records.back().total.live_count, 4);

  std::string none = clean(Form::xml);
  none.replace(none.find("kinds=all"), 9, "kinds=none");
  EXPECT_TRUE(ImportedDump(none).snapshot.profile->records.back().leaks.empty());
  const std::string whole = clean(Form::xml);
  EXPECT_TRUE(ImportedDump(whole.substr(0, whole.size() - 20)).snapshot.profile->records.back().leaks.empty());
}

TEST(MemcheckImport, WhatIsReachableIsKnownOnlyWhereItIsShown) {
  std::string text = sample(Form::xml);
  text.replace(text.find("kinds=all"), 9, "kinds=definite");
  const ImportedDump in(text);
  EXPECT_EQ(leaked(*in.snapshot.profile, LeakKind::definite), Sum(5, 1000));
  EXPECT_EQ(in.snapshot.profile->records.back().total.live_bytes, queries::not_known);
  EXPECT_TRUE(stat_of(*in.snapshot.profile, "main > f(int)"));  // a row for its leaks all the same
}

TEST(MemcheckImport, ProcessesAreAddedUp) {
  const ImportedDump in(sample(Form::xml) + sample(Form::xml));
  EXPECT_EQ(leaked(*in.snapshot.profile, LeakKind::definite), Sum(10, 2000));
  EXPECT_EQ(in.meta("memcheck.processes"), "2");
}

TEST(MemcheckImport, KilledProcessIsSaid) {
  const std::string whole = sample(Form::xml);
  const ImportedDump in(whole.substr(0, whole.find("<kind>Leak_StillReachable")));
  EXPECT_EQ(leaked(*in.snapshot.profile, LeakKind::definite), Sum(5, 1000));
  EXPECT_EQ(in.snapshot.warnings.size(), 1U);
  EXPECT_EQ(in.snapshot.damage_count, 1U);
}

TEST(MemcheckImport, CutsAndFlipsAreSurvived) {
  expect_survives_cuts_and_flips(sample(Form::xml));
  expect_survives_cuts_and_flips(sample(Form::text));
}

}  // namespace
}  // namespace tests
