// heaptrack recordings: every line, every truncation, every byte flipped.
#include "formats/heaptrack.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/heaptrack_writer.h"

namespace {

using formats::DamageLog;
using formats::Input;
using namespace formats::heaptrack;

formats::Bytes bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

/// Tags of all lines, and what was damaged.
std::string tags_of(const std::string& text, DamageLog& damage) {
  const Input input = Input::borrow(bytes_of(text));
  Reader reader(input, damage);
  std::string tags;
  for (Line line; reader.next(line);) tags += line.tag;
  return tags;
}

TEST(Heaptrack, IsToldByItsFirstLines) {
  for (const unsigned format : {0u, 1u, 2u, 3u}) {
    const std::string text = tests::small_heaptrack(format);
    EXPECT_TRUE(looks_like(bytes_of(text)));
    EXPECT_TRUE(looks_like(bytes_of(text).first(100)));
  }
  for (const std::string text : {"", "v 1\nX app\n", "v 10400 3\n{}\n", "X marks the spot\nwhere\n", "+ 1\n- 1\n",
                                 "v 10400 3 4\nX app\n", "X app\nX app\n", "v 10400 3"}) {
    EXPECT_FALSE(looks_like(bytes_of(text))) << text;
  }
}

TEST(Heaptrack, LinesComeWithTheirNumbersAndOffsets) {
  const std::string text = "v 10400 3\n+ 1f\n- abcdef0123456789\n\n# comment\na 10 2 \n+ 1 2 3\nc 0\n";
  DamageLog damage;
  const Input input = Input::borrow(bytes_of(text));
  Reader reader(input, damage);
  Line line;
  ASSERT_TRUE(reader.next(line));
  EXPECT_EQ(line.text, "10400 3");
  ASSERT_TRUE(reader.next(line));
  EXPECT_EQ(line.count, 1u);
  EXPECT_EQ(line.numbers[0], 0x1fu);
  EXPECT_EQ(line.offset, 10u);
  ASSERT_TRUE(reader.next(line));
  EXPECT_EQ(line.numbers[0], 0xabcdef0123456789u);
  ASSERT_TRUE(reader.next(line));  // a blank too many does no harm
  EXPECT_EQ(line.tag, 'a');
  EXPECT_EQ(line.count, 2u);
  ASSERT_TRUE(reader.next(line));
  EXPECT_EQ(line.tag, '+');
  EXPECT_EQ(line.count, 3u);
  EXPECT_EQ(line.numbers[2], 3u);
  ASSERT_TRUE(reader.next(line));
  EXPECT_EQ(line.tag, 'c');
  EXPECT_FALSE(reader.next(line));
  EXPECT_EQ(damage.count(), 0u);
  EXPECT_FALSE(reader.has_end_mark());
}

TEST(Heaptrack, CommandMayHaveLineEndsInItsArguments) {
  const std::string command = "sqlite3 :memory: CREATE TABLE t(a);\nINSERT INTO t VALUES(1);\n\n+ SELECT *\n  FROM t;";
  const std::string text = "v 10400 3\nX " + command + "\nI 1000 5e298d\ns 3 app\n+ 0\n";
  EXPECT_TRUE(looks_like(bytes_of(text)));
  EXPECT_TRUE(looks_like(bytes_of(text).first(60)));
  DamageLog damage;
  const Input input = Input::borrow(bytes_of(text));
  Reader reader(input, damage);
  Line line;
  ASSERT_TRUE(reader.next(line) && reader.next(line));
  EXPECT_EQ(line.text, command);
  ASSERT_TRUE(reader.next(line));
  EXPECT_EQ(line.tag, 'I');
  EXPECT_EQ(line.numbers[0], 0x1000u);
  EXPECT_EQ(tags_of(text, damage), "vXIs+");
  EXPECT_EQ(tags_of("v 10400 3\nX app\ns 3 app\nI 1000 1\n", damage), "vXsI");  // all are lines: none is the command's
  EXPECT_EQ(damage.count(), 0u);
}

TEST(Heaptrack, NumbersThatAreTooLongOrTooManyAreDamage) {
  for (const std::string text : {"+ 11112222333344445\n", "+ 1 2 3 4\n", "- x\n", "+1\n", "? 1\n"}) {
    DamageLog damage;
    EXPECT_EQ(tags_of(text + "+ 2\n", damage), "+");
    EXPECT_EQ(damage.count(), 1u) << text;
    EXPECT_EQ(damage.bytes(), text.size()) << text;
  }
}

TEST(Heaptrack, VersionsStringsAndSuppressions) {
  EXPECT_EQ(parse_version("10400 3")->text(), "1.4.0");
  EXPECT_EQ(parse_version("10400 3")->format, 3u);
  EXPECT_EQ(parse_version("10000")->format, 1u);
  EXPECT_FALSE(parse_version("400 3"));
  EXPECT_FALSE(parse_version("10400 x"));
  EXPECT_EQ(parse_string("b my file.cpp", 3), "my file.cpp");
  EXPECT_EQ(parse_string("0 ", 3), "");
  EXPECT_FALSE(parse_string("c my file.cpp", 3));
  EXPECT_EQ(parse_string("b my file.cpp", 2), "b my file.cpp");
  EXPECT_EQ(parse_suppression("leak:leak_here"), "leak_here");
  EXPECT_EQ(parse_suppression("e leak:leak_here"), "leak_here");
}

TEST(Heaptrack, InstructionPointersHaveInlinedFrames) {
  const auto pointer = parse_instruction_pointer("7f7094ec0a1d b 10 f 4a 11 f 1a");
  ASSERT_TRUE(pointer);
  EXPECT_EQ(pointer->address, 0x7f7094ec0a1du);
  EXPECT_EQ(pointer->module, 0xbu);
  ASSERT_EQ(pointer->frames.size(), 2u);
  EXPECT_EQ(pointer->frames[0].function, 0x10u);
  EXPECT_EQ(pointer->frames[1].line, 0x1a);
  EXPECT_EQ(parse_instruction_pointer("7f 1 2")->frames[0].file, 0u);
  EXPECT_TRUE(parse_instruction_pointer("7f 1")->frames.empty());
  for (const char* wrong : {"", "7f", "7f x", "7f 1 2 3", "7f 1 2 3 80000000"}) {
    EXPECT_FALSE(parse_instruction_pointer(wrong)) << wrong;
  }
}

TEST(Heaptrack, ModulesHaveSegmentsAndPathsWithBlanks) {
  const auto module = parse_module("b /opt/my app 7f00 0 100 1000 2000", 3);
  ASSERT_TRUE(module);
  EXPECT_EQ(module->path, "/opt/my app");
  EXPECT_EQ(module->base, 0x7f00u);
  ASSERT_EQ(module->segments.size(), 2u);
  EXPECT_EQ(module->segments[1].size, 0x2000u);
  EXPECT_TRUE(parse_module("1 -", 3)->clears);
  EXPECT_TRUE(parse_module("-", 2)->clears);
  EXPECT_EQ(parse_module("/opt/app 7f00 0 100", 2)->segments.size(), 1u);
  for (const char* wrong : {"", "ff /opt", "4 /opt", "4 /opt 1 2", "4 /opt x"})
    EXPECT_FALSE(parse_module(wrong, 3)) << wrong;
}

TEST(Heaptrack, EveryTruncationKeepsTheLinesBefore) {
  const std::string whole = tests::small_heaptrack();
  DamageLog no_damage;
  const std::string tags = tags_of(whole, no_damage);
  EXPECT_EQ(no_damage.count(), 0u);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    DamageLog damage;
    const std::string kept = tags_of(whole.substr(0, size), damage);
    EXPECT_EQ(kept, tags.substr(0, kept.size()));
    EXPECT_EQ(damage.count(), size == 0 || whole[size - 1] == '\n' ? 0u : 1u) << size;
  }
}

TEST(Heaptrack, EveryByteFlipCostsLinesAndNothingElse) {
  const std::string whole = tests::small_heaptrack();
  DamageLog no_damage;
  const std::size_t lines = tags_of(whole, no_damage).size();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int flip : {0x01, 0x10, 0x80, 0xff}) {
      std::string text = whole;
      text[at] = static_cast<char>(text[at] ^ flip);
      DamageLog damage;
      EXPECT_GE(tags_of(text, damage).size() + 2, lines);  // two lines can become one
      (void)looks_like(bytes_of(text));
    }
  }
}

}  // namespace
