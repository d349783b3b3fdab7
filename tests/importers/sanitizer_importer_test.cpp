#include "tests/importers/profile_checks.h"
#include "tests/support/sanitizer_writer.h"

namespace tests {
namespace {

using queries::LeakKind;
using queries::not_known;
using Sum = std::pair<std::int64_t, std::int64_t>;

std::string sample() {
  SanitizerWriter file;
  file.leak("Direct", 400, 2, {"__interceptor_malloc ../src/m.cpp:69", "f(int) /src/a.cc:15", "main /src/a.cc:9"});
  file.objects({{0x611000000540, 150}, {0x6110000336c0, 250}});
  file.leak("Indirect", 8, 1, {"operator new(unsigned long) ../n.cpp:98", "f(int) /src/a.cc:15", "main /src/a.cc:9"});
  file.suppressions({{50, 10000, "leak_lost"}});
  return file.summary(1408, 13).bytes();
}

TEST(SanitizerImport, LeaksAreOfSitesByKind) {
  const ImportedDump in(sample());
  const queries::AllocationProfile& profile = *in.snapshot.profile;
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.snapshot.damage_count, 0U);
  EXPECT_EQ(leaked(profile, LeakKind::indirect), Sum(1, 8));
  Sum direct, omitted, suppressed;
  for (const queries::SiteLeakRow& row : profile.records.back().leaks) {
    if (row.kind != LeakKind::direct) continue;
    const Sum sum(row.object_count, row.bytes);
    if (!row.suppression.empty())
      suppressed = sum;
    else if (row.site == queries::no_site)
      omitted = sum;
    else
      direct = sum;
  }
  EXPECT_EQ(direct, Sum(2, 400));
  EXPECT_EQ(omitted, Sum(10, 1000));  // max_leaks shows the largest only
  EXPECT_EQ(suppressed, Sum(50, 10000));
  EXPECT_EQ(path_text(profile, profile.records.back().leaks.front().site), "main > f(int)");
  EXPECT_EQ(in.meta("sanitizer.suppression.leak_lost"), "50");
  EXPECT_EQ(profile.records.back().total.live_bytes, not_known);  // what is reachable is not in the report
  ASSERT_EQ(profile.records.back().sizes.size(), 2U);
  EXPECT_EQ(profile.records.back().sizes[1].size, 250U);
}

TEST(SanitizerImport, EverySiteThatLeaksHasARow) {
  const ImportedDump in(sample());
  const auto row = stat_of(*in.snapshot.profile, "main > f(int)");
  ASSERT_TRUE(row);  // views list no others
  EXPECT_EQ(row->live_bytes, not_known);
}

TEST(SanitizerImport, FramesWithoutANameAreTheirPlaceInTheModule) {
  SanitizerWriter file;
  file.leak("Direct", 8, 1, {"__interceptor_malloc ../src/m.cpp:69", "main /src/a.cc:9"});
  std::string text = file.summary(8, 1).bytes();
  const std::size_t at = text.find("    #1 ");
  text.replace(
      at, text.find('\n', at) - at,
      "    #1 0x7fccf0fd3a57  (/usr/lib/libpython3.11.so.1.0+0x1d3a57)\n    #2 0x7fccec9e6bef  (<unknown module>)");
  const ImportedDump in(text);
  EXPECT_EQ(path_text(*in.snapshot.profile, in.snapshot.profile->records.back().leaks.front().site),
            "0x7fccec9e6bef > libpython3.11.so.1.0+0x1d3a57");
}

TEST(SanitizerImport, OtherErrorsAreCounted) {
  const ImportedDump in(
      "==9==ERROR: AddressSanitizer: heap-use-after-free on address 0x6\nSUMMARY: AddressSanitizer: x\n");
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.meta("sanitizer.error.heap-use-after-free"), "1");
  EXPECT_EQ(in.snapshot.warnings.size(), 1U);
}

TEST(SanitizerImport, CutsAndFlipsAreSurvived) { expect_survives_cuts_and_flips(sample()); }

}  // namespace
}  // namespace tests
