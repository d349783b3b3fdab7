#include "formats/spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace formats {

Spool::Spool(std::string source, std::uint64_t limit) : source_(std::move(source)), limit_(limit) {
  const char* folder = std::getenv("TMPDIR");
  folder_ = folder != nullptr && *folder != '\0' ? folder : "/tmp";
  std::string name = folder_ + "/heapql-spool-XXXXXX";
  descriptor_ = mkostemp(name.data(), O_CLOEXEC);
  if (descriptor_ < 0) {
    throw InputError(source_ + ": cannot make a temporary file in " + folder_ + ": " +
                     std::generic_category().message(errno) + "; set TMPDIR to a folder you may write to");
  }
  unlink(name.c_str());
}

Spool::~Spool() {
  if (descriptor_ >= 0) close(descriptor_);
}

void Spool::write(Bytes bytes) {
  if (bytes.size() > limit_ - size_) {
    throw InputError(source_ + ": inflates to more than " + std::to_string(limit_) +
                     " bytes, the limit set for it; raise the limit if that is what you expect");
  }
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      throw InputError(source_ + ": cannot write its inflated bytes to " + folder_ + " (after " +
                       std::to_string(size_) + " bytes): " + std::generic_category().message(errno) +
                       "; make room there or set TMPDIR to a folder with more");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    size_ += static_cast<std::uint64_t>(written);
  }
}

}  // namespace formats
