// Names of a profile's addresses from the files that the user names: this test program's own.
#include "importers/profile_symbols.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include "importers/registry.h"
#include "queries/allocation_profile.h"
#include "tests/support/heaptrack_writer.h"
#include "tests/support/memray_writer.h"
#include "tests/support/own_process.h"
#include "tests/support/pprof_writer.h"

namespace profile_symbols {

[[gnu::noinline]] int remembered(int value) {
  asm volatile("");  // a function of its own
  return value + 1;
}

}  // namespace profile_symbols

namespace tests {
namespace {

std::string own_maps() {
  std::ifstream file("/proc/self/maps");
  return {std::istreambuf_iterator<char>(file), {}};
}

std::uint64_t return_address() { return address_of(&profile_symbols::remembered) + 2; }  // in its first instructions

/// The program's headers, as they are in memory.
formats::ModuleHeaders own_headers() {
  const std::string page = own_first_page();
  return *formats::parse_module_headers({reinterpret_cast<const std::byte*>(page.data()), page.size()});
}

/// A gperftools profile with one sample in that function, called from nowhere.
std::string text_profile() {
  std::ostringstream text;
  text << "heap profile:      1:      100 [     1:      100] @ heapprofile\n"
       << "     1:      100 [     1:      100] @ 0x" << std::hex << return_address() << "\n\nMAPPED_LIBRARIES:\n"
       << own_maps();
  return text.str();
}

/// heaptrack --raw: segments of the program as the loader has them. The same modules again, as after a dlopen().
std::string raw_heaptrack() {
  HeaptrackWriter writer;
  writer.program("/where/it/ran/tests");
  std::vector<std::pair<std::uint64_t, std::uint64_t>> segments;
  for (const formats::LoadHeader& load : own_headers().loads) segments.emplace_back(load.address, load.memory_size);
  for (int i = 0; i < 2; ++i) {
    writer.no_modules();
    writer.module("x", own_bias(), segments);
    writer.allocate(100, writer.trace(return_address(), 0), 0x1000 + static_cast<std::uint64_t>(i));
  }
  return writer.text();
}

/// The program's code alone, as pprof's own collectors list it.
std::string code_only_pprof(const std::string& build_id) {
  PprofWriter writer;
  writer.sample_type("inuse_objects", "count").sample_type("inuse_space", "bytes");
  for (const formats::LoadHeader& load : own_headers().loads) {
    if (!load.executable) continue;
    const std::uint64_t start = own_bias() + (load.address & ~std::uint64_t{4095});
    const std::uint64_t end = (own_bias() + load.address + load.file_size + 4095) & ~std::uint64_t{4095};
    const std::uint64_t mapping =
        writer.mapping("/where/it/ran/tests", start, end, load.file_offset & ~std::uint64_t{4095}, build_id);
    writer.sample({writer.location({}, return_address(), mapping)}, {1, 100});
  }
  return writer.bytes();
}

std::string memray_capture_of_this_program() {
  MemrayWriter writer({.version = 11, .native = true});
  writer.frame(1, "work", "app.py", 3).push(1).memory_map();
  for (const formats::LoadHeader& load : own_headers().loads) {
    writer.module(own_path(), own_bias(), load.address, load.memory_size);
  }
  writer.native_frame(return_address(), 0).allocate(MemrayWriter::Allocator::malloc, 0x40, 100, 1).end();
  return writer.bytes();
}

queries::Snapshot imported(const std::string& text, const importers::ModulePaths& paths) {
  const formats::Bytes bytes{reinterpret_cast<const std::byte*>(text.data()), text.size()};
  const formats::Input input = formats::Input::borrow(bytes, "heap.prof");
  queries::Snapshot snapshot;
  importers::ImportJob job{input, {}, snapshot, nullptr, nullptr, {}};
  job.options.modules = paths;
  importers::find_importer(bytes)->run(job);
  return snapshot;
}

std::vector<std::string> functions(const queries::Snapshot& snapshot) {
  const queries::SiteTree& sites = snapshot.profile->sites;
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < sites.frame_count(); ++i) names.emplace_back(sites.text(sites.frame_row(i).function));
  return names;
}

bool has(const std::vector<std::string>& names, const std::string& what) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return name.find(what) != std::string::npos; });
}

