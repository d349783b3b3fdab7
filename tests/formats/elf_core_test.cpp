// ELF cores: every field, every truncation, every byte flip, and what is refused.
#include "formats/elf_core.h"

#include <gtest/gtest.h>

#include "formats/process_image.h"
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

/// What read_core() says when it refuses.
std::string refusal(const std::string& file) {
  DamageLog damage;
  try {
    static_cast<void>(read_core(bytes_of(file), damage));
  } catch (const formats::InputError& error) {
    return error.what();
  }
  return "";
}

/// Every kind of note and segment.
CoreWriter every_field() {
  CoreWriter core;
  core.segment(0x7f0000000000, std::string(300, 's'), "rw")
      .partly_dumped(0x400000,
                     "\x7f"
                     "ELF head",
                     0x2000, "rx")
      .absent(0x602000, 0x1000, "r")
      .segment(0x601000, std::string(64, 'd'), "rw");
  std::vector<std::uint64_t> registers(27);
  for (std::size_t i = 0; i < registers.size(); ++i) registers[i] = 0x100 + i;
  core.thread({.os_id = 42,
               .signal = 11,
               .program_counter = 0x400123,
               .stack_pointer = 0x7f0000000080,
               .thread_pointer = 0x7f0000000100,
               .registers = registers,
               .vector_registers = std::string(576, 'v')});
  core.thread({.os_id = 43, .stack_pointer = 0x7f0000000090});
  core.process({.id = 41, .program = "a program whose name is long", .arguments = "program --all"});
  core.signal({.number = 11, .code = 1, .address = 0xdead});
  core.auxiliary(3, 0x400040).auxiliary(9, 0x400123);
  core.file(0x601000, 0x602000, 0x1000, "/bin/program").file(0x400000, 0x402000, 0, "/bin/program (deleted)");
  return core;
}

TEST(ElfCore, SegmentsComeByAddressWithWhatWasDumped) {
  const CoreWriter writer = every_field();
  const std::string file = writer.bytes();
  const Core core = read(file);
  ASSERT_EQ(core.segments.size(), 4U);
  EXPECT_EQ(core.segments[0].address, 0x400000U);
  EXPECT_EQ(core.segments[0].size, 0x2000U);
  EXPECT_EQ(as_text(core.segments[0].bytes),
            "\x7f"
            "ELF head");
  EXPECT_EQ(core.segments[0].dumped, 9U);
  EXPECT_EQ(core.segments[0].file_offset, writer.offset_of_segment(1));
  EXPECT_TRUE(core.segments[0].readable && core.segments[0].executable && !core.segments[0].writable);
  EXPECT_EQ(core.segments[1].address, 0x601000U);
  EXPECT_TRUE(core.segments[1].readable && core.segments[1].writable && !core.segments[1].executable);
  EXPECT_EQ(core.segments[2].address, 0x602000U);
  EXPECT_TRUE(core.segments[2].bytes.empty());
  EXPECT_EQ(core.segments[3].bytes.size(), 300U);
  EXPECT_EQ(file.substr(core.segments[3].file_offset, 300), std::string(300, 's'));
  EXPECT_EQ(core.missing_bytes, 0U);
}

TEST(ElfCore, NotesTellThreadsProcessSignalAuxiliaryVectorAndFiles) {
  const std::string file = every_field().bytes();
  const Core core = read(file);
  EXPECT_EQ(core.machine, Machine::x86_64);
  ASSERT_EQ(core.threads.size(), 2U);
  EXPECT_EQ(core.threads[0].os_id, 42);
  EXPECT_EQ(core.threads[0].signal, 11);
  ASSERT_EQ(core.threads[0].registers.size(), 27U);
  EXPECT_EQ(core.threads[0].registers[0], 0x100U);
  EXPECT_EQ(core.threads[0].registers[26], 0x11aU);
  EXPECT_EQ(core.threads[0].program_counter, 0x400123U);
  EXPECT_EQ(core.threads[0].stack_pointer, 0x7f0000000080U);
  EXPECT_EQ(core.threads[0].thread_pointer, 0x7f0000000100U);
  EXPECT_EQ(as_text(core.threads[0].vector_registers), std::string(576, 'v'));
  EXPECT_EQ(core.threads[1].os_id, 43);
  EXPECT_EQ(core.threads[1].stack_pointer, 0x7f0000000090U);
  EXPECT_TRUE(core.threads[1].vector_registers.empty());
  EXPECT_EQ(core.process_id, 41);
  EXPECT_EQ(core.program, "a program whose");
  EXPECT_EQ(core.arguments, "program --all");
  ASSERT_TRUE(core.signal);
  EXPECT_EQ(core.signal->number, 11);
  EXPECT_EQ(core.signal->code, 1);
  EXPECT_EQ(core.signal->address, 0xdeadU);
  EXPECT_EQ(core.auxiliary_value(3), 0x400040U);
  EXPECT_EQ(core.auxiliary_value(9), 0x400123U);
  EXPECT_FALSE(core.auxiliary_value(7));
  ASSERT_EQ(core.files.size(), 2U);
  EXPECT_EQ(core.files[0].path, "/bin/program");
  EXPECT_TRUE(core.files[0].deleted);
  EXPECT_EQ(core.files[0].start, 0x400000U);
  EXPECT_EQ(core.files[0].end, 0x402000U);
  EXPECT_EQ(core.files[1].file_offset, 0x1000U);
  EXPECT_FALSE(core.files[1].deleted);
}

