// Runs a fuzz target over files and folders of files: the corpus as an ordinary test, with any compiler.
//   replay_hprof CORPUS_OR_FILE...
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz_target.h"

namespace {

void run(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::unique_ptr<std::byte[]> exact(new std::byte[text.size()]);
  std::transform(text.begin(), text.end(), exact.get(), [](char each) { return static_cast<std::byte>(each); });
  fuzz({exact.get(), text.size()});
}

}  // namespace

int main(int count, char** arguments) {
  std::vector<std::filesystem::path> files;
  for (int index = 1; index < count; ++index) {
    const std::filesystem::path path(arguments[index]);
    if (std::filesystem::is_directory(path)) {
      for (const auto& entry : std::filesystem::directory_iterator(path)) files.push_back(entry.path());
    } else {
      files.push_back(path);
    }
  }
  std::sort(files.begin(), files.end());
  for (const std::filesystem::path& file : files) {
    std::cout << file.string() << std::endl;  // flushed: names the file that crashes
    run(file);
  }
  std::cout << files.size() << " inputs\n";
  return files.empty() ? 1 : 0;
}
