#include "analyzer/commands/output_file.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <system_error>

#include "queries/store.h"

namespace analyzer {
namespace {

[[noreturn]] void fail(const std::string& path) {
  throw queries::StoreError(path + ": cannot write: " + std::generic_category().message(errno == 0 ? EIO : errno));
}

}  // namespace

void write_output(const std::string& path, std::string_view text) {
  if (path == "-") {
    std::cout << text;
    return;
  }
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  const bool replace = !std::filesystem::exists(status) || std::filesystem::is_regular_file(status);
  // /dev/stdout, a pipe: cannot be renamed over.
  const std::string written = replace ? path + ".tmp-" + std::to_string(getpid()) : path;
  errno = 0;
  {
    std::ofstream file(written, std::ios::binary | std::ios::trunc);
    if (!file) fail(path);
    file << text;
    file.close();
    if (!file) {
      const int cause = errno;
      if (replace) unlink(written.c_str());
      errno = cause;
      fail(path);
    }
  }
  if (!replace) return;
  std::filesystem::rename(written, path, error);
  if (error) {
    unlink(written.c_str());
    throw queries::StoreError(path + ": cannot write: " + error.message());
  }
}

}  // namespace analyzer
