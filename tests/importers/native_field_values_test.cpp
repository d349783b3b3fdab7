// What values say of a member, over objects made here, against sums made plainly.
#include "importers/native_field_values.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/support/own_debug_session.h"

namespace field_values {

struct Record {
  std::uint8_t small = 0;
  std::int32_t number = 0;
  std::uint64_t wide = 0;
  bool flag = false;
  double real = 0;
  Record* next = nullptr;
  std::string text;
  std::vector<int> list;
  std::map<int, int> tree;
  char name[16] = {};
  unsigned low : 5;
  signed middle : 9;
  std::unique_ptr<int> owned;
};

Record record;  // used, or nothing would be known of it

}  // namespace field_values

namespace tests {
namespace {

using field_values::Record;
using importers::native::Field;
using importers::native::FieldValues;

class Values : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(program.open(own_path()));
    catalog = std::make_unique<formats::TypeCatalog>(*program.session);
    const auto id = catalog->find("field_values::Record");
    ASSERT_TRUE(id);
    fields = importers::native::fields_of(*catalog, *id, sizeof(Record));
  }
  /// Of all records, by the field's name.
  queries::TypeFieldRow row_of(const std::string& name, const std::vector<Record>& records,
                               queries::ContainerUseRow* use = nullptr) {
    for (const Field& field : fields) {
      if (field.name != name) continue;
      FieldValues values(*catalog, field);
      for (const Record& one : records) {
        values.add(reinterpret_cast<const std::byte*>(&one), reinterpret_cast<std::uintptr_t>(&one));
      }
      for (const Record& one : records) values.count_common(reinterpret_cast<const std::byte*>(&one));
      queries::TypeFieldRow row;
      values.fill(row);
      if (use != nullptr) values.fill(*use);
      return row;
    }
    ADD_FAILURE() << name;
    return {};
  }
  ProgramSession program;
  std::unique_ptr<formats::TypeCatalog> catalog;
  std::vector<Field> fields;
};

TEST_F(Values, EveryMemberIsAField) {
  std::vector<std::string> names;
  for (const Field& field : fields) names.push_back(field.name);
  EXPECT_EQ(names, (std::vector<std::string>{"small", "number", "wide", "flag", "real", "next", "text", "list", "tree",
                                             "name", "low", "middle", "owned"}));
}

TEST_F(Values, RangesZeroesAndTheCommonValueAreThoseOfTheObjects) {
  std::vector<Record> records(500);
  std::mt19937 random(1);
  for (std::size_t i = 0; i < records.size(); ++i) {
    records[i].small = static_cast<std::uint8_t>(random() % 7);
    records[i].number = static_cast<int>(random() % 1000) - 600;
    records[i].wide = i % 10 == 0 ? random() : 77;
    records[i].flag = i % 3 == 0;
    records[i].low = 9;
    records[i].middle = i % 100 < 50 ? -7 : 111;
    records[i].real = 2.5;
  }
  const auto check = [&](const std::string& name, const std::function<std::int64_t(const Record&)>& value) {
    const queries::TypeFieldRow row = row_of(name, records);
    std::int64_t smallest = value(records[0]);
    std::int64_t largest = smallest;
    std::uint64_t zeroes = 0;
    std::map<std::int64_t, std::uint64_t> counts;
    for (const Record& one : records) {
      smallest = std::min(smallest, value(one));
      largest = std::max(largest, value(one));
      zeroes += value(one) == 0 ? 1 : 0;
      ++counts[value(one)];
    }
    EXPECT_EQ(static_cast<std::int64_t>(row.smallest), smallest) << name;
    EXPECT_EQ(static_cast<std::int64_t>(row.largest), largest) << name;
    EXPECT_EQ(row.zero_count, zeroes) << name;
    EXPECT_EQ(row.value_count, records.size());
    std::uint64_t common = 0;
    for (const auto& [number, times] : counts) common = times * 2 > records.size() ? times : common;
    EXPECT_EQ(row.common_count, common) << name;
    // Bits: the least that hold both ends.
    std::uint32_t bits = 1;
    const auto fits = [&](std::uint32_t n) {
      return smallest < 0 ? smallest >= -(std::int64_t{1} << (n - 1)) && largest < (std::int64_t{1} << (n - 1))
                          : n >= 63 || largest < (std::int64_t{1} << n);
    };
    while (!fits(bits)) ++bits;
    EXPECT_EQ(row.needed_bits, bits) << name;
  };
  check("small", [](const Record& one) { return std::int64_t{one.small}; });
  check("number", [](const Record& one) { return std::int64_t{one.number}; });
  check("wide", [](const Record& one) { return static_cast<std::int64_t>(one.wide); });
  check("low", [](const Record& one) { return std::int64_t{one.low}; });
  check("middle", [](const Record& one) { return std::int64_t{one.middle}; });
  EXPECT_EQ(row_of("wide", records).common_value, "77");
  EXPECT_EQ(row_of("real", records).common_value, "2.5");
  EXPECT_EQ(row_of("flag", records).common_value, "false");
  EXPECT_EQ(row_of("next", records).common_value, "null");
  EXPECT_EQ(row_of("name", records).common_value, "all zeroes");
}

TEST_F(Values, ContainersAreEmptyOrHaveSlack) {
  std::vector<Record> records(10);
  std::uint64_t list_slack = 0;
  std::uint64_t text_slack = 0;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (i % 2 == 0) {
      records[i].list.reserve(8);
      records[i].list.assign(3, 1);
      records[i].text.reserve(100);
      records[i].text = std::string(50, 'x');
      records[i].tree[1] = 2;
      records[i].owned = std::make_unique<int>(1);
      list_slack += (records[i].list.capacity() - records[i].list.size()) * sizeof(int);
      text_slack += records[i].text.capacity() - records[i].text.size();
    } else if (i == 1) {
      records[i].text = "short";  // within the object
    }
  }
  queries::ContainerUseRow use;
  EXPECT_EQ(row_of("list", records, &use).zero_count, 5u);
  EXPECT_EQ(use.slack_bytes, list_slack);
  EXPECT_EQ(use.inline_bytes, records.size() * sizeof(std::vector<int>));
  EXPECT_EQ(row_of("text", records, &use).zero_count, 4u);
  EXPECT_EQ(use.slack_bytes, text_slack);
  EXPECT_EQ(use.empty_count, 4u);
  EXPECT_EQ(row_of("tree", records, &use).zero_count, 5u);
  EXPECT_EQ(row_of("owned", records, &use).zero_count, 5u);
}

}  // namespace
}  // namespace tests
