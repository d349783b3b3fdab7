// Bytes of an input, and the one reader that takes fields out of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace formats {

/// A borrowed window of the input. Never outlives the import.
using Bytes = std::span<const std::byte>;

[[nodiscard]] inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The input cannot be used: no such file, not a format we know, damaged beyond use. Exit status 3.
struct InputError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

[[nodiscard]] inline std::uint8_t load_u8(const std::byte* at) { return static_cast<std::uint8_t>(*at); }
[[nodiscard]] inline std::uint16_t load_be16(const std::byte* at) {
  std::uint16_t value;
  std::memcpy(&value, at, sizeof value);
  return __builtin_bswap16(value);
}
[[nodiscard]] inline std::uint32_t load_be32(const std::byte* at) {
  std::uint32_t value;
  std::memcpy(&value, at, sizeof value);
  return __builtin_bswap32(value);
}
[[nodiscard]] inline std::uint64_t load_be64(const std::byte* at) {
  std::uint64_t value;
  std::memcpy(&value, at, sizeof value);
  return __builtin_bswap64(value);
}

/// A little-endian integer; the machine is little-endian too (queries/columns.h insists).
template <typename T>
[[nodiscard]] T load_le(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

/// Sticky big-endian cursor: a read past the end fails, returns 0 and leaves the cursor where it failed; every later
/// read fails too. Ask ok() once per record.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()), begin_(bytes.data()) {}

  [[nodiscard]] bool ok() const { return !failed_; }
  [[nodiscard]] std::size_t position() const { return static_cast<std::size_t>(at_ - begin_); }
  [[nodiscard]] std::size_t remaining() const { return static_cast<std::size_t>(end_ - at_); }

  std::uint8_t u8() { return has(1) ? load_u8(advance(1)) : std::uint8_t{0}; }
  std::uint16_t u16() { return has(2) ? load_be16(advance(2)) : std::uint16_t{0}; }
  std::uint32_t u32() { return has(4) ? load_be32(advance(4)) : 0; }
  std::uint64_t u64() { return has(8) ? load_be64(advance(8)) : 0; }
  /// An identifier of `size` bytes, 4 or 8.
  std::uint64_t id(unsigned size) { return size == 8 ? u64() : u32(); }
  Bytes take(std::uint64_t size) {
    if (!has(size)) return {};
    return {advance(static_cast<std::size_t>(size)), static_cast<std::size_t>(size)};
  }
  void skip(std::uint64_t size) {
    if (has(size)) advance(static_cast<std::size_t>(size));
  }

 private:
  bool has(std::uint64_t size) {
    if (!failed_ && size <= remaining()) return true;
    failed_ = true;
    return false;
  }
  const std::byte* advance(std::size_t size) {
    const std::byte* was = at_;
    at_ += size;
    return was;
  }
  const std::byte* at_;
  const std::byte* end_;
  const std::byte* begin_;
  bool failed_ = false;
};

}  // namespace formats
