// An input file as one window of bytes, whatever it is wrapped in. A plain file is mapped. gzip (one member or many, as
// the JDK's -gz writes) and zstd are told by content and inflated into an unlinked spool file in $TMPDIR, which is
// mapped: the dump is never held in anonymous memory. '-' is stdin, spooled the same way.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "formats/bytes.h"
#include "formats/damage_log.h"

namespace formats {

struct InputOptions {
  unsigned threads = 1;                                                   ///< for inflating many-member gzip
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;  ///< compressed bytes; total 0 = unknown
  std::uint64_t spool_limit = ~std::uint64_t{0};                          ///< refuse to inflate beyond (InputError)
};

class Input {
 public:
  /// Opens, maps or spools. Throws InputError naming path and cause (missing, directory, empty, disk full, not
  /// readable). A compressed stream that breaks off is damage: what was inflated before is kept.
  static Input open(const std::string& path, DamageLog& damage, const InputOptions& options = {});
  /// Only the first `limit` bytes, inflated: enough to sniff and for `info`. Never spools.
  static std::string read_head(const std::string& path, std::size_t limit = 1 << 20);
  /// Borrowed bytes, for tests and fuzzers.
  static Input borrow(Bytes bytes, std::string name = "<memory>");

  Input(Input&&) noexcept;
  Input& operator=(Input&&) noexcept;
  ~Input();

  [[nodiscard]] Bytes bytes() const { return bytes_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t file_size() const { return file_size_; }         ///< as stored (compressed)
  [[nodiscard]] std::string_view compression() const { return compression_; }  ///< "", "gzip", "zstd"
  /// Tells the kernel that [0, offset) will not be needed again soon (mapped pages leave the resident set).
  void release_before(std::uint64_t offset) const;
  void expect_sequential() const;

 private:
  Input() = default;
  Bytes bytes_;
  std::string path_;
  std::uint64_t file_size_ = 0;
  std::string_view compression_;
  void* mapping_ = nullptr;
  std::size_t mapped_size_ = 0;
};

}  // namespace formats
