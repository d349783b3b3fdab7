// Primitive values of imported HPROF dumps: rows of `value`, and fields on demand.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "tests/importers/imported_dump.h"
#include "tests/support/hprof_writer.h"

namespace tests {
namespace {

using importers::ImportOptions;
using importers::ValueRows;
using Type = HprofWriter::Type;

std::uint64_t bits(float value) { return std::bit_cast<std::uint32_t>(value); }
std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }

class HprofValues : public testing::TestWithParam<unsigned> {
 protected:
  HprofWriter dump{GetParam()};
  std::uint64_t all = dump.define_class(
      {.name = "All",
       .id = 0x9000,
       .fields = {{"z", Type::boolean},
                  {"c", Type::character},
                  {"f", Type::float32},
                  {"next", Type::object},
                  {"d", Type::float64},
                  {"b", Type::int8},
                  {"s", Type::int16},
                  {"i", Type::int32},
                  {"j", Type::int64}},
       .statics = {{"LIMIT", Type::int64, 1ull << 40}, {"SELF", Type::object, 0x9000}, {"on", Type::boolean, 1}}});
  /// "name type = value" of each value row of the object.
  static std::vector<std::string> values(const ImportedDump& in, std::uint64_t address) {
    std::vector<std::string> texts;
    for (const queries::PrimitiveValue& row : in.rows.values) {
      if (row.object != in.id(address)) continue;
      const bool is_real = row.type == 'F' || row.type == 'D';
      char number[64];
      std::snprintf(number, sizeof number, "%g", row.real);
      texts.push_back(in.name_of(row.name) + " " + row.type + " = " + (is_real ? number : std::to_string(row.integer)));
    }
    return texts;
  }
};
INSTANTIATE_TEST_SUITE_P(IdSize, HprofValues, testing::Values(4u, 8u), testing::PrintToStringParamName());

TEST_P(HprofValues, OfEveryTypeKeepTheirSign) {
  dump.instance(all, {1, 0xFFFF, bits(-1.5f), 0x9000, bits(1e300), 0x80, 0x8000, 0x8000'0000, 1ull << 63}, 0x2000);
  dump.instance(all, {0, 65, bits(0.25f), 0, bits(-0.5), 0x7F, 0x7FFF, 0x7FFF'FFFF, ~0ull}, 0x2100);
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(values(in, 0x2000),
            (std::vector<std::string>{"z Z = 1", "c C = 65535", "f F = -1.5", "d D = 1e+300", "b B = -128",
                                      "s S = -32768", "i I = -2147483648", "j J = -9223372036854775808"}));
  EXPECT_EQ(values(in, 0x2100), (std::vector<std::string>{"z Z = 0", "c C = 65", "f F = 0.25", "d D = -0.5",
                                                          "b B = 127", "s S = 32767", "i I = 2147483647", "j J = -1"}));
  EXPECT_EQ(values(in, 0x9000), (std::vector<std::string>{"LIMIT J = 1099511627776", "on Z = 1"}));
}

TEST_P(HprofValues, MayBeInfiniteOrNotANumber) {
  dump.instance(all, {0, 0, bits(std::numeric_limits<float>::infinity()), 0, bits(std::nan(""))}, 0x2000);
  dump.instance(all, {0, 0, bits(std::nanf("")), 0, bits(-std::numeric_limits<double>::infinity())}, 0x2100);
  const ImportedDump in(dump.bytes());
  std::vector<double> reals;
  for (const queries::PrimitiveValue& row : in.rows.values) {
    if (row.type == 'F' || row.type == 'D') reals.push_back(row.real);
  }
  ASSERT_EQ(reals.size(), 4u);
  EXPECT_TRUE(std::isinf(reals[0]) && reals[0] > 0);
  EXPECT_TRUE(std::isnan(reals[1]));
  EXPECT_TRUE(std::isnan(reals[2]));
  EXPECT_TRUE(std::isinf(reals[3]) && reals[3] < 0);
}

TEST_P(HprofValues, AreTheSameOnDemand) {
  dump.instance(all, {1, 0xFFFF, bits(-1.5f), 0x9000, bits(1e300), 0x80, 0x8000, 0x8000'0000, 1ull << 63}, 0x2000);
  const ImportedDump in(dump.bytes());
  std::size_t compared = 0;
  for (const queries::FieldValue& field : in.details->fields(in.id(0x2000))) {
    if (field.type == 'L') {
      EXPECT_EQ(field.name, "next");
      EXPECT_EQ(field.target, in.id(0x9000));
      continue;
    }
    for (const queries::PrimitiveValue& row : in.rows.values) {
      if (row.object != in.id(0x2000) || in.name_of(row.name) != field.name) continue;
      EXPECT_EQ(row.type, field.type);
      EXPECT_EQ(row.integer, field.integer);
      EXPECT_EQ(row.real, field.real);
      ++compared;
    }
  }
  EXPECT_EQ(compared, 8u);
  EXPECT_EQ(in.details->fields(in.id(0x2000), 3).size(), 3u);
  EXPECT_TRUE(in.details->fields(queries::no_object).empty());
}

TEST_P(HprofValues, AreLeftOutOnDemand) {
  dump.instance(all, {1}, 0x2000);
  EXPECT_TRUE(ImportedDump(dump.bytes(), ImportOptions{.values = ValueRows::none}).rows.values.empty());
  EXPECT_FALSE(ImportedDump(dump.bytes(), ImportOptions{.values = ValueRows::all}).rows.values.empty());
}

TEST_P(HprofValues, ThatAreCutAreLeftOut) {
  dump.raw_instance(all, std::string("\x01\x00\x41", 3), 0x2000);  // z and c, no more
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(values(in, 0x2000), (std::vector<std::string>{"z Z = 1", "c C = 65"}));
}

TEST_P(HprofValues, ArraysShowTheirReferences) {
  const auto array_class = dump.define_class({.name = "[LAll;", .id = 0x9100});
  dump.object_array(array_class, {0, 0x9000, 0x9100}, 0x2000);
  const ImportedDump in(dump.bytes());
  const auto fields = in.details->fields(in.id(0x2000));
  ASSERT_EQ(fields.size(), 2u);
  EXPECT_EQ(fields[0].name, "[1]");
  EXPECT_EQ(fields[0].slot, 1u);
  EXPECT_EQ(fields[1].target, in.id(0x9100));
  EXPECT_EQ(in.details->reference_name(in.id(0x2000), in.id(0x9100)), "[2]");
  EXPECT_EQ(in.details->reference_name(in.id(0x2000), in.id(0x2000)), "");
}

}  // namespace
}  // namespace tests
