// Mapped files of a process whose core does not list them.
#include "formats/link_map.h"

#include <gtest/gtest.h>

#include "tests/support/core_writer.h"
#include "tests/support/dynamic_process.h"

namespace tests {
namespace {

using formats::LoadedObject;
using formats::ProcessImage;
using formats::elf::Core;
using formats::elf::FileMapping;

/// What is found, one line each: "start-end+offset path", in hexadecimal.
std::string found_in(const CoreWriter& writer) {
  const std::string file = writer.bytes();
  formats::DamageLog damage;
  Core core = formats::elf::read_core(std::as_bytes(std::span(file)), damage);
  const bool found = formats::complete_files(core);
  EXPECT_EQ(found, !core.files.empty());
  std::string text;
  for (const FileMapping& mapping : core.files) {
    char line[80];
    std::snprintf(line, sizeof line, "%llx-%llx+%llx ", static_cast<unsigned long long>(mapping.start),
                  static_cast<unsigned long long>(mapping.end), static_cast<unsigned long long>(mapping.file_offset));
    text += line + mapping.path + "\n";
  }
  return text;
}

std::string names_in(const CoreWriter& writer) {
  const std::string file = writer.bytes();
  formats::DamageLog damage;
  const Core core = formats::elf::read_core(std::as_bytes(std::span(file)), damage);
  std::string text;
  for (const LoadedObject& object : read_link_map(ProcessImage(core))) text += "<" + object.name + ">";
  return text;
}

constexpr const char* all_files =
    "400000-402000+0 /bin/program\n"
    "403000-404000+2000 /bin/program\n"
    "7f0000000000-7f0000002000+0 /lib/libfirst.so.1\n"
    "7f0000003000-7f0000004000+2000 /lib/libfirst.so.1\n"
    "7f0000100000-7f0000102000+0 /lib/libsecond.so.2\n"
    "7f0000103000-7f0000104000+2000 /lib/libsecond.so.2\n";

TEST(LinkMap, ListsWhatTheDynamicLinkerLoaded) {
  EXPECT_EQ(names_in(dynamic_process()), "<></lib/libfirst.so.1></lib/libsecond.so.2>");
  EXPECT_EQ(found_in(dynamic_process()), all_files);
}

TEST(LinkMap, TheCoresOwnListIsKept) {
  const std::string file = dynamic_process().file(0x400000, 0x401000, 0, "/known").bytes();
  formats::DamageLog damage;
  Core core = formats::elf::read_core(std::as_bytes(std::span(file)), damage);
  EXPECT_FALSE(formats::complete_files(core));
  ASSERT_EQ(core.files.size(), 1U);
  EXPECT_EQ(core.files[0].path, "/known");
}

TEST(LinkMap, ACyclicListEnds) {
  CoreWriter core = dynamic_process();
  core.word(DynamicProcess::second_entry + 24, DynamicProcess::program_entry);
  EXPECT_EQ(names_in(core), "<></lib/libfirst.so.1></lib/libsecond.so.2>");
  core.word(DynamicProcess::second_entry + 24, DynamicProcess::second_entry);
  EXPECT_EQ(names_in(core), "<></lib/libfirst.so.1></lib/libsecond.so.2>");
}

TEST(LinkMap, AnOverwrittenListEndsAndHeadersTellTheRest) {
  CoreWriter core = dynamic_process();
  core.word(DynamicProcess::program_entry + 24, 0x4141414141414141);
  EXPECT_EQ(names_in(core), "<>");
  EXPECT_EQ(found_in(core),
            "400000-402000+0 /bin/program\n"
            "403000-404000+2000 /bin/program\n"
            "7f0000000000-7f0000002000+0 libfirst.so.1\n"
            "7f0000003000-7f0000004000+2000 libfirst.so.1\n"
            "7f0000100000-7f0000102000+0 [build-id 00010203deadbeef]\n"
            "7f0000103000-7f0000104000+2000 [build-id 00010203deadbeef]\n");
}

TEST(LinkMap, WithoutAnAuxiliaryVectorTheProgramsHeaderLeadsToTheList) {
  EXPECT_EQ(names_in(dynamic_process({.auxiliary = false})), "<></lib/libfirst.so.1></lib/libsecond.so.2>");
  // Nothing says what the program was started as but the process note.
  EXPECT_NE(found_in(dynamic_process({.auxiliary = false})).find("400000-402000+0 prog\n"), std::string::npos);
}

TEST(LinkMap, WithoutHeadersTheListIsSearchedFor) {
  const CoreWriter core = dynamic_process({.headers = false});
  EXPECT_EQ(names_in(core), "<></lib/libfirst.so.1></lib/libsecond.so.2>");
  EXPECT_EQ(found_in(core),
            "400000-402000+0 /bin/program\n"
            "403000-405000+3000 /bin/program\n"
            "7f0000000000-7f0000002000+0 /lib/libfirst.so.1\n"
            "7f0000003000-7f0000005000+3000 /lib/libfirst.so.1\n"
            "7f0000100000-7f0000102000+0 /lib/libsecond.so.2\n"
            "7f0000103000-7f0000105000+3000 /lib/libsecond.so.2\n");
}

TEST(LinkMap, OfAProgramWithoutHeadersOrAuxiliaryVectorTheDataAreFound) {
  const std::string found = found_in(dynamic_process({.auxiliary = false, .headers = false}));
  EXPECT_TRUE(found.starts_with("403000-405000+403000 prog\n7f0000000000-")) << found;
}

TEST(LinkMap, AnObjectWithoutANameIsNamedByItsAddress) {
  CoreWriter core = dynamic_process({.headers = false});
  core.word(DynamicProcess::second_entry + 8, 0x1234);  // absent
  EXPECT_NE(found_in(core).find("7f0000100000-7f0000102000+0 [elf 0x7f0000100000]\n"), std::string::npos);
}

TEST(LinkMap, TheVdsoIsNoFile) {
  EXPECT_EQ(found_in(dynamic_process().auxiliary(33, 0x7f0000100000)).find("second"), std::string::npos);
}

TEST(LinkMap, ACopyOfAFileIsNotMapped) {
  CoreWriter core;  // its second part is not where a loaded file would have it
  core.segment(0x10000, DynamicProcess::elf_page(CoreWriter::Machine::x86_64, 0x10000, 0), "rw");
  EXPECT_EQ(found_in(core), "");
}

TEST(LinkMap, FilesOfAnotherMachineAreNotMapped) {
  EXPECT_EQ(found_in(dynamic_process({.machine = CoreWriter::Machine::aarch64})), all_files);
  EXPECT_EQ(found_in(dynamic_process({.files_of = CoreWriter::Machine::aarch64, .auxiliary = false})).find("+2000"),
            std::string::npos);
}

TEST(LinkMap, EveryByteFlipIsSurvived) {
  const std::string whole = dynamic_process().bytes();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (whole[i] == '\0' && i % 64 != 0) continue;  // mostly padding: every so often is enough
    std::string damaged = whole;
    damaged[i] = static_cast<char>(~damaged[i]);
    formats::DamageLog damage;
    try {
      Core core = formats::elf::read_core(std::as_bytes(std::span(damaged)), damage);
      core.files.clear();
      formats::complete_files(core);
      std::uint64_t end = 0;
      for (const FileMapping& mapping : core.files) {
        EXPECT_GE(mapping.start, end);
        EXPECT_GT(mapping.end, mapping.start);
        EXPECT_FALSE(mapping.path.empty());
        end = mapping.end;
      }
    } catch (const formats::InputError&) {
      continue;
    }
  }
}

}  // namespace
}  // namespace tests