/// LeakSanitizer without a symbolizer: places in the module, which count from where it is loaded.
std::string lsan_report() {
  std::ostringstream text;
  text << "==7==ERROR: LeakSanitizer: detected memory leaks\n\nDirect leak of 100 byte(s) in 1 object(s) allocated "
          "from:\n"
       << "    #0 0x7f0000000545  (/lib/liblsan.so.0+0x545)\n    #1 0x" << std::hex << return_address() - 1
       << "  (/where/it/ran/" << own_path().substr(own_path().rfind('/') + 1) << "+0x"
       << return_address() - 1 - own_bias() << ")\n\n"
       << "SUMMARY: LeakSanitizer: 100 byte(s) leaked in 1 allocation(s).\n";
  return text.str();
}

struct Recording {
  const char* name;
  std::string (*make)();
};
class ProfileSymbolsOf : public testing::TestWithParam<Recording> {};

TEST_P(ProfileSymbolsOf, NamesComeFromFilesOnlyWhereTheUserSaysWhich) {
  EXPECT_EQ(profile_symbols::remembered(1), 2);
  const std::string text = GetParam().make();
  const queries::Snapshot plain = imported(text, {});
  EXPECT_FALSE(has(functions(plain), "profile_symbols::remembered"));
  ASSERT_EQ(plain.warnings.size(), 1U);
  EXPECT_NE(plain.warnings.back().find("--exe PROGRAM"), std::string::npos) << plain.warnings.back();
  importers::ModulePaths paths;
  paths.exe = own_path();
  paths.sysroot = "/";
  const queries::Snapshot named = imported(text, paths);
  EXPECT_TRUE(has(functions(named), "profile_symbols::remembered(int)"));
  ASSERT_EQ(named.warnings.size(), 1U);
  EXPECT_NE(named.warnings.back().find("another build"), std::string::npos);
  const std::int64_t blocks = named.profile->records.back().total.live_count;
  EXPECT_EQ(blocks, plain.profile->records.back().total.live_count);
}

INSTANTIATE_TEST_SUITE_P(All, ProfileSymbolsOf,
                         testing::Values(Recording{"text", text_profile}, Recording{"heaptrack", raw_heaptrack},
                                         Recording{"pprof", [] { return code_only_pprof(""); }},
                                         Recording{"memray", memray_capture_of_this_program},
                                         Recording{"lsan", lsan_report}),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(ProfileSymbols, AFileOfAnotherBuildThanTheRecordSaysGivesNoNames) {
  importers::ModulePaths paths;
  paths.exe = own_path();
  const auto own = formats::ModuleFile::open("", own_path());
  ASSERT_TRUE(own && !own->build_id().empty());
  EXPECT_TRUE(has(functions(imported(code_only_pprof(own->build_id()), paths)), "profile_symbols::remembered(int)"));
  const queries::Snapshot other = imported(code_only_pprof("0123456789abcdef"), paths);
  EXPECT_FALSE(has(functions(other), "profile_symbols::remembered"));
  ASSERT_EQ(other.warnings.size(), 1U);
  EXPECT_NE(other.warnings.back().find("1 are of another build"), std::string::npos) << other.warnings.back();
}

TEST(ProfileSymbols, FilesThatAreNotThereLeaveModulesAndOffsets) {
  const std::string text =
      "heap profile:      1:      100 [     1:      100] @ heapprofile\n"
      "     1:      100 [     1:      100] @ 0x1005\n\nMAPPED_LIBRARIES:\n"
      "00001000-00002000 r-xp 00000000 08:01 7 /nowhere/app\n";
  importers::ModulePaths paths;
  paths.exe = "/nowhere/app";
  EXPECT_TRUE(has(functions(imported(text, paths)), "app+0x5"));
}

}  // namespace
}  // namespace tests
