// Text and content of java.lang.String in imported HPROF dumps, in every layout that JDKs and Android have used.
#include <gtest/gtest.h>

#include <map>

#include "tests/importers/imported_dump.h"
#include "tests/support/hprof_writer.h"

namespace tests {
namespace {

using importers::ImportOptions;
using queries::ObjectId;
using Type = HprofWriter::Type;

constexpr const char* grin = "\xf0\x9f\x98\x80";     // U+1F600
constexpr const char* replacement = "\xef\xbf\xbd";  // U+FFFD
const std::u16string grin_units{char16_t{0xD83D}, char16_t{0xDE00}};

std::string little_endian(std::u16string_view text) {
  std::string bytes;
  for (const char16_t unit : text) {
    bytes += static_cast<char>(unit & 0xFF);
    bytes += static_cast<char>(unit >> 8);
  }
  return bytes;
}

/// The hash of each object's content, as the duplicates pass sees it. Contents that occur once may be missing.
std::map<ObjectId, std::pair<bool, std::uint64_t>> contents(const ImportedDump& in) {
  std::map<ObjectId, std::pair<bool, std::uint64_t>> all;
  const auto& content = in.snapshot.content;
  for (std::size_t i = 0; i < content.groups.size(); ++i) {
    for (const ObjectId object : content.members(i))
      all[object] = {content.groups[i].is_string, content.groups[i].hash};
  }
  return all;
}

class CompactStrings : public testing::TestWithParam<unsigned> {  // JDK 9+
 protected:
  HprofWriter dump{GetParam()};
  std::uint64_t string = dump.define_class(
      {.name = "java/lang/String", .fields = {{"value", Type::object}, {"coder", Type::int8}, {"hash", Type::int32}}});
  std::uint64_t text(std::string_view bytes, unsigned coder) {
    const auto value = dump.byte_array(bytes);
    return dump.instance(string, {value, coder, 0});
  }
};
INSTANTIATE_TEST_SUITE_P(IdSize, CompactStrings, testing::Values(4u, 8u), testing::PrintToStringParamName());

TEST_P(CompactStrings, AreLatin1OrUtf16) {
  const auto ascii = text("plain", 0);
  const auto latin = text("caf\xe9", 0);
  const auto wide = text(little_endian(u"€" + grin_units + u"z"), 1);
  const auto lone = text(little_endian(std::u16string{u'a', char16_t{0xD83D}, u'b', char16_t{0xDE00}}), 1);
  const auto odd = text(little_endian(u"x") + "y", 1);  // half a character at the end
  const auto empty = text("", 0);
  const auto null = dump.instance(string, {0, 0, 0});
  const auto dangling = dump.instance(string, {0xdead0, 0, 0});
  const auto itself = dump.instance(string, {string, 0, 0});
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.text(ascii), "plain");
  EXPECT_EQ(in.text(latin), "caf\xc3\xa9");
  EXPECT_EQ(in.text(wide), std::string("\xe2\x82\xac") + grin + "z");
  EXPECT_EQ(in.text(lone), std::string("a") + replacement + "b" + replacement);
  EXPECT_EQ(in.text(odd), "x");
  EXPECT_EQ(in.text(empty), "");
  EXPECT_EQ(in.text(null), "<none>");
  EXPECT_EQ(in.text(dangling), "<none>");
  EXPECT_EQ(in.text(itself), "<none>");
  EXPECT_EQ(in.details->text(in.id(wide), 100), std::string("\xe2\x82\xac") + grin + "z");
  EXPECT_EQ(in.details->text(in.id(empty), 100), "");
  EXPECT_EQ(in.details->text(in.id(null), 100), std::nullopt);
  EXPECT_EQ(in.details->text(in.id(itself), 100), std::nullopt);
}

TEST_P(CompactStrings, AreCutBetweenCharacters) {
  const auto latin = text("abc\xe9", 0);
  const auto wide = text(little_endian(u"abc" + grin_units + u"d"), 1);
  for (const auto& [limit, of_latin, of_wide] : {std::tuple{3, "abc", "abc"},
                                                 {4, "abc", "abc"},
                                                 {5, "abc\xc3\xa9", "abc"},
                                                 {6, "abc\xc3\xa9", "abc"},
                                                 {7, "abc\xc3\xa9", "abc\xf0\x9f\x98\x80"}}) {
    const ImportedDump in(dump.bytes(), ImportOptions{.string_limit = static_cast<std::size_t>(limit)});
    EXPECT_EQ(in.problem(), "");
    EXPECT_EQ(in.text(latin), of_latin) << limit;
    EXPECT_EQ(in.text(wide), of_wide) << limit;
    EXPECT_EQ(in.details->text(in.id(wide), static_cast<std::size_t>(limit)), of_wide) << limit;
  }
}

TEST_P(CompactStrings, EqualTextHasEqualHashes) {
  const auto first = text("same", 0);
  const auto second = text("same", 0);
  const auto shared_value = dump.byte_array("shared");
  const auto third = dump.instance(string, {shared_value, 0, 1});
  const auto fourth = dump.instance(string, {shared_value, 0, 2});
  const auto wide = text("same", 1);  // the bytes of "same" as UTF-16 are another text
  const auto once = text("only one of it", 0);
  const auto array = dump.byte_array("twin array");
  const auto twin = dump.byte_array("twin array");
  const auto chars = dump.char_array(u"twin array");
  const auto ints = dump.primitive_array(Type::int32, {1, 2});
  const auto floats = dump.primitive_array(Type::float32, {1, 2});  // equal bytes of another type
  const ImportedDump in(dump.bytes());
  auto found = contents(in);
  EXPECT_EQ(found[in.id(first)], found[in.id(second)]);
  EXPECT_TRUE(found[in.id(first)].first);
  EXPECT_EQ(found[in.id(third)], found[in.id(fourth)]);
  EXPECT_EQ(found[in.id(array)], found[in.id(twin)]);
  EXPECT_FALSE(found[in.id(array)].first);
  EXPECT_FALSE(found.contains(in.id(shared_value))) << "the array of a string is counted with the string";
  EXPECT_NE(found[in.id(first)], found[in.id(wide)]);
  EXPECT_NE(found[in.id(first)], found[in.id(once)]);
  EXPECT_NE(found[in.id(array)], found[in.id(chars)]);
  if (found.contains(in.id(ints)) && found.contains(in.id(floats))) {
    EXPECT_NE(found[in.id(ints)], found[in.id(floats)]);
  }
  const auto listed = contents(in);
  for (const RecordedString& row : in.rows.strings) {
    if (listed.contains(row.object)) {
      EXPECT_EQ(row.hash, listed.at(row.object).second);
    }
  }
}

TEST_P(CompactStrings, CanBeLeftOut) {
  text("same", 0);
  text("same", 0);
  const ImportedDump no_rows(dump.bytes(), ImportOptions{.strings = false});
  EXPECT_TRUE(no_rows.rows.strings.empty());
  EXPECT_EQ(no_rows.snapshot.content.objects.size(), 2u);
  const ImportedDump no_hashes(dump.bytes(), ImportOptions{.content_hashes = false});
  EXPECT_EQ(no_hashes.rows.strings.size(), 2u);
  EXPECT_TRUE(no_hashes.snapshot.content.objects.empty());
}

TEST(CharStrings, OfJdk7And8AreWholeArrays) {
  HprofWriter dump;
  const auto string =
      dump.define_class({.name = "java/lang/String", .fields = {{"value", Type::object}, {"hash", Type::int32}}});
  const auto value = dump.char_array(u"Grü" + grin_units);
  const auto text = dump.instance(string, {value, 7});
  const auto again = dump.instance(string, {dump.char_array(u"Grü" + grin_units), 7});
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.text(text), std::string("Gr\xc3\xbc") + grin);
  EXPECT_EQ(in.details->text(in.id(value), 100), std::string("Gr\xc3\xbc") + grin);  // JDK ≤ 7 names threads so
  auto found = contents(in);
  EXPECT_EQ(found[in.id(text)], found[in.id(again)]);
}

