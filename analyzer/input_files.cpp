#include "analyzer/input_files.h"

#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>

#include "formats/bytes.h"

namespace analyzer {
namespace {

namespace fs = std::filesystem;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Digits from `at` on, without leading zeroes; `at` moves behind them.
std::string_view take_number(std::string_view text, std::size_t& at) {
  std::size_t first = at;
  while (at < text.size() && is_digit(text[at])) ++at;
  while (first + 1 < at && text[first] == '0') ++first;
  return text.substr(first, at - first);
}

std::vector<std::string> files_of_folder(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (entry.is_regular_file(error) && !entry.path().filename().string().starts_with('.')) {
      files.push_back(entry.path().string());
    }
  }
  if (files.empty()) throw formats::InputError(folder + ": a folder without files");
  return files;
}

std::vector<std::string> files_of_pattern(const std::string& pattern) {
  glob_t found{};
  const std::unique_ptr<glob_t, void (*)(glob_t*)> owned(&found, globfree);
  std::vector<std::string> files;
  if (glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) files.emplace_back(found.gl_pathv[i]);
  }
  std::error_code error;
  std::erase_if(files, [&](const std::string& file) { return !fs::is_regular_file(file, error); });
  if (files.empty()) throw formats::InputError(pattern + ": no such file, and no file matches it as a pattern");
  return files;
}

}  // namespace

int compare_naturally(const std::string& a, const std::string& b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const std::string_view left = take_number(a, i);
      const std::string_view right = take_number(b, j);
      if (left.size() != right.size()) return left.size() < right.size() ? -1 : 1;
      if (const int order = left.compare(right); order != 0) return order < 0 ? -1 : 1;
    } else {
      if (a[i] != b[j]) return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]) ? -1 : 1;
      ++i;
      ++j;
    }
  }
  if (i == a.size() && j == b.size()) return a.compare(b) < 0 ? -1 : a == b ? 0 : 1;
  return i == a.size() ? -1 : 1;
}

std::vector<std::string> input_files(const std::string& input) {
  std::error_code error;
  if (input == "-" || fs::is_regular_file(input, error)) return {input};
  std::vector<std::string> files;
  if (fs::is_directory(input, error)) {
    files = files_of_folder(input);
  } else if (!fs::exists(input, error) && input.find_first_of("*?[") != std::string::npos) {
    files = files_of_pattern(input);
  } else {
    return {input};  // a pipe, or nothing: whoever opens it says so
  }
  std::sort(files.begin(), files.end(),
            [](const std::string& a, const std::string& b) { return compare_naturally(a, b) < 0; });
  return files;
}

std::vector<std::string> input_files(const std::vector<std::string>& inputs) {
  std::vector<std::string> files;
  bool are_files = true;
  for (const std::string& input : inputs) {
    const std::vector<std::string> found = input_files(input);
    are_files = are_files && found == std::vector<std::string>{input};
    files.insert(files.end(), found.begin(), found.end());
  }
  if (are_files && std::is_sorted(files.begin(), files.end())) {
    std::sort(files.begin(), files.end(),
              [](const std::string& a, const std::string& b) { return compare_naturally(a, b) < 0; });
  }
  return files;
}

std::vector<double> modification_times(const std::vector<std::string>& files) {
  std::vector<double> times;
  for (const std::string& file : files) {
    struct stat status {};
    if (stat(file.c_str(), &status) != 0) return {};
    times.push_back(static_cast<double>(status.st_mtim.tv_sec) + 1e-9 * static_cast<double>(status.st_mtim.tv_nsec));
    if (times.size() > 1 && times.back() <= times[times.size() - 2]) return {};
  }
  if (times.size() < 2 || times.back() - times.front() < 1) return {};
  return times;
}

}  // namespace analyzer
