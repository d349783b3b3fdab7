// Fragmentation of real cores of one program under four allocators, against the log of what it had asked for: where a
// folder with them is at hand ($HEAPQL_DATA, or shared/data beside the project); skipped elsewhere.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>

#include "analyzer/passes/fragmentation.h"
#include "formats/input.h"
#include "importers/registry.h"

namespace {

using namespace analyzer;
using namespace queries;

std::filesystem::path data_folder() {
  const char* named = std::getenv("HEAPQL_DATA");
  return (named != nullptr ? std::filesystem::path(named)
                           : std::filesystem::path(HEAPQL_SOURCE_DIR) / "../shared/data") /
         "core/own";
}

class FragmentationOfRealCores : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(data_folder())) GTEST_SKIP() << "no real cores here: set HEAPQL_DATA to their folder";
    const formats::Input input = open(".core.gz");
    importers::ImportJob job{input, {}, snapshot, nullptr, nullptr, {}};
    importers::find_importer(input.bytes())->run(job);
    const formats::Input log = open(".live.gz");
    std::istringstream lines{std::string(formats::as_text(log.bytes()))};
    std::string address;
    for (std::uint64_t size = 0; lines >> address >> size;) requested[std::stoull(address, nullptr, 16)] = size;
  }
  static formats::Input open(const std::string& suffix) {
    formats::DamageLog damage;
    return formats::Input::open((data_folder() / (GetParam() + suffix)).string(), damage);
  }
  static double metric(const Fragmentation& found, const std::string& name) {
    for (const MetricRow& row : found.metrics) {
      if (row.name == "fragmentation." + name) return row.value;
    }
    ADD_FAILURE() << "no metric fragmentation." << name;
    return -1;
  }
  Snapshot snapshot;
  std::map<std::uint64_t, std::uint64_t> requested;  // by address of the block
};

TEST_P(FragmentationOfRealCores, PartsSumToTheRegions) {
  ASSERT_FALSE(snapshot.regions.empty());
  for (const RegionRow& row : snapshot.regions) {
    EXPECT_EQ(row.live_bytes + row.free_bytes + row.cached_bytes + row.overhead_bytes, row.end - row.start) << row.name;
    EXPECT_LT(row.overhead_bytes, std::uint64_t{1} << 40) << row.name;
  }
  const Fragmentation found = find_fragmentation(snapshot, 1'000'000);
  std::uint64_t free_bytes = 0, sum = 0;
  for (const ArenaRow& row : found.arenas) {
    EXPECT_EQ(row.live_bytes + row.free_bytes + row.cached_bytes + row.overhead_bytes + row.released_bytes, row.bytes)
        << row.name;
    EXPECT_FALSE(row.map.empty());
    free_bytes += row.free_bytes;
  }
  EXPECT_EQ(metric(found, "free_bytes"), static_cast<double>(free_bytes));
  EXPECT_EQ(metric(found, "pinned_bytes") + metric(found, "returnable_bytes"), static_cast<double>(free_bytes));
  for (const PinStatRow& row : found.pin_stats) sum += row.pinned_bytes;
  EXPECT_EQ(metric(found, "pinned_bytes"), static_cast<double>(sum));
}

TEST_P(FragmentationOfRealCores, InternalFragmentationIsThatOfTheLog) {
  snapshot.slack = {};  // what the importer knew of containers: here the log tells of every block
  std::uint64_t known = 0, asked = 0, usable = 0;
  snapshot.addresses.for_each([&](ObjectId id, std::uint64_t address) {
    const auto entry = requested.find(address);
    if (entry == requested.end()) return;  // the allocator's own
    ASSERT_LE(entry->second, snapshot.shallow[id]) << std::hex << address;
    snapshot.slack.append(id, static_cast<std::uint32_t>(snapshot.shallow[id] - entry->second));
    ++known;
    asked += entry->second;
    usable += snapshot.shallow[id];
  });
  snapshot.slack.freeze(snapshot.object_count);
  ASSERT_EQ(known, requested.size());
  const Fragmentation found = find_fragmentation(snapshot, 1'000'000);
  EXPECT_EQ(metric(found, "internal_known_bytes"), static_cast<double>(usable));
  EXPECT_EQ(metric(found, "internal_bytes"), static_cast<double>(usable - asked));
  EXPECT_DOUBLE_EQ(metric(found, "internal"), static_cast<double>(usable - asked) / static_cast<double>(usable));
  RecordProperty("internal_percent", std::to_string(100 * metric(found, "internal")));
}

TEST_P(FragmentationOfRealCores, PinsAreTheHighestBlocksThatTheLogHasInTheirRegion) {
  const Fragmentation found = find_fragmentation(snapshot, 1'000'000);
  ASSERT_FALSE(found.pins.empty());
  std::size_t logged = 0;
  for (const PinRow& pin : found.pins) {
    const RegionRow& region = snapshot.regions[pin.region];
    auto above = requested.lower_bound(region.end);
    ASSERT_NE(above, requested.begin());
    const std::uint64_t highest = std::prev(above)->first;
    const std::uint64_t address = snapshot.addresses.address_of(pin.object);
    EXPECT_GE(address, highest) << region.name;  // above it only blocks of the allocator's own
    logged += address == highest ? 1 : 0;
  }
  EXPECT_GE(logged + 2, found.pins.size());
}

INSTANTIATE_TEST_SUITE_P(Allocators, FragmentationOfRealCores,
                         testing::Values("glibc", "jemalloc", "tcmalloc", "mimalloc"));

}  // namespace
