// Cores of real programs, where a folder with them is at hand ($HEAPQL_DATA, or shared/data beside the project);
// skipped elsewhere. What is known of them comes from readelf, from the projects they belong to, and from the kernel's
// own list of mapped files.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include "formats/elf_core.h"
#include "formats/foreign_files.h"
#include "formats/input.h"
#include "formats/link_map.h"
#include "formats/process_image.h"

namespace tests {
namespace {

using formats::DamageLog;
using formats::Input;
using formats::ProcessImage;
using formats::elf::Core;
using formats::elf::FileMapping;
using formats::elf::read_core;

std::filesystem::path data_folder() {
  const char* named = std::getenv("HEAPQL_DATA");
  return (named != nullptr ? std::filesystem::path(named)
                           : std::filesystem::path(HEAPQL_SOURCE_DIR) / "../shared/data") /
         "core";
}

class RealCores : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(data_folder())) GTEST_SKIP() << "no real cores here: set HEAPQL_DATA to their folder";
  }
  static Input open(const std::string& name) {
    DamageLog damage;
    return Input::open((data_folder() / name).string(), damage);
  }
};

TEST_F(RealCores, HaveTheThreadsSegmentsAndProcessThatOtherToolsSee) {
  struct Known {
    const char* name;
    std::int64_t process_id;
    std::size_t segments, threads;
    int signal;
    bool has_files;
  };
  static constexpr Known all[] = {
      // clang-format off
      {"lldb/linux-x86_64.core", 32259, 5, 1, 11, true},
      {"lldb/altmain.core", 32259, 5, 1, 11, true},
      {"lldb/linux-fpr_sse_x86_64.core", 10375, 5, 1, 11, true},
      {"lldb/thread_crash/linux-x86_64.core", 5222, 40, 3, 4, true},
      {"lldb/gcore/linux-x86_64.core", 5669, 2, 3, 19, false},
      {"pystack/segfault.core", 75639, 18, 1, 11, true},
      {"pystack/signal.core", 75957, 18, 1, 7, true},
      {"pystack/core_with_big_name.core", 2371, 18, 1, 11, true},
      {"golang/core", 57041, 11, 5, 6, true},
      {"drgn/crashme.core.zst", 18759, 27, 1, 11, true},
      {"drgn/crashme_pie.core.zst", 18796, 27, 1, 11, true},
      {"drgn/crashme_pie_no_headers.core.zst", 18940, 27, 1, 11, true},
      {"drgn/crashme_static.core.zst", 18832, 8, 1, 11, true},
      {"drgn/crashme_static_pie.core.zst", 18868, 8, 1, 11, true},
      {"drgn/multithreaded.core.zst", 2265413, 48, 13, 3, true},
      {"own/glibc.core.gz", 3506, 63, 5, 6, true},
      {"own/jemalloc.core.gz", 3564, 62, 5, 6, true},
      {"own/kernel_nomlog.core.gz", 24398, 58, 5, 6, true},
      {"own/py3k.core.gz", 10138, 65, 4, 6, true},
      // clang-format on
  };
  for (const Known& known : all) {
    SCOPED_TRACE(known.name);
    const Input input = open(known.name);
    DamageLog damage;
    const Core core = read_core(input.bytes(), damage);
    EXPECT_EQ(damage.count(), 0U);
    EXPECT_EQ(core.missing_bytes, 0U);
    EXPECT_EQ(core.process_id, known.process_id);
    EXPECT_EQ(core.segments.size(), known.segments);
    EXPECT_EQ(core.threads.size(), known.threads);
    ASSERT_TRUE(core.signal);
    EXPECT_EQ(core.signal->number, known.signal);
    EXPECT_EQ(!core.files.empty(), known.has_files);
    for (const auto& thread : core.threads) {
      EXPECT_NE(thread.os_id, 0);
      EXPECT_FALSE(thread.registers.empty());
      EXPECT_FALSE(thread.vector_registers.empty());
    }
    const ProcessImage image(core);
    EXPECT_NE(image.find(core.threads[0].stack_pointer) != nullptr, core.segments.size() == 2);  // without a stack
  }
}

TEST_F(RealCores, OfOtherMachinesAreRefusedByName) {
  const std::pair<const char*, const char*> all[] = {
      {"lldb/linux-i386.core", "32-bit little-endian Intel 386 core"},
      {"lldb/linux-arm.core", "32-bit little-endian ARM core"},
      {"lldb/linux-mips64el-gnuabi64.core", "64-bit little-endian MIPS core"},
      {"lldb/linux-ppc64le.core", "64-bit little-endian PowerPC64 core"},
      {"lldb/linux-s390x.core", "64-bit big-endian IBM S/390 core"},
      {"lldb/linux-x86_64.out", "64-bit little-endian x86-64 executable, not a core"},
  };
  for (const auto& [name, what] : all) {
    const Input input = open(name);
    DamageLog damage;
    try {
      static_cast<void>(read_core(input.bytes(), damage));
      ADD_FAILURE() << name << " was read";
    } catch (const formats::InputError& error) {
      EXPECT_NE(std::string(error.what()).find(what), std::string::npos) << error.what();
    }
  }
}

TEST_F(RealCores, MinidumpsAreNamedForWhatTheyAre) {
  const auto head = [](const Input& input) {
    return input.bytes().first(std::min<std::size_t>(65536, input.bytes().size()));
  };
  const Input breakpad = open("breakpad/linux_overflow.dmp");
  ASSERT_TRUE(formats::recognize_foreign(head(breakpad)));
  EXPECT_EQ(formats::recognize_foreign(head(breakpad))->kind, "a minidump of a Linux process (Breakpad, Crashpad)");
  const Input windows = open("breakpad/minidump2.dmp");
  ASSERT_TRUE(formats::recognize_foreign(head(windows)));
  EXPECT_EQ(formats::recognize_foreign(head(windows))->kind, "a minidump of a Windows process");
}

