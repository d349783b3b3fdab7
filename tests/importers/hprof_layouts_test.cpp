// Headers, fields and padding of the sample dumps' classes: they sum to the heap, and are what the JVM does.
#include "importers/hprof_layouts.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "importers/registry.h"

namespace tests {
namespace {

class SampleLayouts : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    formats::DamageLog damage;
    input.emplace(formats::Input::open(HEAPQL_SOURCE_DIR "/samples/dumps/" + GetParam() + ".hprof.zst", damage));
    importers::ImportJob job{*input, {}, snapshot, nullptr, &details, {}};
    importers::find_importer(input->bytes())->run(job);
  }
  std::optional<formats::Input> input;
  queries::Snapshot snapshot;
  std::unique_ptr<queries::ObjectDetails> details;
};

TEST_P(SampleLayouts, RowsHaveTheObjectsAndTheBytesOfTheHeap) {
  std::map<queries::ClassId, std::pair<std::uint64_t, std::uint64_t>> expected;  // count, bytes
  for (std::uint32_t i = 0; i < snapshot.object_count; ++i) {
    const queries::ObjectId id{i};
    if (snapshot.kind_of(id) == queries::ObjectKind::class_object) continue;
    auto& [count, bytes] = expected[snapshot.class_of[id]];
    ++count;
    bytes += snapshot.shallow[id];
  }
  ASSERT_EQ(snapshot.layout.types.size(), expected.size());
  for (const queries::TypeLayoutRow& row : snapshot.layout.types) {
    const std::string& name = snapshot.layout.texts[row.name];
    const auto& [count, bytes] = expected[row.class_id];
    EXPECT_EQ(row.instance_count, count) << name;
    EXPECT_EQ(row.instance_bytes, bytes) << name;
    EXPECT_GE(row.wasted_bytes, 0) << name;
    EXPECT_LE(static_cast<std::uint64_t>(row.header_bytes) * count + static_cast<std::uint64_t>(row.wasted_bytes),
              bytes)
        << name;
  }
}

TEST_P(SampleLayouts, WellKnownClassesArePaddedAsTheJvmPadsThem) {
  for (const queries::TypeLayoutRow& row : snapshot.layout.types) {
    const std::string& name = snapshot.layout.texts[row.name];
    if (row.header_bytes != 12) continue;  // compressed class pointers
    // 12 bytes and the fields: 4; a gap of 4 and 8; none; three references of 4.
    static const std::map<std::string, std::int64_t> expected = {
        {"java.lang.Integer", 0}, {"java.lang.Long", 4}, {"java.lang.Object", 4}, {"java.util.HashMap$Node", 4}};
    const auto known = expected.find(name);
    if (known != expected.end()) {
      EXPECT_EQ(row.padding_bytes, known->second) << name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Samples, SampleLayouts,
                         testing::Values("UnboundedCache", "ForgottenListeners", "FinalizerCycle", "ThreadLocalLeak"));

}  // namespace
}  // namespace tests
