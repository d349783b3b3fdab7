// Variable-length integers (LEB128, as protobuf and memray write them) and what stands between them.
// https://protobuf.dev/programming-guides/encoding/
#pragma once

#include <cstddef>
#include <cstdint>

#include "formats/bytes.h"

namespace formats {

/// Sticky cursor as ByteReader is one: a read past the end, or a number of more than 64 bits, fails; every later read
/// fails too and returns 0.
class VarintReader {
 public:
  explicit VarintReader(Bytes bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()), begin_(bytes.data()) {}

  [[nodiscard]] bool ok() const { return !failed_; }
  [[nodiscard]] bool at_end() const { return at_ == end_; }
  [[nodiscard]] std::size_t position() const { return static_cast<std::size_t>(at_ - begin_); }
  [[nodiscard]] std::size_t remaining() const { return static_cast<std::size_t>(end_ - at_); }

  std::uint64_t varint() {
    if (at_ != end_ && !failed_ && load_u8(at_) < 0x80) return load_u8(at_++);  // most of them
    return long_varint();
  }
  /// Zig-zag: 0, -1, 1, -2 … as 0, 1, 2, 3.
  std::int64_t signed_varint() {
    const std::uint64_t value = varint();
    return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
  }
  std::uint8_t u8() {
    if (failed_ || at_ == end_) return fail();
    return load_u8(at_++);
  }
  /// A little-endian integer of fixed size.
  template <typename T>
  T fixed() {
    const Bytes bytes = take(sizeof(T));
    return bytes.empty() ? T{} : load_le<T>(bytes.data());
  }
  Bytes take(std::uint64_t size) {
    if (failed_ || size > remaining()) {
      fail();
      return {};
    }
    const Bytes bytes{at_, static_cast<std::size_t>(size)};
    at_ += size;
    return bytes;
  }
  /// Text up to a zero byte, which is skipped.
  std::string_view zero_terminated() {
    const void* found = failed_ || at_ == end_ ? nullptr : std::memchr(at_, 0, remaining());
    if (found == nullptr) {
      fail();
      return {};
    }
    const std::byte* start = at_;
    at_ = static_cast<const std::byte*>(found) + 1;
    return as_text({start, static_cast<std::size_t>(at_ - start) - 1});
  }

 private:
  std::uint64_t long_varint() {
    std::uint64_t value = 0;
    const std::byte* at = at_;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (failed_ || at == end_) return fail();
      const std::uint64_t byte = load_u8(at++);
      if (shift == 63 && byte > 1) return fail();
      value |= (byte & 0x7F) << shift;
      if (byte < 0x80) {
        at_ = at;
        return value;
      }
    }
    return fail();
  }
  std::uint8_t fail() {
    failed_ = true;
    return 0;
  }

  const std::byte* at_;
  const std::byte* end_;
  const std::byte* begin_;
  bool failed_ = false;
};

}  // namespace formats
