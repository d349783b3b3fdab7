#include "formats/json_reader.h"

#include <gtest/gtest.h>

#include <vector>

namespace {

using formats::JsonReader;
using formats::JsonToken;
using formats::unescape_json;

formats::Bytes bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

TEST(JsonReader, HandsOutTokensWithTheirTexts) {
  JsonReader json(bytes(R"({"a" : [1, -2.5e3,true], "b\"c":"d", "e":{}})"));
  std::vector<std::pair<JsonToken, std::string>> all;
  while (json.next()) all.emplace_back(json.token(), json.text());
  const std::vector<std::pair<JsonToken, std::string>> expected{
      {JsonToken::begin_object, ""}, {JsonToken::key, "a"},         {JsonToken::begin_array, ""},
      {JsonToken::number, "1"},      {JsonToken::number, "-2.5e3"}, {JsonToken::word, "true"},
      {JsonToken::end_array, ""},    {JsonToken::key, "b\\\"c"},    {JsonToken::string, "d"},
      {JsonToken::key, "e"},         {JsonToken::begin_object, ""}, {JsonToken::end_object, ""},
      {JsonToken::end_object, ""}};
  EXPECT_EQ(all, expected);
  EXPECT_FALSE(json.is_broken());
}

TEST(JsonReader, PassesOverValues) {
  JsonReader json(bytes(R"({"a":{"b":[1,{"c":2}]},"d":3})"));
  ASSERT_TRUE(json.next() && json.next());
  ASSERT_TRUE(json.skip_value());
  ASSERT_TRUE(json.next());
  EXPECT_EQ(json.text(), "d");
}

TEST(JsonReader, StopsAtWhatIsNoJson) {
  for (const char* text : {"?", "\"open", "\"line\nend\"", "tru", ":", "\"ends with \\"}) {
    JsonReader json(bytes(text));
    EXPECT_FALSE(json.next()) << text;
    EXPECT_TRUE(json.is_broken()) << text;
    EXPECT_EQ(json.offset(), 0U);
  }
  JsonReader open(bytes("{\"a\":[1,"));
  ASSERT_TRUE(open.next() && open.next());
  EXPECT_FALSE(open.skip_value());
  EXPECT_FALSE(open.is_broken());  // it ends, as a cut file does
}

TEST(JsonReader, GoesOnWhereItIsSent) {
  JsonReader json(bytes("{? 12 }"));
  ASSERT_TRUE(json.next());
  EXPECT_FALSE(json.next());
  json.seek(2);
  ASSERT_TRUE(json.next());
  EXPECT_EQ(json.text(), "12");
}

TEST(JsonReader, ResolvesEscapes) {
  EXPECT_EQ(unescape_json(R"(a\"b\\c\/\n\t)"), "a\"b\\c/\n\t");
  EXPECT_EQ(unescape_json("\\u00e9\\u20AC\\uD83D\\uDE00"), "\u00e9\u20ac\U0001F600");
  EXPECT_EQ(unescape_json("\\uD83Dx"), "\uFFFDx");
  EXPECT_EQ(unescape_json("\\u12"), "\\u12");
  EXPECT_EQ(unescape_json("\\q\\"), "\\q\\");
}

}  // namespace
