// Writes the small seed corpus: make_seeds FOLDER makes FOLDER/hprof/*. Run once; the files are checked in.
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/formats/hprof_samples.h"

namespace {

void write(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const std::filesystem::path folder = std::filesystem::path(arguments[1]) / "hprof";
  write(folder / "jvm_id8", tests::every_jvm_record(8));
  write(folder / "jvm_id4", tests::every_jvm_record(4));
  write(folder / "art", tests::every_art_record());
  write(folder / "list", tests::node_list(40, 12));
  std::string overwritten = tests::node_list(80, 20);
  write(folder / "overwritten", overwritten.replace(700, 900, 900, '!'));
  write(folder / "cut", tests::node_list(30, 30).substr(0, 900));
}
