#include "analyzer/input_files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "formats/bytes.h"

namespace analyzer {
namespace {

namespace fs = std::filesystem;

class InputFiles : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("heapql-input-files-" + std::to_string(getpid()));
    fs::create_directories(folder_ / "inner");
    for (const char* name : {"dump.10", "dump.2", "dump.1", ".hidden"}) std::ofstream(folder_ / name) << "x";
  }
  void TearDown() override { fs::remove_all(folder_); }
  [[nodiscard]] std::vector<std::string> names(const std::string& input) const {
    std::vector<std::string> result;
    for (const std::string& file : input_files(input)) result.push_back(fs::path(file).filename().string());
    return result;
  }
  fs::path folder_;
};

TEST_F(InputFiles, FolderIsItsFilesInNaturalOrder) {
  EXPECT_EQ(names(folder_.string()), (std::vector<std::string>{"dump.1", "dump.2", "dump.10"}));
}

TEST_F(InputFiles, PatternIsWhatMatches) {
  EXPECT_EQ(names((folder_ / "dump.1*").string()), (std::vector<std::string>{"dump.1", "dump.10"}));
}

TEST_F(InputFiles, FileOfThatNameIsNoPattern) {
  std::ofstream(folder_ / "dump.[1]") << "x";
  EXPECT_EQ(names((folder_ / "dump.[1]").string()), (std::vector<std::string>{"dump.[1]"}));
}

TEST_F(InputFiles, NothingThereIsAnError) {
  EXPECT_THROW((void)input_files((folder_ / "inner").string()), formats::InputError);
  EXPECT_THROW((void)input_files((folder_ / "no*").string()), formats::InputError);
  EXPECT_EQ(input_files((folder_ / "missing").string()).size(), 1u);  // whoever opens it says so
  EXPECT_EQ(input_files("-").size(), 1u);
}

TEST_F(InputFiles, WhatAShellMakesOfAPatternComesInNaturalOrder) {
  const auto path = [&](const char* name) { return (folder_ / name).string(); };
  EXPECT_EQ(input_files(std::vector{path("dump.1"), path("dump.10"), path("dump.2")}),
            (std::vector{path("dump.1"), path("dump.2"), path("dump.10")}));
  // An order that somebody chose stays.
  EXPECT_EQ(input_files(std::vector{path("dump.2"), path("dump.10"), path("dump.1")}),
            (std::vector{path("dump.2"), path("dump.10"), path("dump.1")}));
}

TEST(CompareNaturally, NumbersAsNumbers) {
  EXPECT_LT(compare_naturally("a9", "a10"), 0);
  EXPECT_GT(compare_naturally("a10b", "a9c"), 0);
  EXPECT_EQ(compare_naturally("x", "x"), 0);
  EXPECT_LT(compare_naturally("x", "xy"), 0);
  EXPECT_LT(compare_naturally("s.12097.2.i2.heap", "s.12097.16.f.heap"), 0);
  EXPECT_NE(compare_naturally("a01", "a1"), 0);  // a total order: different names are never equal
}

TEST_F(InputFiles, TimesOfModificationMustAscend) {
  const std::vector<std::string> files = input_files(folder_.string());
  const auto now = fs::file_time_type::clock::now();
  for (std::size_t i = 0; i < files.size(); ++i) {
    fs::last_write_time(files[i], now + std::chrono::seconds(10 * static_cast<int>(i)));
  }
  const std::vector<double> times = modification_times(files);
  ASSERT_EQ(times.size(), 3u);
  EXPECT_NEAR(times[2] - times[0], 20, 0.01);
  fs::last_write_time(files[1], now);
  EXPECT_TRUE(modification_times(files).empty());
}

}  // namespace
}  // namespace analyzer
