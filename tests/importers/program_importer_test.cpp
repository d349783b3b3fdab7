// The layouts of a program's types, of this test program itself.
#include "importers/program_importer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "importers/registry.h"
#include "tests/support/own_process.h"

namespace program_types {

struct Wasteful {
  char first = 0;
  double second = 0;
  short third = 0;
  unsigned low : 3;
  unsigned high : 7;
};
struct Outer {
  Wasteful inner;
  char last = 0;
};

Outer outer;  // used, or nothing would be known of it

}  // namespace program_types

namespace tests {
namespace {

using queries::LayoutRows;
using queries::TypeLayoutRow;

class Program : public testing::Test {
 protected:
  void SetUp() override {
    formats::DamageLog damage;
    input.emplace(formats::Input::open(own_path(), damage));
    importers::ImportJob job{*input, {}, snapshot, nullptr, nullptr, {}};
    const importers::Importer* importer = importers::find_importer(input->bytes());
    ASSERT_NE(importer, nullptr);
    ASSERT_EQ(importer->name, "program");
    importer->run(job);
  }
  const TypeLayoutRow* find(const std::string& name) const {
    const LayoutRows& rows = snapshot.layout;
    const auto found = std::find_if(rows.types.begin(), rows.types.end(),
                                    [&](const TypeLayoutRow& row) { return rows.texts[row.name] == name; });
    return found == rows.types.end() ? nullptr : &*found;
  }
  std::vector<queries::TypeFieldRow> fields_of(const TypeLayoutRow& type) const {
    std::vector<queries::TypeFieldRow> fields;
    for (const queries::TypeFieldRow& row : snapshot.layout.fields) {
      if (row.type == static_cast<std::uint32_t>(&type - snapshot.layout.types.data())) fields.push_back(row);
    }
    return fields;
  }
  std::optional<formats::Input> input;
  queries::Snapshot snapshot;
};

TEST_F(Program, TypesHaveTheirHolesAndNoObjects) {
  EXPECT_TRUE(snapshot.types_only);
  const TypeLayoutRow* type = find("program_types::Wasteful");
  ASSERT_NE(type, nullptr);
  EXPECT_EQ(type->size, sizeof(program_types::Wasteful));
  EXPECT_EQ(type->hole_bytes, 7);
  EXPECT_EQ(type->reordered_size, 16u);
  EXPECT_EQ(type->instance_count, 0u);
  EXPECT_EQ(type->wasted_bytes, -1) << "of no heap";
  EXPECT_GT(snapshot.layout.types.size(), 100u);
}

TEST_F(Program, FieldsOfMembersLieInTheirPlace) {
  const TypeLayoutRow* type = find("program_types::Outer");
  ASSERT_NE(type, nullptr);
  const auto fields = fields_of(*type);
  ASSERT_EQ(fields.size(), 6u);
  const auto& texts = snapshot.layout.texts;
  EXPECT_EQ(texts[fields[1].name], "inner.second");
  EXPECT_EQ(fields[1].offset, 8u);
  EXPECT_EQ(fields[0].hole_bytes, 7);
  EXPECT_EQ(texts[fields[3].name], "inner.low");
  EXPECT_EQ(fields[3].bit_size, 3u);
  EXPECT_EQ(fields[4].bit_offset, 3);
  EXPECT_EQ(texts[fields[5].name], "last");
}

/// Over all types there are: what holds for any layout.
TEST_F(Program, PartsOfEveryTypeSumToItsSize) {
  const LayoutRows& rows = snapshot.layout;
  std::size_t at = 0;
  for (std::uint32_t type = 0; type < rows.types.size(); ++type) {
    const TypeLayoutRow& row = rows.types[type];
    EXPECT_LE(row.reordered_size, row.size);
    EXPECT_LE(static_cast<std::uint64_t>(row.hole_bytes + row.padding_bytes), row.size);
    std::uint64_t previous = 0;
    for (; at < rows.fields.size() && rows.fields[at].type == type; ++at) {
      const queries::TypeFieldRow& field = rows.fields[at];
      EXPECT_GE(field.offset, previous) << rows.texts[row.name];
      previous = field.offset;
      EXPECT_LE(field.offset + (field.bit_size != 0 ? 1 : field.size), row.size) << rows.texts[row.name];
      EXPECT_GE(field.hole_bytes, 0);
    }
  }
  EXPECT_EQ(at, rows.fields.size());
}

TEST(ProgramWithoutDebugInformation, SaysWhatToDo) {
  formats::DamageLog damage;
  const formats::Input input = formats::Input::open("/bin/true", damage);
  if (!importers::looks_like_program(input.bytes())) GTEST_SKIP() << "no program there";
  queries::Snapshot snapshot;
  importers::ImportJob job{input, {}, snapshot, nullptr, nullptr, {}};
  job.options.modules.debug_directories = {"/nowhere"};
  try {
    importers::import_program(job);
    FAIL() << "it has debugging information";
  } catch (const formats::InputError& error) {
    EXPECT_NE(std::string(error.what()).find("without debugging information"), std::string::npos) << error.what();
  }
}

TEST(ProgramCutShort, IsReadOrRefusedAtEveryLengthOfItsHeaders) {
  std::string page = own_first_page();
  for (std::size_t length = 0; length <= page.size(); length += length < 1200 ? 1 : 97) {
    const std::string cut = page.substr(0, length);
    const formats::Bytes bytes{reinterpret_cast<const std::byte*>(cut.data()), cut.size()};
    if (!importers::looks_like_program(bytes)) continue;
    const formats::Input input = formats::Input::borrow(bytes, "/nowhere/cut");
    queries::Snapshot snapshot;
    importers::ImportJob job{input, {}, snapshot, nullptr, nullptr, {}};
    EXPECT_THROW(importers::import_program(job), formats::InputError) << length;
  }
}

}  // namespace
}  // namespace tests