class WindowStrings : public testing::Test {  // JDK ≤ 6 and Android L: many strings share one array
 protected:
  HprofWriter dump;
  std::uint64_t string = dump.define_class(
      {.name = "java/lang/String",
       .fields = {{"value", Type::object}, {"offset", Type::int32}, {"count", Type::int32}, {"hash", Type::int32}}});
  std::uint64_t value = dump.char_array(u"onetwoone");
  std::uint64_t window(std::uint64_t of, std::uint32_t offset, std::uint32_t count) {
    return dump.instance(string, {of, offset, count, 0});
  }
};

TEST_F(WindowStrings, ShowTheirWindow) {
  const auto one = window(value, 0, 3);
  const auto two = window(value, 3, 3);
  const auto none = window(value, 4, 0);
  const auto beyond = window(value, 6, 100);
  const auto outside = window(value, 100, 3);
  const auto negative = window(value, 0xFFFFFFFF, 3);
  const auto negative_count = window(value, 3, 0xFFFFFFF0);
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.text(one), "one");
  EXPECT_EQ(in.text(two), "two");
  EXPECT_EQ(in.text(none), "");
  EXPECT_EQ(in.text(beyond), "one");
  EXPECT_EQ(in.text(outside), "");
  EXPECT_EQ(in.text(negative), "one");
  EXPECT_TRUE(in.text(negative_count) == "" || in.text(negative_count) == "twoone");
}

TEST_F(WindowStrings, EqualTextHasEqualHashesWhereverItLies) {
  const auto one = window(value, 0, 3);
  const auto again = window(value, 6, 3);
  const auto whole = window(dump.char_array(u"one"), 0, 3);
  const auto two = window(value, 3, 3);
  const ImportedDump in(dump.bytes());
  auto found = contents(in);
  ASSERT_TRUE(found.contains(in.id(one)));
  EXPECT_EQ(found[in.id(one)], found[in.id(again)]);
  EXPECT_EQ(found[in.id(one)], found[in.id(whole)]);
  EXPECT_NE(found[in.id(one)], found[in.id(two)]);
  EXPECT_FALSE(found.contains(in.id(value)));
}

TEST(AndroidStrings, HaveACountThatIsNoWindow) {
  HprofWriter dump(4, "JAVA PROFILE 1.0.3");
  const auto string = dump.define_class(
      {.name = "java.lang.String", .fields = {{"count", Type::int32}, {"hash", Type::int32}, {"value", Type::object}}});
  const auto bytes = dump.byte_array("hello", 0x2019);  // ART gives a string's text an address inside the string
  const auto compressed = dump.instance(string, {5 << 1, 0, bytes}, 0x2010);
  const auto chars = dump.char_array(u"h€llo", 0x2039);
  const auto wide = dump.instance(string, {5 << 1 | 1, 0, chars}, 0x2030);
  const auto empty = dump.instance(string, {0, 0, 0x2058}, 0x2050);
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.text(compressed), "hello");
  EXPECT_EQ(in.text(wide), "h\xe2\x82\xacllo");
  EXPECT_TRUE(in.text(empty) == "<none>" || in.text(empty).empty());
  EXPECT_EQ(in.snapshot.runtime, "Android Runtime (ART)");
}

}  // namespace
}  // namespace tests