TEST_F(RealCores, CutShortKeepWhatIsThere) {
  const Input whole = open("own/glibc.core.gz");
  const Input cut = open("own/glibc_truncated_3MB.core.gz");
  DamageLog damage;
  const Core core = read_core(cut.bytes(), damage);
  EXPECT_EQ(core.segments.size(), 63U);
  EXPECT_EQ(core.threads.size(), 5U);
  EXPECT_EQ(damage.count(), 1U);
  EXPECT_EQ(damage.entries().at(0).offset, 3'000'000U);
  EXPECT_EQ(core.missing_bytes, whole.bytes().size() - 3'000'000);
}

/// "start end offset" of each, in hexadecimal.
std::vector<std::string> places(const std::vector<FileMapping>& files) {
  std::vector<std::string> all;
  for (const FileMapping& file : files) {
    char text[64];
    std::snprintf(text, sizeof text, "%llx %llx %llx", static_cast<unsigned long long>(file.start),
                  static_cast<unsigned long long>(file.end), static_cast<unsigned long long>(file.file_offset));
    all.emplace_back(text);
  }
  return all;
}

std::string file_name(const FileMapping& file) { return std::filesystem::path(file.path).filename().string(); }

/// The kernel lists each stretch of equal permissions; neighbours of one file are put together.
std::vector<FileMapping> joined(const std::vector<FileMapping>& files) {
  std::vector<FileMapping> all;
  for (const FileMapping& file : files) {
    if (!all.empty() && all.back().end == file.start && all.back().path == file.path &&
        all.back().file_offset + (file.start - all.back().start) == file.file_offset) {
      all.back().end = file.end;
    } else {
      all.push_back(file);
    }
  }
  return all;
}

/// What the memory tells, against the kernel's list of the same core.
void expect_files_of_the_kernel(Core& core, bool (*is_elf_file)(const FileMapping&)) {
  std::vector<FileMapping> expected;
  std::copy_if(core.files.begin(), core.files.end(), std::back_inserter(expected), is_elf_file);
  core.files.clear();
  EXPECT_TRUE(formats::complete_files(core));
  EXPECT_FALSE(formats::complete_files(core));  // there they are
  const std::vector<FileMapping> found = joined(core.files);
  expected = joined(expected);
  ASSERT_EQ(places(found), places(expected));
  for (std::size_t i = 0; i < found.size(); ++i) {
    // The linker knows the name it was asked for, a link to what the kernel mapped: libz.so.1 to libz.so.1.2.13.
    EXPECT_TRUE(file_name(expected[i]).starts_with(file_name(found[i]))) << found[i].path;
  }
}

TEST_F(RealCores, FilesAreFoundWithoutTheKernelsList) {
  for (const char* name : {"own/glibc.core.gz", "own/py3k.core.gz", "drgn/crashme_pie.core.zst"}) {
    SCOPED_TRACE(name);
    const Input input = open(name);
    DamageLog damage;
    Core core = read_core(input.bytes(), damage);
    expect_files_of_the_kernel(core, [](const FileMapping& file) {
      return file.path.find(".so") != std::string::npos || file.path.find("/bin/") != std::string::npos ||
             file.path.find("leaklab") != std::string::npos || file.path.find("crashme") != std::string::npos;
    });
  }
}

TEST_F(RealCores, FilesAreFoundWithoutTheirHeaders) {
  const Input input = open("own/glibc.core.gz");
  DamageLog damage;
  Core core = read_core(input.bytes(), damage);
  const std::vector<FileMapping> listed = core.files;
  for (auto& segment : core.segments) {  // as gdb of old wrote it: nothing that can be read from a file
    if (segment.executable || formats::elf::is_elf(segment.bytes)) segment.bytes = {};
  }
  core.files.clear();
  const ProcessImage image(core);
  const std::vector<formats::LoadedObject> objects = read_link_map(image);
  ASSERT_EQ(objects.size(), 8U);  // leaklab, the vDSO, mlog2, libstdc++, libm, libgcc_s, libc, ld-linux
  std::size_t places = 0;
  for (const FileMapping& file : find_mapped_files(image)) {
    SCOPED_TRACE(file.path);
    const auto same = std::find_if(listed.begin(), listed.end(), [&](const FileMapping& known) {
      return known.start <= file.start && file.start < known.end;
    });
    ASSERT_NE(same, listed.end());
    EXPECT_EQ(file.start, same->start);
    EXPECT_EQ(file.end, same->end);
    // The dynamic linker's own name stands in the program's read-only part.
    const bool linker = file.path.starts_with("[elf 0x") && same->path.find("/ld-linux") != std::string::npos;
    EXPECT_TRUE(linker || file_name(*same).starts_with(file_name(file))) << same->path;
    ++places;
  }
  EXPECT_EQ(places, 21U);  // of each of the seven files the first segment, RELRO and data
}

TEST_F(RealCores, WithTheVdsoAloneNoFileIsFound) {
  const Input input = open("lldb/gcore/linux-x86_64.core");
  DamageLog damage;
  Core core = read_core(input.bytes(), damage);
  EXPECT_FALSE(formats::complete_files(core));
  EXPECT_TRUE(read_link_map(ProcessImage(core)).empty());
}

}  // namespace
}  // namespace tests
