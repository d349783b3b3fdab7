#include "analyzer/commands/import_cache.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>
#include <vector>

#include "analyzer/commands/program.h"
#include "queries/store.h"

namespace analyzer {
namespace {

namespace fs = std::filesystem;

/// FNV-1a, 64 bits, over 8 bytes at a time where there are as many. Tells contents apart; not against an attacker,
/// who could only mislead his own cache.
class Hash {
 public:
  explicit Hash(std::uint64_t seed) : value_(seed) {}
  void add(std::string_view text) {
    std::size_t at = 0;
    for (; at + 8 <= text.size(); at += 8) {
      std::uint64_t word = 0;
      for (std::size_t i = 0; i < 8; ++i) word |= std::uint64_t{static_cast<unsigned char>(text[at + i])} << (8 * i);
      mix(word);
    }
    for (; at < text.size(); ++at) mix(static_cast<unsigned char>(text[at]));
    mix(text.size());
  }
  void add(std::uint64_t number) { mix(number); }
  [[nodiscard]] std::string hex() const {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (int shift = 60; shift >= 0; shift -= 4) text += digits[(value_ >> shift) & 15];
    return text;
  }

 private:
  void mix(std::uint64_t word) {
    value_ = (value_ ^ word) * 0x100000001b3u;
    value_ ^= value_ >> 29;  // carries high bits down, which FNV's multiplication alone never does
  }
  std::uint64_t value_;
};

/// $XDG_CACHE_HOME/heapql or ~/.cache/heapql, made if needed; "" when there is none that can be written.
fs::path cache_folder() {
  fs::path base;
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache == '/') {
    base = cache;
  } else if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
    base = fs::path(home) / ".cache";
  } else {
    return {};
  }
  const fs::path folder = base / "heapql";
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return {};
  fs::permissions(folder, fs::perms::owner_all, error);  // dumps hold secrets
  return access(folder.c_str(), W_OK) == 0 ? folder : fs::path{};
}

bool add_content(const std::string& path, std::uint64_t size, Hash& hash) {
  constexpr std::uint64_t end_block = 1 << 20;
  constexpr std::uint64_t middle_block = 1 << 16;
  constexpr std::uint64_t middle_blocks = 16;
  std::ifstream file(path, std::ios::binary);
  std::vector<char> buffer(end_block);
  const auto add = [&](std::uint64_t offset, std::uint64_t bytes) {
    file.seekg(static_cast<std::streamoff>(offset));
    file.read(buffer.data(), static_cast<std::streamsize>(std::min(bytes, size - offset)));
    hash.add(std::string_view(buffer.data(), static_cast<std::size_t>(file.gcount())));
  };
  add(0, end_block);
  if (size > end_block) add(size - std::min(end_block, size - end_block), end_block);
  if (size > 2 * end_block) {
    const std::uint64_t step = (size - 2 * end_block) / (middle_blocks + 1);
    for (std::uint64_t i = 1; i <= middle_blocks; ++i) add(end_block + i * step, middle_block);
  }
  return file.good();
}

}  // namespace

std::string cache_path(const std::string& input, const std::string& options) {
  struct stat status {};
  if (input == "-" || stat(input.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  const fs::path folder = cache_folder();
  if (folder.empty()) return {};
  const auto size = static_cast<std::uint64_t>(status.st_size);
  Hash hash(0xcbf29ce484222325u);
  hash.add(size);
  hash.add(static_cast<std::uint64_t>(status.st_mtim.tv_sec));
  hash.add(static_cast<std::uint64_t>(status.st_mtim.tv_nsec));
  hash.add(options);
  hash.add(program_version);
  hash.add(static_cast<std::uint64_t>(queries::schema_version));
  if (!add_content(input, size, hash)) return {};
  return (folder / (hash.hex() + ".db")).string();
}

std::string code_cache_path() {
  const fs::path folder = cache_folder();
  return folder.empty() ? std::string() : (folder / "code").string();
}

}  // namespace analyzer
