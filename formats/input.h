// An input file as one window of bytes, whatever it is wrapped in. A plain file is mapped. gzip (one member or many, as
// the JDK's -gz writes), zstd, lz4 and bzip2 are told by content and inflated into an unlinked spool file in $TMPDIR,
// which is mapped: the dump is never held in anonymous memory. '-' is stdin, spooled the same way. Readers that go
// through once need no spool: decoder(), line_windows.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "formats/bytes.h"
#include "formats/damage_log.h"
#include "formats/decoder.h"

namespace formats {

struct InputOptions {
  unsigned threads = 1;                                                   ///< for inflating many-member gzip
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;  ///< compressed bytes; total 0 = unknown
  std::uint64_t spool_limit = ~std::uint64_t{0};                          ///< refuse to inflate beyond (InputError)
  bool inflate_later = false;  ///< not in open(): bytes() does it when first asked; the damage log must live until then
};

class Input {
 public:
  /// Opens, maps or spools. Throws InputError naming path and cause (missing, directory, empty, disk full, not
  /// readable). A compressed stream that breaks off is damage: what was inflated before is kept.
  static Input open(const std::string& path, DamageLog& damage, const InputOptions& options = {});
  /// Only the first `limit` bytes, inflated: enough to sniff and for `info`. Never spools. Throws as open() does.
  static std::string read_head(const std::string& path, std::size_t limit = 1 << 20);
  /// Borrowed bytes, for tests and fuzzers.
  static Input borrow(Bytes bytes, std::string name = "<memory>");

  Input(Input&&) noexcept;
  Input& operator=(Input&&) noexcept;
  ~Input();

  /// All of it, inflated. Throws as open() does when that is still to be done.
  [[nodiscard]] Bytes bytes() const;
  /// The first `limit` inflated bytes, fewer only when there are no more. Never spools. Throws as bytes() does when
  /// nothing comes out.
  [[nodiscard]] Bytes head(std::size_t limit) const;
  /// A way through the input from its start that needs no spool; nullptr when bytes() is there already or has to come
  /// first (plain files, gzip).
  [[nodiscard]] std::unique_ptr<Decoder> decoder() const;
  [[nodiscard]] const std::string& path() const;
  [[nodiscard]] std::uint64_t file_size() const;       ///< as stored (compressed)
  [[nodiscard]] std::string_view compression() const;  ///< "", "gzip", "zstd", "lz4", "bzip2"
  /// Tells the kernel that [0, offset) will not be needed again soon (mapped pages leave the resident set).
  void release_before(std::uint64_t offset) const;
  void expect_sequential() const;

 private:
  struct State;  // behind a pointer: what bytes() inflates late does not change what the input is
  explicit Input(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace formats
