// ELF cores: every field, every truncation, every byte flip, and what is refused.
#include "formats/elf_core.h"

#include <gtest/gtest.h>

#include "tests/support/core_writer.h"

namespace tests {
namespace {

using formats::as_text;
using formats::Bytes;
using formats::DamageLog;
using formats::elf::Core;
using formats::elf::Machine;
using formats::elf::read_core;

Bytes bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

Core read(const std::string& file) {
  DamageLog damage;
  Core core = read_core(bytes_of(file), damage);
  EXPECT_EQ(damage.count(), 0U) << damage.entries()[0].what;
  return core;
}

TEST(ElfCore, SegmentsComeByAddressWithWhatWasDumped) {
  const std::string file = CoreWriter()
                               .segment(0x7000, "stack", "rw")
                               .partly_dumped(0x4000, "head", 0x1000, "rx")
                               .absent(0x5000, 0x2000, "r")
                               .bytes();
  const Core core = read(file);
  ASSERT_EQ(core.segments.size(), 3U);
  EXPECT_EQ(core.segments[0].address, 0x4000U);
  EXPECT_EQ(core.segments[0].size, 0x1000U);
  EXPECT_EQ(as_text(core.segments[0].bytes), "head");
  EXPECT_EQ(core.segments[0].dumped, 4U);
  EXPECT_TRUE(core.segments[0].readable && core.segments[0].executable && !core.segments[0].writable);
  EXPECT_TRUE(core.segments[1].bytes.empty());
  EXPECT_EQ(core.segments[1].size, 0x2000U);
  EXPECT_EQ(as_text(core.segments[2].bytes), "stack");
  EXPECT_EQ(file.substr(core.segments[2].file_offset, 5), "stack");
  EXPECT_TRUE(core.segments[2].writable);
  EXPECT_EQ(core.missing_bytes, 0U);
}

}  // namespace
}  // namespace tests