TEST(ElfCore, FileOffsetsAreBytesWhetherKernelOrGdbWroteThem) {
  for (const std::uint64_t page : {4096U, 1U}) {
    CoreWriter writer;
    writer.segment(0x1000, "x").file(0x7000, 0x9000, 0x3000, "/lib/libc.so.6").file_page_size(page);
    const std::string file = writer.bytes();
    EXPECT_EQ(read(file).files.at(0).file_offset, 0x3000U) << page;
  }
}

TEST(ElfCore, ArmThreadsHaveTheirThreadPointerInANoteOfItsOwn) {
  CoreWriter writer(Machine::aarch64);
  writer.segment(0x1000, "x")
      .thread({.os_id = 5,
               .program_counter = 0x400,
               .stack_pointer = 0x500,
               .thread_pointer = 0x600,
               .vector_registers = std::string(528, 'v')});
  const std::string file = writer.bytes();
  const Core core = read(file);
  ASSERT_EQ(core.threads.size(), 1U);
  EXPECT_EQ(core.threads[0].registers.size(), 34U);
  EXPECT_EQ(core.threads[0].program_counter, 0x400U);
  EXPECT_EQ(core.threads[0].stack_pointer, 0x500U);
  EXPECT_EQ(core.threads[0].thread_pointer, 0x600U);
  EXPECT_EQ(core.threads[0].vector_registers.size(), 528U);
}

TEST(ElfCore, TheWiderVectorRegistersWinInEitherOrder) {
  for (const bool wide_first : {true, false}) {
    CoreWriter writer;
    writer.segment(0x1000, "x").thread({});
    if (wide_first) writer.note("LINUX", 0x202, std::string(832, 'w'));
    writer.note("CORE", 2, std::string(512, 'n'));
    if (!wide_first) writer.note("LINUX", 0x202, std::string(832, 'w'));
    const std::string file = writer.bytes();
    EXPECT_EQ(read(file).threads.at(0).vector_registers.size(), 832U);
  }
}

TEST(ElfCore, ASignalThatAProcessSentHasNoAddress) {
  const std::string sent = CoreWriter().segment(0x1000, "x").signal({.number = 11, .code = 0, .address = 77}).bytes();
  EXPECT_EQ(read(sent).signal->address, 0U);
  const std::string aborted =
      CoreWriter().segment(0x1000, "x").signal({.number = 6, .code = -6, .address = 77}).bytes();
  EXPECT_EQ(read(aborted).signal->address, 0U);
  EXPECT_EQ(read(aborted).signal->code, -6);
}

TEST(ElfCore, WithoutASignalNoteTheFirstThreadsStatusTellsTheSignal) {
  const std::string file = CoreWriter().segment(0x1000, "x").thread({.signal = 6}).bytes();
  EXPECT_EQ(read(file).signal->number, 6);
  const std::string none = CoreWriter().segment(0x1000, "x").thread({}).bytes();
  EXPECT_FALSE(read(none).signal);
}

TEST(ElfCore, ALargeNumberOfProgramHeadersIsInTheFirstSection) {
  const std::string file = CoreWriter().segment(0x1000, "one").segment(0x2000, "two").count_in_section().bytes();
  EXPECT_EQ(read(file).segments.size(), 2U);
}

TEST(ElfCore, ACutThatTakesTheLargeNumberLeavesItToTheNotes) {
  std::string file = CoreWriter().segment(0x1000, "one").segment(0x2000, "two").thread({}).count_in_section().bytes();
  const std::uint64_t beyond = file.size();  // where the kernel puts it: behind all segments
  std::memcpy(file.data() + 40, &beyond, sizeof beyond);
  DamageLog damage;
  const Core core = read_core(bytes_of(file), damage);
  EXPECT_EQ(core.segments.size(), 2U);
  EXPECT_EQ(core.threads.size(), 1U);
  EXPECT_EQ(damage.count(), 1U);
}

