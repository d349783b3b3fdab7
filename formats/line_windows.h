// A text from its beginning in windows of whole lines: for readers that go through once. A compressed input is inflated
// into the window, so that neither a spool nor the text itself is ever held; of a mapped one, pages behind the window
// leave the resident set.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/input.h"

namespace formats {

class LineWindows {
 public:
  static constexpr std::size_t longest_line = std::size_t{1} << 20;

  /// Borrows both. `window` in bytes: about so much is given at a time. Lines above longest_line are damage.
  LineWindows(const Input& input, DamageLog& damage, std::size_t window = std::size_t{256} << 10);

  /// The next whole lines, every one with its '\n'; valid until the next call. Empty: nothing follows but remainder().
  [[nodiscard]] std::string_view next();
  /// What stands behind the last '\n', once next() has come to the end: a line without its end, if not "".
  [[nodiscard]] std::string_view remainder() const { return remainder_; }
  /// Of the last window, or of the remainder, in the (inflated) input.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  /// Bytes done and in all, as stored: for progress.
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> progress() const;

 private:
  std::string_view peek(std::size_t wanted);
  void consume(std::size_t size);
  void drop_line();

  const Input& input_;
  DamageLog& damage_;
  std::size_t window_;
  std::unique_ptr<Decoder> decoder_;  // nullptr: mapped_ is the text
  Bytes mapped_;
  std::vector<std::byte> room_;  // [begin_, end_) is inflated and not yet given
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool inflated_all_ = false;
  std::uint64_t offset_ = 0;
  std::size_t given_ = 0;
  std::string_view remainder_;
};

}  // namespace formats
