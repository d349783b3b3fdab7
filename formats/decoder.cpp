#include "formats/decoder.h"

#include <algorithm>
#include <array>
#include <utility>

#include "formats/bzip2.h"
#include "formats/lz4.h"
#include "formats/zstd.h"

namespace formats {
namespace {

constexpr std::array<Compression, 3> compressions{{
    {"zstd", zstd::looks_like, zstd::decoder},
    {"lz4", lz4::looks_like, lz4::decoder},
    {"bzip2", bzip2::looks_like, bzip2::decoder},
}};

/// Zeros behind a stream: tapes, and recorders that make room in advance.
bool is_padding(Bytes rest) {
  return std::all_of(rest.begin(), rest.end(), [](std::byte byte) { return byte == std::byte{0}; });
}

}  // namespace

std::size_t Decoder::read(std::span<std::byte> room) {
  std::size_t filled = 0;
  while (filled < room.size() && !done_) {
    const Bytes stored = file_.subspan(static_cast<std::size_t>(used_));
    const Step made = step(stored, room.subspan(filled));
    used_ += made.used;
    written_ += made.written;
    filled += made.written;
    if (!made.error.empty()) {
      // What the library has taken in before it saw the error cannot be told from what is wrong.
      used_ -= made.used;
      fail(std::string(name_) + " data corrupt at byte " + std::to_string(used_) + ": " + std::string(made.error));
    } else if (made.at_end && is_padding(file_.subspan(static_cast<std::size_t>(used_)))) {
      done_ = true;
    } else if (made.used == 0 && made.written == 0) {
      fail(std::string(name_) + " stream ends early");
    }
  }
  return filled;
}

void Decoder::fail(std::string what) {
  damage_.add(written_, file_.size() - used_, std::move(what));
  done_ = true;
}

const Compression* find_compression(Bytes head) {
  const auto* const found = std::find_if(compressions.begin(), compressions.end(),
                                         [&](const Compression& each) { return each.looks_like(head); });
  return found == compressions.end() ? nullptr : found;
}

}  // namespace formats