TEST(ElfCore, SegmentsThatOverlapKeepWhatWasDumpedOfTheFirst) {
  const auto shape = [](const CoreWriter& writer) {
    const std::string file = writer.bytes();
    DamageLog damage;
    const Core core = read_core(bytes_of(file), damage);
    EXPECT_EQ(damage.count(), 1U);
    std::string text;
    for (const auto& segment : core.segments) {
      text += std::to_string(segment.address) + "+" + std::to_string(segment.size) + ":" +
              std::string(as_text(segment.bytes)) + " ";
    }
    return text;
  };
  EXPECT_EQ(shape(CoreWriter().segment(10, "abcd").segment(12, "CDEF")), "10+4:abcd 14+2:EF ");
  EXPECT_EQ(shape(CoreWriter().segment(10, "abcd").segment(11, "BC")), "10+4:abcd ");
  EXPECT_EQ(shape(CoreWriter().partly_dumped(10, "ab", 1000).segment(20, "xy")), "10+10:ab 20+2:xy ");
  EXPECT_EQ(shape(CoreWriter().absent(10, 1000).segment(10, "xy")), "10+2:xy ");
  // The third one lies on the first and on what is left of the second.
  EXPECT_EQ(shape(CoreWriter().segment(10, "abcdefgh").segment(11, std::string(20, 'x')).segment(12, "yyyyyyyyyy")),
            "10+8:abcdefgh 18+13:xxxxxxxxxxxxx ");
  EXPECT_EQ(shape(CoreWriter().segment(10, "abcdefgh").partly_dumped(11, "---------x", 20).segment(12, "...")),
            "10+8:abcdefgh 18+13:--x ");
}

TEST(ElfCore, FilesThatOverlapEndWhereTheNextBegins) {
  const std::string file = CoreWriter()
                               .segment(0x1000, "x")
                               .file(0x1000, ~std::uint64_t{0}, 0, "/wrong")
                               .file(0x3000, 0x4000, 0, "/right")
                               .bytes();
  DamageLog damage;
  const Core core = read_core(bytes_of(file), damage);
  EXPECT_EQ(damage.count(), 1U);
  ASSERT_EQ(core.files.size(), 2U);
  EXPECT_EQ(core.files[0].end, 0x3000U);
  EXPECT_EQ(core.files[1].path, "/right");
}

TEST(ElfCore, HeadersThatShareTheirNotesAreReadOnce) {
  // 3,000 program headers over the same notes: reading them all would be quadratic.
  CoreWriter writer;
  for (std::uint64_t i = 0; i < 3000; ++i) writer.absent(i * 16, 8);
  writer.thread({}).segment(0x100000, "x");
  std::string file = writer.bytes();
  for (std::size_t i = 1; i <= 3000; ++i) std::memcpy(file.data() + 64 + 56 * i, file.data() + 64, 56);
  DamageLog damage;
  const Core core = read_core(bytes_of(file), damage);
  EXPECT_LT(core.threads.size(), file.size() / 336);
  EXPECT_GT(damage.count(), 2000U);
}

