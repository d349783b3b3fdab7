// JSON (RFC 8259) token by token: for inputs that may be cut off, damaged, or hold bytes that are no UTF-8, where a
// parser of whole documents gives nothing. Tolerant: commas may be missing. Views only, linear time, no recursion.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "formats/bytes.h"

namespace formats {

enum class JsonToken : std::uint8_t {
  end,
  key,
  string,
  number,
  word,
  begin_object,
  end_object,
  begin_array,
  end_array
};

class JsonReader {
 public:
  explicit JsonReader(Bytes bytes) : text_(as_text(bytes)) {}

  /// The next token, or false: at the end of the input, or at what is no JSON (is_broken()).
  bool next();
  [[nodiscard]] JsonToken token() const { return token_; }
  /// Of a key or string: what is between the quotes, still escaped. Of a number or word (true, false, null): itself.
  [[nodiscard]] std::string_view text() const { return token_text_; }
  [[nodiscard]] std::uint64_t offset() const { return start_; }    ///< of the token
  [[nodiscard]] std::uint64_t next_offset() const { return at_; }  ///< behind it
  [[nodiscard]] bool is_broken() const { return is_broken_; }

  /// Passes over the value behind the key just read. False where it breaks off.
  bool skip_value();
  /// Passes over the rest of the object or array that has just begun.
  bool skip_container();
  /// Goes on at an offset, whatever was wrong before.
  void seek(std::uint64_t offset);

 private:
  bool fail();
  bool read_string();
  void read_scalar();

  std::string_view text_;
  std::string_view token_text_;
  std::size_t at_ = 0;
  std::size_t start_ = 0;
  JsonToken token_ = JsonToken::end;
  bool is_broken_ = false;
};

/// Resolves escapes; what is no valid escape stays as it is. Surrogate pairs become one character.
[[nodiscard]] std::string unescape_json(std::string_view text);

}  // namespace formats
