// The cores of our own program with every live block known, where the folder with them is at hand ($HEAPQL_DATA, or
// shared/data beside the project).
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>

#include "formats/input.h"

namespace tests {

inline std::filesystem::path own_cores() {
  const char* named = std::getenv("HEAPQL_DATA");
  return (named != nullptr ? std::filesystem::path(named)
                           : std::filesystem::path(HEAPQL_SOURCE_DIR) / "../shared/data") /
         "core/own";
}

inline formats::Input open_own_core(const std::string& name) {
  formats::DamageLog damage;
  return formats::Input::open((own_cores() / name).string(), damage);
}

/// Requested sizes by address, from a log of the process's calls.
inline std::map<std::uint64_t, std::uint64_t> live_blocks(const std::string& allocator) {
  const formats::Input input = open_own_core(allocator + ".live.gz");
  std::istringstream lines{std::string(formats::as_text(input.bytes()))};
  std::map<std::uint64_t, std::uint64_t> live;
  std::uint64_t address = 0;
  std::uint64_t size = 0;
  while (lines >> std::hex >> address >> std::dec >> size) live[address] = size;
  return live;
}

}  // namespace tests
