// What a block holds when nothing else tells: text, zeroes, pointers.
#pragma once

#include <cstdint>
#include <span>

#include "formats/bytes.h"
#include "importers/native_blocks.h"

namespace importers::native {

enum class Content : std::uint8_t { other, text, zeroes, pointers };

/// `bytes`: the whole block, as far as it is present.
///
/// text: at least four printable characters (ASCII or UTF-8) up to a NUL, or 32 without one, and no larger a remainder
/// than an allocator leaves: a short word in a large buffer is no text. Of blocks from 256 bytes on, zeroes: every byte
/// is 0; pointers: of the first 64 words at least eight, and three of four that are not 0, point to the beginning of a
/// block. O(bytes).
[[nodiscard]] Content find_content(formats::Bytes bytes, const Blocks& blocks);

/// Whether a block of `usable` bytes is what an allocator may give for a request of `needed`: size classes waste up to
/// a quarter, glibc a remainder that is too small for a block of its own.
[[nodiscard]] constexpr bool fits_request(std::uint64_t needed, std::uint64_t usable) {
  return needed <= usable && (usable - needed <= 40 || usable - needed <= usable / 4);
}

}  // namespace importers::native
