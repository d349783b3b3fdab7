// One row in SQLite's record format (https://www.sqlite.org/fileformat2.html#record_format), made by hand: the smallest
// serial type that holds each value. Reused from row to row; integers cost a few instructions and no allocation.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace queries {

/// Writes SQLite's big-endian varint (1–9 bytes), returns how many bytes.
inline std::size_t put_varint(std::uint64_t n, std::uint8_t* at) {
  if (n < 0x80) {
    at[0] = static_cast<std::uint8_t>(n);
    return 1;
  }
  if (n >> 56 != 0) {  // nine bytes: the last one holds eight bits
    at[8] = static_cast<std::uint8_t>(n);
    n >>= 8;
    for (int i = 7; i >= 0; --i, n >>= 7) at[i] = static_cast<std::uint8_t>(n | 0x80);
    return 9;
  }
  const auto bytes = static_cast<std::size_t>((std::bit_width(n) + 6) / 7);
  for (std::size_t i = bytes; i-- > 0; n >>= 7) at[i] = static_cast<std::uint8_t>(n | 0x80);
  at[bytes - 1] &= 0x7F;
  return bytes;
}

inline std::size_t varint_size(std::uint64_t n) {
  if (n < 0x80) return 1;
  return n >> 56 != 0 ? 9 : static_cast<std::size_t>((std::bit_width(n) + 6) / 7);
}

class Record {
 public:
  static constexpr std::size_t max_columns = 32;

  Record() : body_(4096) {}
  void clear() {
    types_size_ = 0;
    solid_size_ = 1;
    body_size_ = 0;
  }
  void null() { types_[types_size_++] = 0; }
  void integer(std::int64_t value) {
    // Bits without the sign → serial type 8/9 (constants 0, 1) or 1…6 for 1, 2, 3, 4, 6, 8 bytes.
    if (static_cast<std::uint64_t>(value) <= 1) {
      types_[types_size_++] = static_cast<std::uint8_t>(8 + value);
      solid_size_ = types_size_;
      return;
    }
    const auto magnitude = static_cast<std::uint64_t>(value ^ (value >> 63));
    const auto bytes = static_cast<unsigned>(std::bit_width(magnitude)) / 8 + 1;
    static constexpr std::uint8_t type_of[9] = {0, 1, 2, 3, 4, 5, 5, 6, 6};
    static constexpr std::uint8_t size_of[9] = {0, 1, 2, 3, 4, 6, 6, 8, 8};
    types_[types_size_++] = type_of[bytes];
    solid_size_ = types_size_;
    const unsigned size = size_of[bytes];
    const std::uint64_t big_endian = __builtin_bswap64(static_cast<std::uint64_t>(value) << (64 - 8 * size));
    std::memcpy(body_.data() + body_size_, &big_endian, 8);
    body_size_ += size;
  }
  void real(double value) {
    const std::uint64_t big_endian = __builtin_bswap64(std::bit_cast<std::uint64_t>(value));
    types_[types_size_++] = 7;
    solid_size_ = types_size_;
    std::memcpy(body_.data() + body_size_, &big_endian, 8);
    body_size_ += 8;
  }
  void text(std::string_view value) { bytes(value, 13); }
  void blob(std::string_view value) { bytes(value, 12); }
  /// NULLs at the end of a row need not be stored: a reader supplies them. The first column stays.
  void drop_trailing_nulls() {
    if (types_size_ > solid_size_) types_size_ = solid_size_;
  }

  /// Bytes of the whole record: header size, serial types, body.
  [[nodiscard]] std::size_t size() const { return header_size() + body_size_; }
  /// Writes size() bytes.
  void write(std::uint8_t* out) const {
    const std::size_t header = header_size();
    out += put_varint(header, out);
    std::memcpy(out, types_, types_size_);
    if (body_size_ != 0) std::memcpy(out + types_size_, body_.data(), body_size_);
  }

 private:
  // At most 32 columns of at most 9 bytes: the header's own size may need two bytes.
  [[nodiscard]] std::size_t header_size() const { return types_size_ + (types_size_ < 127 ? 1 : 2); }
  void bytes(std::string_view value, std::uint64_t type) {
    types_size_ += put_varint(2 * value.size() + type, types_ + types_size_);
    solid_size_ = types_size_;
    // 8 bytes beyond the end of every integer that may follow.
    const std::size_t needed = body_size_ + value.size() + 8 * (max_columns + 1);
    if (body_.size() < needed) body_.resize(needed + needed / 2);
    if (!value.empty()) std::memcpy(body_.data() + body_size_, value.data(), value.size());  // data() may be null
    body_size_ += value.size();
  }

  std::uint8_t types_[9 * max_columns];
  std::size_t types_size_ = 0;
  std::size_t solid_size_ = 1;  // types_ up to the last value that is not NULL
  std::vector<std::uint8_t> body_;
  std::size_t body_size_ = 0;
};

}  // namespace queries