TEST(ElfCore, SegmentsThatShareTheirBytesAreReadTwiceAtMost) {
  CoreWriter writer;
  writer.segment(0x1000, std::string(50'000, 'x'));
  for (std::uint64_t i = 0; i < 100; ++i) writer.absent(0x100000 + i * 0x10000, 50'000);
  std::string file = writer.bytes();
  const std::uint64_t offset = writer.offset_of_segment(0);
  const std::uint64_t size = 50'000;
  for (std::size_t i = 2; i < 102; ++i) {
    std::memcpy(file.data() + 64 + 56 * i + 8, &offset, sizeof offset);
    std::memcpy(file.data() + 64 + 56 * i + 32, &size, sizeof size);
  }
  DamageLog damage;
  std::uint64_t held = 0;
  const Core core = read_core(bytes_of(file), damage);
  for (const auto& segment : core.segments) held += segment.bytes.size();
  EXPECT_GE(held, file.size());
  EXPECT_LE(held, 2 * file.size());
  EXPECT_EQ(core.segments.size() + damage.count(), 101U);
}

TEST(ElfCore, WhatIsNoCoreForUsIsNamed) {
  const auto with = [](std::size_t at, std::uint8_t value) {
    std::string file = CoreWriter().segment(0x1000, "x").bytes();
    file[at] = static_cast<char>(value);
    return file;
  };
  EXPECT_NE(refusal(with(16, 2)).find("64-bit little-endian x86-64 executable, not a core"), std::string::npos);
  EXPECT_NE(refusal(with(16, 3)).find("shared object or executable, not a core"), std::string::npos);
  EXPECT_NE(refusal(with(18, 243)).find("RISC-V core"), std::string::npos);
  EXPECT_NE(refusal(with(18, 99)).find("machine 99 core"), std::string::npos);
  EXPECT_NE(refusal(with(4, 1)).find("32-bit little-endian x86-64 core"), std::string::npos);
  EXPECT_NE(refusal(with(54, 32)).find("program headers"), std::string::npos);
  EXPECT_EQ(refusal("MDMP and then some, twenty bytes"), "not an ELF file");
  EXPECT_NE(refusal(CoreWriter().thread({}).bytes()).find("without memory"), std::string::npos);
  std::string big = with(5, 2);
  big[16] = 0;
  big[17] = 4;
  big[18] = 0;
  big[19] = 21;
  EXPECT_NE(refusal(big).find("64-bit big-endian PowerPC64 core"), std::string::npos);
}

TEST(ElfCore, ACoreAProgramAndAMinidumpAreToldApart) {
  std::string file = CoreWriter().segment(0x1000, "x").bytes();
  EXPECT_TRUE(formats::elf::looks_like_core(bytes_of(file)));
  file[16] = 3;
  EXPECT_TRUE(formats::elf::is_elf(bytes_of(file)));
  EXPECT_FALSE(formats::elf::looks_like_core(bytes_of(file)));
  EXPECT_FALSE(formats::elf::looks_like_core(bytes_of("MDMP\x93\xa7")));
}

// ---- damage ----

/// Reads what may be nonsense; true when it was taken for a core. Checks what has to hold of every core.
bool survives(const std::string& file) {
  // A heap block of its exact size: a sanitizer sees the first byte read too far.
  const std::vector<char> exact(file.begin(), file.end());
  DamageLog damage;
  Core core;
  try {
    core = read_core(std::as_bytes(std::span(exact)), damage);
  } catch (const formats::InputError&) {
    return false;
  }
  std::uint64_t end = 0;
  std::uint64_t dumped = 0;
  std::uint64_t held = 0;
  for (const auto& segment : core.segments) {
    EXPECT_GE(segment.address, end);
    EXPECT_GT(segment.size, 0U);
    EXPECT_LE(segment.dumped, segment.size);
    EXPECT_LE(segment.bytes.size(), segment.dumped);
    end = segment.address + segment.size;
    dumped += segment.dumped;
    held += segment.bytes.size();
  }
  EXPECT_EQ(held + core.missing_bytes, dumped);
  EXPECT_EQ(core.missing_bytes != 0 && damage.count() == 0, false);

  const formats::ProcessImage image(core);
  std::uint64_t present = 0;
  end = 0;
  for (const auto& range : image.ranges()) {
    EXPECT_GE(range.start, end);
    EXPECT_GT(range.end, range.start);
    end = range.end;
    present += range.bytes().size();
    for (const std::byte byte : range.bytes()) present += static_cast<std::uint64_t>(byte) & 0U;  // touches all
    EXPECT_EQ(image.find(range.start), &range);
    EXPECT_EQ(image.find(range.end - 1), &range);
  }
  EXPECT_EQ(present, held);
  return true;
}

TEST(ElfCore, EveryTruncationKeepsWhatLiesBeforeTheCut) {
  const std::string whole = every_field().bytes();
  std::size_t taken = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    SCOPED_TRACE(size);
    if (survives(whole.substr(0, size))) ++taken;
  }
  EXPECT_GT(taken, whole.size() - 64 - 5 * 56);
}

TEST(ElfCore, EveryByteFlipIsSurvived) {
  const std::string whole = every_field().bytes();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    SCOPED_TRACE(i);
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ flip);
      survives(damaged);
    }
  }
}

TEST(ElfCore, ACutCoreTellsWhereItEndsAndHowMuchIsMissing) {
  const CoreWriter writer = every_field();
  const std::string whole = writer.bytes();
  const std::string cut = whole.substr(0, whole.size() - 10);  // of the last segment
  DamageLog damage;
  const Core core = read_core(bytes_of(cut), damage);
  EXPECT_EQ(core.missing_bytes, 10U);
  ASSERT_EQ(damage.count(), 1U);
  EXPECT_EQ(damage.entries()[0].offset, cut.size());
  EXPECT_EQ(damage.bytes(), 10U);
}

}  // namespace
}  // namespace tests
