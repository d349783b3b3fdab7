// Names of a text profile's addresses from the files that the user names: this test program's own.
#include "importers/profile_symbols.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include "importers/registry.h"
#include "queries/allocation_profile.h"
#include "tests/support/own_process.h"

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

/// A gperftools profile with one sample in that function, called from nowhere.
std::string profile_text() {
  std::ostringstream text;
  text << "heap profile:      1:      100 [     1:      100] @ heapprofile\n"
       << "     1:      100 [     1:      100] @ 0x" << std::hex << address_of(&profile_symbols::remembered) + 5
       << "\n\nMAPPED_LIBRARIES:\n"
       << own_maps();
  return text.str();
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

TEST(ProfileSymbols, NamesComeFromFilesOnlyWhereTheUserSaysWhich) {
  EXPECT_EQ(profile_symbols::remembered(1), 2);
  const std::string text = profile_text();
  const queries::Snapshot plain = imported(text, {});
  EXPECT_FALSE(has(functions(plain), "profile_symbols::remembered"));
  importers::ModulePaths paths;
  paths.exe = own_path();
  const queries::Snapshot named = imported(text, paths);
  EXPECT_TRUE(has(functions(named), "profile_symbols::remembered(int)"));
  ASSERT_FALSE(named.warnings.empty());
  EXPECT_NE(named.warnings.back().find("of which build"), std::string::npos);
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
