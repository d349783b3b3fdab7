// An unlinked temporary file in $TMPDIR (default /tmp) that takes inflated or piped bytes and is then mapped. It is
// gone when the process ends, however it ends.
#pragma once

#include <cstdint>
#include <string>

#include "formats/bytes.h"

namespace formats {

class Spool {
 public:
  /// `source` is the input's name, for messages. `limit` in bytes. Throws InputError when no file can be made.
  Spool(std::string source, std::uint64_t limit);
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;
  ~Spool();

  /// Appends. Throws InputError when the disk is full or the limit is passed.
  void write(Bytes bytes);
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  std::string source_;
  std::string folder_;
  std::uint64_t limit_;
  std::uint64_t size_ = 0;
  int descriptor_ = -1;
};

}  // namespace formats
