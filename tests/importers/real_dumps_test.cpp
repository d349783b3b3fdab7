// Dumps of real programs with known contents, where a folder with them is at hand ($HEAPQL_DATA, or shared/data beside
// the project); skipped elsewhere. What is known comes from other tools and from the programs that were dumped.
#include <gtest/gtest.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "formats/input.h"
#include "importers/registry.h"

namespace tests {
namespace {

using importers::ImportOptions;
using queries::ObjectId;

std::filesystem::path data_folder() {
  const char* named = std::getenv("HEAPQL_DATA");
  return (named != nullptr ? std::filesystem::path(named)
                           : std::filesystem::path(HEAPQL_SOURCE_DIR) / "../shared/data") /
         "hprof";
}

class RealDumps : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(data_folder())) GTEST_SKIP() << "no real dumps here: set HEAPQL_DATA to their folder";
  }
  static formats::Input open(const std::string& name) {
    formats::DamageLog damage;
    return formats::Input::open((data_folder() / name).string(), damage);
  }
  /// The whole dump, without rows.
  queries::Snapshot& import(const std::string& name, const ImportOptions& options = {}) {
    const formats::Input input = open(name);
    importers::ImportJob job{input, options, snapshot, nullptr, nullptr, {}};
    importers::find_importer(input.bytes())->run(job);
    return snapshot;
  }
  /// Objects by class name; class objects count as java.lang.Class.
  std::map<std::string, std::uint64_t> counts() const {
    std::map<std::string, std::uint64_t> all;
    for (std::uint32_t i = 0; i < snapshot.object_count; ++i) ++all[snapshot.class_row(ObjectId{i}).name];
    return all;
  }
  [[nodiscard]] std::uint64_t instances() const { return snapshot.object_count - snapshot.class_objects.size(); }
  queries::Snapshot snapshot;
};

/// Lines of a text file, compressed or not, split at commas.
std::vector<std::vector<std::string>> read_csv(formats::Bytes bytes) {
  std::vector<std::vector<std::string>> rows(1);
  rows.back().emplace_back();
  for (const char c : formats::as_text(bytes)) {
    if (c == '\n') {
      rows.emplace_back().emplace_back();
    } else if (c == ',') {
      rows.back().emplace_back();
    } else {
      rows.back().back() += c;
    }
  }
  rows.pop_back();
  return rows;
}

TEST_F(RealDumps, AndroidLollipopEqualsAhatObjectByObject) {
  import("ahat/L.hprof.zst");
  EXPECT_EQ(snapshot.object_count, 159'211u);
  EXPECT_EQ(snapshot.class_objects.size(), 3'416u);
  EXPECT_EQ(snapshot.damage_count, 0u);
  EXPECT_EQ(snapshot.runtime, "Android Runtime (ART)");
  const formats::Input oracle = open("ahat/L.ahat-strong.objects.csv.gz");
  const auto rows = read_csv(oracle.bytes());
  ASSERT_EQ(rows.size(), 159'212u);
  std::map<std::string, std::uint64_t> other_sizes;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    std::uint64_t address = 0;
    std::uint64_t size = 0;
    std::from_chars(rows[i][0].data(), rows[i][0].data() + rows[i][0].size(), address, 16);
    std::from_chars(rows[i][3].data(), rows[i][3].data() + rows[i][3].size(), size);
    const ObjectId id = snapshot.addresses.id_of(address);
    ASSERT_NE(id, queries::no_object) << rows[i][0];
    ASSERT_EQ(snapshot.class_row(id).name, rows[i][1]) << rows[i][0];
    // Ahat leaves out the padding to 8 bytes, and of arrays the header.
    if (snapshot.length.has(id)) size += rows[i][1] == "long[]" || rows[i][1] == "double[]" ? 16 : 12;
    if (snapshot.shallow[id] != (size + 7) / 8 * 8) ++other_sizes[rows[i][1]];
  }
  for (const auto& [name, count] : other_sizes) ADD_FAILURE() << name << ": " << count << " objects of another size";
}

TEST_F(RealDumps, OfJdk8HasTheInstancesThatNetBeansCounts) {
  import("slurp/hprof-64.bin.zst");
  EXPECT_EQ(instances(), 7'788u);
  EXPECT_EQ(snapshot.class_objects.size(), 474u);
  EXPECT_EQ(snapshot.roots.size(), 453u);
  EXPECT_EQ(snapshot.damage_count, 0u);
  EXPECT_EQ(counts()["int[]"], 436u);
}

TEST_F(RealDumps, SmallHeapHasTheInstancesThatVisualVmCounts) {
  import("visualvm/small_heap.bin.zst");
  EXPECT_EQ(instances(), 2'208u);
  EXPECT_EQ(snapshot.class_objects.size(), 443u);
  EXPECT_EQ(snapshot.roots.size(), 491u);
  EXPECT_EQ(snapshot.damage_count, 0u);
}

TEST_F(RealDumps, HaveWhatTheirProgramCounted) {
  for (const std::string name : {"edge/zoo-10m-nocoops", "edge/zoo-10m-jdk25-coh"}) {
    SCOPED_TRACE(name);
    snapshot = {};
    import(name + ".hprof.zst");
    EXPECT_EQ(snapshot.damage_count, 0u);
    auto found = counts();
    const formats::Input truth = open(name + ".truth.json");
    std::size_t compared = 0;
    for (const auto& row : read_csv(truth.bytes())) {  // a line: "name": count,
      const std::size_t end = row[0].rfind('"');
      const std::size_t begin = row[0].find('"');
      if (begin == std::string::npos || end <= begin) continue;
      std::string class_name = row[0].substr(begin + 1, end - begin - 1);
      const std::uint64_t count = std::strtoull(row[0].c_str() + end + 2, nullptr, 10);
      const bool at_least = class_name.ends_with(">=");
      if (at_least) class_name.resize(class_name.size() - 2);
      if (!found.contains(class_name)) continue;
      if (at_least) {
        EXPECT_GE(found[class_name], count) << class_name;
      } else {
        EXPECT_EQ(found[class_name], count) << class_name;
      }
      ++compared;
    }
    EXPECT_GE(compared, 10u);
  }
}

TEST_F(RealDumps, CutShortKeepWhatIsThere) {
  import("edge/zoo-10m-trunc20M.hprof.zst");
  EXPECT_GT(snapshot.object_count, 200'000u);
  EXPECT_GE(snapshot.damage_count, 1u);
  EXPECT_TRUE(snapshot.roots_reconstructed);
}

TEST_F(RealDumps, OfTheOldAgentHoldTwoHeaps) {
  import("mat/sun_jdk6_31_hprofagent_compressedOops.hprof");
  const std::uint32_t first = snapshot.object_count;
  snapshot = {};
  import("mat/sun_jdk6_31_hprofagent_compressedOops.hprof", ImportOptions{.dump_index = 1});
  EXPECT_GT(first, 2'526u);  // the reachable ones
  EXPECT_GT(snapshot.object_count, 2'833u);
  EXPECT_EQ(snapshot.damage_count, 0u);
}

}  // namespace
}  // namespace tests
