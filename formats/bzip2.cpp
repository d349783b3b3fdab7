#include "formats/bzip2.h"

#include <bzlib.h>

#include <algorithm>
#include <limits>
#include <new>

namespace formats::bzip2 {
namespace {

class Bzip2Decoder final : public Decoder {
 public:
  Bzip2Decoder(Bytes file, DamageLog& damage) : Decoder("bzip2", file, damage) { start(); }
  Bzip2Decoder(const Bzip2Decoder&) = delete;
  Bzip2Decoder& operator=(const Bzip2Decoder&) = delete;
  ~Bzip2Decoder() override { BZ2_bzDecompressEnd(&stream_); }

 private:
  void start() {
    stream_ = {};
    if (BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK) throw std::bad_alloc();
  }

  Step step(Bytes stored, std::span<std::byte> room) override {
    constexpr std::size_t most = std::numeric_limits<unsigned>::max();
    const std::size_t stored_size = std::min(stored.size(), most);
    const std::size_t room_size = std::min(room.size(), most);
    stream_.next_in = reinterpret_cast<char*>(const_cast<std::byte*>(stored.data()));  // the library does not write
    stream_.avail_in = static_cast<unsigned>(stored_size);
    stream_.next_out = reinterpret_cast<char*>(room.data());
    stream_.avail_out = static_cast<unsigned>(room_size);
    const int status = BZ2_bzDecompress(&stream_);
    Step made{stored_size - stream_.avail_in, room_size - stream_.avail_out, status == BZ_STREAM_END, {}};
    if (status == BZ_STREAM_END) {
      BZ2_bzDecompressEnd(&stream_);
      start();
    } else if (status != BZ_OK) {
      made.error = status == BZ_DATA_ERROR_MAGIC ? "not a bzip2 stream" : "a block's checksum or code is wrong";
    }
    return made;
  }

  bz_stream stream_{};
};

}  // namespace

bool looks_like(Bytes head) {
  const std::string_view text = as_text(head);
  return text.size() >= 10 && text.starts_with("BZh") && text[3] >= '1' && text[3] <= '9' &&
         text.substr(4, 6) == "\x31\x41\x59\x26\x53\x59";
}

std::unique_ptr<Decoder> decoder(Bytes file, const std::string& /*source*/, DamageLog& damage) {
  return std::make_unique<Bzip2Decoder>(file, damage);
}

}  // namespace formats::bzip2
