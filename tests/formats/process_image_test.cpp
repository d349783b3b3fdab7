// Address → bytes: what is present, what is absent, what files lend.
#include "formats/process_image.h"

#include <gtest/gtest.h>

#include "tests/support/core_writer.h"

namespace tests {
namespace {

using formats::as_text;
using formats::Bytes;
using formats::ProcessImage;

/// A core, read, with its image.
struct Process {
  explicit Process(const CoreWriter& writer) : file(writer.bytes()) {
    formats::DamageLog damage;
    core = formats::elf::read_core(std::as_bytes(std::span(file)), damage);
    EXPECT_EQ(damage.count(), 0U);
    image.emplace(core);
  }
  std::string file;
  formats::elf::Core core;
  std::optional<ProcessImage> image;
};

Bytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// "start-end:file:permissions:bytes " of each range.
std::string shape(const ProcessImage& image) {
  std::string text;
  for (const ProcessImage::Range& range : image.ranges()) {
    text += std::to_string(range.start) + "-" + std::to_string(range.end) + ":" + std::to_string(range.file) + ":";
    text += range.readable ? "r" : "";
    text += range.writable ? "w" : "";
    text += range.executable ? "x" : "";
    text += ":" + std::string(as_text(range.bytes())) + (range.filled ? "+" : "") + " ";
  }
  return text;
}

TEST(ProcessImage, RangesSplitWherePresenceAndBackingChange) {
  CoreWriter writer;
  writer.partly_dumped(100, "0123456789", 30, "rx").segment(130, "abcdefghij", "rw").absent(200, 5, "");
  writer.file_page_size(1).file(105, 120, 0, "/a").file(120, 133, 15, "/b").file(150, 190, 0, "/elsewhere");
  const Process process(writer);
  EXPECT_EQ(shape(*process.image),
            "100-105:-1:rx:01234 105-110:0:rx:56789 110-120:0:rx: 120-130:1:rx: "
            "130-133:1:rw:abc 133-140:-1:rw:defghij 150-190:2:rx: 200-205:-1:: ");
}

TEST(ProcessImage, OneFileMayCoverManySegments) {
  CoreWriter writer;
  writer.segment(100, "abc").segment(110, "def").segment(120, "ghi").file_page_size(1).file(0, 121, 0, "/a");
  const Process process(writer);
  EXPECT_EQ(
      shape(*process.image),
      "0-100:0:rx: 100-103:0:rw:abc 103-110:0:rx: 110-113:0:rw:def 113-120:0:rx: 120-121:0:rw:g 121-123:-1:rw:hi ");
}

/// As gdb's gcore writes a core: what it leaves out has no program header.
TEST(ProcessImage, WhatOnlyTheFileListKnowsIsAbsentAndCanBeFilled) {
  CoreWriter writer;
  writer.segment(110, "abc").file_page_size(1).file(100, 120, 0, "/a").file(130, 140, 0, "/b");
  Process process(writer);
  EXPECT_EQ(process.image->fill(100, bytes_of("0123456789xyz345678")), 16U);
  EXPECT_EQ(shape(*process.image),
            "100-110:0:rx:0123456789+ 110-113:0:rw:abc 113-119:0:rx:345678+ 119-120:0:rx: 130-140:1:rx: ");
}

TEST(ProcessImage, FindsTheRangeOfAnAddressAndNothingBetweenRanges) {
  const Process process(CoreWriter().segment(100, "abc").absent(103, 7).segment(120, "xyz"));
  const ProcessImage& image = *process.image;
  EXPECT_EQ(image.find(99), nullptr);
  EXPECT_EQ(image.find(100)->start, 100U);
  EXPECT_EQ(image.find(102)->start, 100U);
  EXPECT_EQ(image.find(103)->start, 103U);
  EXPECT_FALSE(image.find(109)->present());
  EXPECT_EQ(image.find(110), nullptr);
  EXPECT_EQ(image.find(122)->start, 120U);
  EXPECT_EQ(image.find(123), nullptr);
  EXPECT_EQ(image.find(~std::uint64_t{0}), nullptr);
  EXPECT_EQ(as_text(image.at(101)), "bc");
  EXPECT_TRUE(image.at(104).empty());
  EXPECT_TRUE(image.at(0).empty());
}

TEST(ProcessImage, ReadsAcrossNeighboursAndNeverAcrossAbsentBytes) {
  const Process process(CoreWriter().segment(100, "abc", "rw").segment(103, "def", "r").absent(106, 4));
  const ProcessImage& image = *process.image;
  std::string text(6, '.');
  EXPECT_TRUE(image.read(100, text.data(), 6));
  EXPECT_EQ(text, "abcdef");
  EXPECT_FALSE(image.read(101, text.data(), 6));
  EXPECT_FALSE(image.read(99, text.data(), 1));
  EXPECT_TRUE(image.read(99, text.data(), 0));
  EXPECT_EQ(image.load<std::uint16_t>(102), std::uint16_t{'c' | ('d' << 8)});
  EXPECT_FALSE(image.word(100));
}

TEST(ProcessImage, TextEndsAtItsNulOrIsNone) {
  using namespace std::string_literals;
  const Process process(CoreWriter().segment(100, "abc", "rw").segment(103, "de\0fg"s, "r"));
  const ProcessImage& image = *process.image;
  EXPECT_EQ(image.text(100), "abcde");
  EXPECT_EQ(image.text(105), "");
  EXPECT_FALSE(image.text(106));
  EXPECT_FALSE(image.text(99));
  EXPECT_FALSE(image.text(100, 5));  // no end within five bytes
  EXPECT_EQ(image.text(100, 6), "abcde");
}

TEST(ProcessImage, TheLastByteOfTheAddressSpaceIsNotBehindIt) {
  const Process process(CoreWriter().segment(~std::uint64_t{0} - 4, "last", "r"));
  const ProcessImage& image = *process.image;
  EXPECT_EQ(as_text(image.at(~std::uint64_t{0} - 2)), "st");
  EXPECT_FALSE(image.word(~std::uint64_t{0} - 3));
  EXPECT_FALSE(image.text(~std::uint64_t{0} - 3));
}

TEST(ProcessImage, FilesLendOnlyWhatIsAbsent) {
  CoreWriter writer;
  writer.partly_dumped(100, "HEAD", 20, "rx").segment(120, "DATA", "rw").absent(130, 4, "r");
  Process process(writer);
  ProcessImage& image = *process.image;
  const std::string file = "0123456789abcdefghijklmnopqrstuvwxyz";
  EXPECT_EQ(image.fill(102, bytes_of(file).first(10)), 8U);  // 104..111
  EXPECT_EQ(shape(image),
            "100-104:-1:rx:HEAD 104-112:-1:rx:23456789+ 112-120:-1:rx: 120-124:-1:rw:DATA 130-134:-1:r: ");
  EXPECT_EQ(image.fill(100, bytes_of(file)), 12U);  // 112..119 and 130..133
  EXPECT_EQ(as_text(image.at(112)), "cdefghij");
  EXPECT_EQ(as_text(image.at(130)), "uvwx");
  EXPECT_EQ(image.fill(100, bytes_of(file)), 0U);
  EXPECT_EQ(image.fill(~std::uint64_t{0} - 3, bytes_of(file)), 0U);
  EXPECT_EQ(image.fill(0, {}), 0U);
  std::string text(24, '.');
  EXPECT_TRUE(image.read(100, text.data(), 24));
  EXPECT_EQ(text, "HEAD23456789cdefghijDATA");
}

}  // namespace
}  // namespace tests
