// Whole imports of the cores whose every block and every leak is known (support/own_cores.h); skipped without them.
#include "tests/support/own_cores.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "importers/registry.h"
#include "queries/heap_graph.h"

namespace tests {
namespace {

using queries::ObjectId;

struct Case {
  const char* allocator;
  double least_found;  ///< share of the leaks; the others are held by stale words
};

class OwnCores : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(own_cores())) GTEST_SKIP() << "no cores with known contents here: set HEAPQL_DATA";
  }
};

/// Objects that no root reaches.
std::set<std::uint32_t> unreachable(const queries::Snapshot& snapshot) {
  const queries::HeapGraph graph(snapshot);
  std::vector<bool> reached(snapshot.object_count);
  std::vector<ObjectId> open(graph.roots().begin(), graph.roots().end());
  for (const ObjectId root : open) reached[index(root)] = true;
  while (!open.empty()) {
    const ObjectId at = open.back();
    open.pop_back();
    graph.for_each_successor(at, [&](ObjectId target, queries::Strength) {
      if (reached[index(target)]) return;
      reached[index(target)] = true;
      open.push_back(target);
    });
  }
  std::set<std::uint32_t> lost;
  for (std::uint32_t i = 0; i < snapshot.object_count; ++i) {
    if (!reached[i]) lost.insert(i);
  }
  return lost;
}

/// Ascending, without overlap; the heap's regions and every thread's stack are in them.
void expect_mappings_cover_the_process(const queries::Snapshot& snapshot) {
  std::uint64_t end = 0;
  std::map<std::string, std::uint64_t> bytes;
  std::set<std::int64_t> stacks;
  for (const queries::MappingRow& row : snapshot.mappings) {
    ASSERT_LE(end, row.start);
    ASSERT_LT(row.start, row.end);
    ASSERT_LE(row.resident_bytes, row.end - row.start);
    end = row.end;
    bytes[row.kind] += row.end - row.start;
    if (row.kind == "stack" && row.thread >= 0) stacks.insert(row.thread);
  }
  std::uint64_t regions = 0;
  for (const queries::RegionRow& row : snapshot.regions) regions += row.end - row.start;
  EXPECT_EQ(bytes["heap"], regions);
  EXPECT_GT(bytes["code"], 0u);
  EXPECT_GT(bytes["static_data"], 0u);
  EXPECT_EQ(stacks.size(), snapshot.threads.size());
  for (const queries::ThreadRow& row : snapshot.threads) {
    EXPECT_GT(row.stack_used_bytes, 0);
    EXPECT_LE(row.stack_used_bytes, row.stack_bytes);
  }
}

TEST_P(OwnCores, EveryLiveBlockIsAnObjectAndEveryLeakIsFound) {
  const std::string allocator = GetParam().allocator;
  const formats::Input input = open_own_core(allocator + ".core.gz");
  queries::Snapshot snapshot;
  importers::ImportJob job{input, {}, snapshot, nullptr, nullptr, {}};
  importers::find_importer(input.bytes())->run(job);

  const auto live = live_blocks(allocator);
  ASSERT_GT(live.size(), 20'000u);
  for (const auto& [address, requested] : live) {
    const ObjectId id = snapshot.addresses.id_of(address);
    ASSERT_NE(id, queries::no_object) << std::hex << address;
    ASSERT_GE(snapshot.shallow[id], requested) << std::hex << address;
  }
  std::size_t known = 0;
  for (const auto& [address, requested] : live) {  // what containers tell of their buffers is what malloc was asked for
    const ObjectId id = snapshot.addresses.id_of(address);
    if (!snapshot.slack.has(id)) continue;
    ++known;
    ASSERT_EQ(snapshot.shallow[id] - snapshot.slack[id], requested) << snapshot.class_row(id).name;
  }
  EXPECT_GT(known, 5'000u);
  std::set<std::uint32_t> own;
  for (const queries::RootRow& root : snapshot.roots) {
    const bool is_own = root.kind == queries::RootKind::allocator;
    if (is_own && live.count(snapshot.addresses.address_of(root.object)) == 0) own.insert(index(root.object));
  }
  EXPECT_EQ(snapshot.object_count, live.size() + own.size()) << "besides the allocator's own blocks";

  // The program's list of what it lost on purpose.
  const formats::Input truth = open_own_core(allocator + ".truth.gz");
  std::istringstream lines{std::string(formats::as_text(truth.bytes()))};
  std::set<std::uint32_t> leaked;
  std::set<std::uint32_t> kept;
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string category;
    std::uint64_t address = 0;
    words >> category >> std::hex >> address;
    const queries::AddressMap::Place place = snapshot.addresses.at_or_below(address);
    ASSERT_NE(place.id, queries::no_object);
    (category.starts_with("leak") || category == "hidden_xor" ? leaked : kept).insert(index(place.id));
  }
  const std::set<std::uint32_t> lost = unreachable(snapshot);
  std::size_t found = 0;
  for (const std::uint32_t id : leaked) found += lost.count(id);
  EXPECT_GE(static_cast<double>(found), GetParam().least_found * static_cast<double>(leaked.size()));
  for (const std::uint32_t id : lost) {
    EXPECT_EQ(leaked.count(id), 1u) << "called leaked, but is not: " << std::hex
                                    << snapshot.addresses.address_of(ObjectId{id});
  }
  for (const std::uint32_t id : kept) EXPECT_EQ(lost.count(id), 0u);
  expect_mappings_cover_the_process(snapshot);
  std::uint64_t bytes = 0;
  for (const queries::RegionRow& row : snapshot.regions) {
    EXPECT_EQ(row.live_bytes + row.free_bytes + row.cached_bytes + row.overhead_bytes, row.end - row.start) << row.name;
    bytes += row.live_bytes;
  }
  std::uint64_t shallow = 0;
  for (std::uint32_t i = 0; i < snapshot.object_count; ++i) shallow += snapshot.shallow[ObjectId{i}];
  EXPECT_EQ(bytes, shallow);
}
TEST_P(OwnCores, DebuggingInformationTellsWhatMallocWasAskedFor) {
  const std::string allocator = GetParam().allocator;
  const std::filesystem::path program = own_cores() / "leaklab.exe";
  if (!std::filesystem::exists(program)) GTEST_SKIP() << "no " << program;
  const formats::Input input = open_own_core(allocator + ".core.gz");
  queries::Snapshot snapshot;
  importers::ImportOptions options;
  options.modules.exe = program.string();
  importers::ImportJob job{input, options, snapshot, nullptr, nullptr, {}};
  importers::find_importer(input.bytes())->run(job);
  std::size_t known = 0;
  for (const auto& [address, requested] : live_blocks(allocator)) {
    const ObjectId id = snapshot.addresses.id_of(address);
    ASSERT_NE(id, queries::no_object);
    if (!snapshot.slack.has(id)) continue;
    ++known;
    ASSERT_EQ(snapshot.shallow[id] - snapshot.slack[id], requested) << snapshot.class_row(id).name;
  }
  EXPECT_GT(known, 21'000u) << "of 22,284";
}
INSTANTIATE_TEST_SUITE_P(Allocators, OwnCores,
                         testing::Values(Case{"glibc", 0.995}, Case{"jemalloc", 0.99}, Case{"tcmalloc", 0.98},
                                         Case{"mimalloc", 0.99}),
                         [](const auto& at) { return std::string(at.param.allocator); });

}  // namespace
}  // namespace tests
