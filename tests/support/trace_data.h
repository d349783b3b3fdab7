// Where real traces and profiles are: $HEAPQL_DATA, or shared/data beside the project. Tests on them are skipped,
// visibly, where they are not.
#pragma once

#include <cstdlib>
#include <filesystem>

namespace tests {

inline std::filesystem::path trace_data_folder() {
  const char* named = std::getenv("HEAPQL_DATA");
  return (named != nullptr ? std::filesystem::path(named)
                           : std::filesystem::path(HEAPQL_SOURCE_DIR) / "../shared/data") /
         "trace";
}

}  // namespace tests
