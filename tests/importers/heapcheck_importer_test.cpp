// Reports of gperftools' leak checker: leaks, totals, damage; and a real one.
#include <gtest/gtest.h>

#include "tests/importers/imported_profile.h"
#include "tests/support/heap_profile_writer.h"
#include "tests/support/trace_data.h"

namespace tests {
namespace {

TEST(HeapcheckImporter, LeaksAreDefiniteAndSumToTheTotal) {
  const ImportedProfile in(heapcheck_report());
  ASSERT_EQ(in.problem(), "");
  ASSERT_EQ(in.record().leaks.size(), 3U);
  EXPECT_EQ(in.record().leaks[0].kind, queries::LeakKind::definite);
  EXPECT_EQ(in.path_text(in.record().leaks[0].site), "keep < main");
  EXPECT_EQ(in.path_text(in.record().leaks[1].site), "0x403000 < main");
  EXPECT_EQ(in.record().leaks[2].site, queries::no_site);
  EXPECT_EQ(in.record().leaks[2].bytes, 100);
  EXPECT_EQ(in.total().live_bytes, 10300);
  EXPECT_EQ(in.total().live_count, 53);
}

TEST(HeapcheckImporter, EveryTruncationAndEveryFlippedByteIsAProfileOrARefusal) {
  const std::string whole = heapcheck_report();
  const auto import = [](const std::string& file) {
    try {
      EXPECT_EQ(ImportedProfile(file).problem(), "");
    } catch (const formats::InputError&) {  // not the checker's any more
    }
  };
  for (std::size_t size = 0; size < whole.size(); ++size) import(whole.substr(0, size));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int mask : {0x01, 0x10, 0x80}) {
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ mask);
      import(flipped);
    }
  }
}

TEST(RealHeapcheck, HasTheLeakOfTheProgram) {
  const std::filesystem::path file = trace_data_folder() / "gperftools/heapcheck.txt";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no real report here: set HEAPQL_DATA to its folder";
  const ImportedProfile in(file);
  ASSERT_EQ(in.record().leaks.size(), 1U);
  EXPECT_EQ(in.record().leaks[0].bytes, 10'000);
  EXPECT_EQ(in.record().leaks[0].object_count, 50);
}

}  // namespace
}  // namespace tests
