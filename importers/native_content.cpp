#include "importers/native_content.h"

#include <algorithm>
#include <cstring>

namespace importers::native {
namespace {

using formats::Bytes;

constexpr std::size_t shortest_text = 4;
constexpr std::size_t looked_at = 64;  // words
constexpr std::size_t few_pointers = 8;
constexpr std::size_t smallest = 256;  // bytes; below, a struct would be of another type whenever a member is empty

/// How many bytes at the front are printable characters.
std::size_t printable(Bytes bytes) {
  std::size_t i = 0;
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
  while (i < bytes.size()) {
    const unsigned char c = byte(i);
    if ((c >= 0x20 && c < 0x7F) || (c >= '\t' && c <= '\r')) {
      ++i;
      continue;
    }
    const std::size_t more = c >= 0xC2 && c < 0xE0 ? 1 : c >= 0xE0 && c < 0xF0 ? 2 : c >= 0xF0 && c < 0xF5 ? 3 : 0;
    if (more == 0 || bytes.size() - i <= more) break;
    std::size_t k = 1;
    while (k <= more && (byte(i + k) & 0xC0) == 0x80) ++k;
    if (k <= more) break;
    i += more + 1;
  }
  return i;
}

bool is_text(Bytes bytes) {
  const std::size_t length = printable(bytes);
  if (length < shortest_text) return false;
  if (length == bytes.size()) return true;
  if (bytes[length] == std::byte{0}) return fits_request(length + 1, bytes.size());
  return length >= 32 && fits_request(length, bytes.size());  // not terminated: a buffer of known length
}

}  // namespace

Content find_content(Bytes bytes, const Blocks& blocks) {
  if (bytes.empty()) return Content::other;
  if (is_text(bytes)) return Content::text;
  if (bytes.size() < smallest) return Content::other;
  if (bytes[0] == std::byte{0} && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0) {
    return Content::zeroes;
  }
  std::size_t pointers = 0;
  std::size_t others = 0;
  const std::size_t words = std::min(bytes.size() / 8, looked_at);
  for (std::size_t i = 0; i < words; ++i) {
    const auto word = formats::load_le<std::uint64_t>(&bytes[i * 8]);
    if (word == 0) continue;
    (blocks.at(word) != queries::no_object ? pointers : others) += 1;
  }
  return pointers >= few_pointers && pointers >= others * 3 ? Content::pointers : Content::other;
}

}  // namespace importers::native
