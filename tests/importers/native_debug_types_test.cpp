// Types from debugging information, on samples that are built, run and dumped here: what each says of its blocks, and
// what their log of allocations says of the bytes they were asked for. Skipped where no core can be made.
#include "importers/native_debug_types.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <tuple>

#include "importers/registry.h"
#include "queries/row_sink.h"

namespace tests {
namespace {

using queries::ObjectId;
using queries::Snapshot;

/// References of one snapshot, by source and target.
class References final : public queries::RowSink {
 public:
  std::map<std::pair<std::uint32_t, std::uint32_t>, queries::NameId> names;
  void reference(ObjectId source, std::uint32_t, ObjectId target, queries::NameId name, queries::Strength) override {
    names.emplace(std::pair(index(source), index(target)), name);
  }
  void string(ObjectId, std::string_view, std::uint64_t) override {}
  void value(const queries::PrimitiveValue&) override {}
  void event(const queries::AllocationEvent&) override {}
};

class TypedSample : public testing::TestWithParam<std::tuple<std::string, std::string>> {
 protected:
  void SetUp() override {
    folder = std::filesystem::temp_directory_path() / ("heapql_types_" + std::to_string(getpid()));
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  /// False when it cannot be made here.
  bool dump(const std::string& sample, const std::string& build) {
    const std::string command = HEAPQL_SOURCE_DIR "/samples/native/dump.sh --build " + build + " -o " +
                                folder.string() + " " + sample + " 2>/dev/null";
    const int status = std::system(command.c_str());
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) return false;
    EXPECT_EQ(status, 0) << command;
    formats::DamageLog damage;
    input.emplace(formats::Input::open((folder / (sample + ".core")).string(), damage));
    importers::ImportJob job{*input, {}, snapshot, &references, nullptr, {}};
    importers::find_importer(input->bytes())->run(job);
    return true;
  }
  /// What malloc was asked for, by address.
  [[nodiscard]] std::map<std::uint64_t, std::uint64_t> live_blocks(const std::string& sample) const {
    std::map<std::uint64_t, std::uint64_t> live;
    std::ifstream lines(folder / (sample + ".live"));
    std::uint64_t address = 0;
    std::uint64_t size = 0;
    char comma = 0;
    while (lines >> std::hex >> address >> comma >> std::dec >> size) live[address] = size;
    return live;
  }
  [[nodiscard]] const queries::ClassRow& class_at(std::uint64_t address) const {
    static const queries::ClassRow none;
    const ObjectId id = snapshot.addresses.id_of(address);
    return id == queries::no_object ? none : snapshot.class_row(id);
  }

  std::filesystem::path folder;
  std::optional<formats::Input> input;
  Snapshot snapshot;
  References references;
};

TEST_P(TypedSample, KnownRequestedSizesAreThoseOfTheLog) {
  const auto& [sample, build] = GetParam();
  if (!dump(sample, build)) GTEST_SKIP() << "no core can be made here";
  const auto live = live_blocks(sample);
  ASSERT_FALSE(live.empty());
  std::size_t known = 0;
  for (const auto& [address, requested] : live) {
    const ObjectId id = snapshot.addresses.id_of(address);
    ASSERT_NE(id, queries::no_object);
    if (!snapshot.slack.has(id)) continue;
    ++known;
    EXPECT_EQ(snapshot.shallow[id] - snapshot.slack[id], requested) << snapshot.class_row(id).name;
  }
  RecordProperty("known", static_cast<int>(known));
  // What is leaked, nothing leads to; and types say nothing of buffers of bytes.
  if (sample == "typed_heap" || sample == "shared_ptr_cycle" || sample == "unbounded_cache") {
    EXPECT_GT(known * 10, live.size() * 9) << known << " of " << live.size();
  }
}
INSTANTIATE_TEST_SUITE_P(Samples, TypedSample,
                         testing::Combine(testing::Values("typed_heap", "leaked_list", "shared_ptr_cycle",
                                                          "unbounded_cache", "fragmented_heap", "dangling_pointer"),
                                          testing::Values("debug", "pie")),
                         [](const auto& at) { return std::get<0>(at.param) + "_" + std::get<1>(at.param); });

class TypedHeap : public TypedSample {};
TEST_P(TypedHeap, EveryBlockIsWhatTheProgramSaysItIs) {
  const std::string build = std::get<1>(GetParam());
  if (!dump("typed_heap", build)) GTEST_SKIP() << "no core can be made here";
  std::ifstream lines(folder / "typed_heap.truth");
  std::string line;
  std::size_t count = 0;
  while (std::getline(lines, line)) {
    const std::size_t space = line.rfind(' ');
    const std::string expected = line.substr(0, space);
    const std::uint64_t address = std::stoull(line.substr(space), nullptr, 16);
    if (expected == "end") continue;
    const queries::ClassRow& found = class_at(address);
    ++count;
    if (expected == "untyped") {
      EXPECT_EQ(found.source, "size") << found.name;
    } else {
      EXPECT_EQ(found.name, expected) << std::hex << address;
      EXPECT_EQ(found.source, expected == "zoo::Cat" ? "vtable" : "debug info") << found.name;
    }
  }
  EXPECT_GT(count, 300u);
}
TEST_P(TypedHeap, ReferencesAndBuffersAreNamedByMembers) {
  if (!dump("typed_heap", std::get<1>(GetParam()))) GTEST_SKIP() << "no core can be made here";
  std::map<std::string, int> names;
  for (const auto& [pair, name] : references.names) {
    const std::string text = name == queries::no_name ? "" : snapshot.names[index(name)];
    ++names[snapshot.class_row(ObjectId{pair.first}).name + "." + text];
  }
  EXPECT_EQ(names["zoo::Node.next"], 49);
  EXPECT_EQ(names["zoo::Node.leaf"], 50);
  EXPECT_EQ(names["zoo::Registry.head"], 1);
  EXPECT_EQ(names["zoo::Registry.nodes"], 1);
  EXPECT_EQ(names["zoo::Registry.owned"], 1);
  EXPECT_EQ(names["zoo::Cat.food"], 1);
  EXPECT_EQ(names["array of zoo::Counted.[].point"], 5);
  EXPECT_EQ(names["std::map/set node of zoo::Registry.map.second"], 12);
  EXPECT_EQ(names["std::vector body of zoo::Registry.nodes.[].leaf"], 3);
}
INSTANTIATE_TEST_SUITE_P(Builds, TypedHeap,
                         testing::Values(std::tuple("typed_heap", "debug"), std::tuple("typed_heap", "pie")),
                         [](const auto& at) { return std::get<1>(at.param); });

}  // namespace
}  // namespace tests
