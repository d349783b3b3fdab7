#include "formats/zstd.h"

#include <zstd.h>
#include <zstd_errors.h>

#include <new>

namespace formats::zstd {
namespace {

struct FreeStream {
  void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
};

class ZstdDecoder final : public Decoder {
 public:
  ZstdDecoder(Bytes file, const std::string& source, DamageLog& damage)
      : Decoder("zstd", file, damage), source_(source), stream_(ZSTD_createDStream()) {
    if (!stream_) throw std::bad_alloc();
  }

 private:
  Step step(Bytes stored, std::span<std::byte> room) override {
    ZSTD_inBuffer input{stored.data(), stored.size(), 0};
    ZSTD_outBuffer output{room.data(), room.size(), 0};
    const std::size_t hint = ZSTD_decompressStream(stream_.get(), &output, &input);
    if (ZSTD_isError(hint) == 0) return {input.pos, output.pos, hint == 0, {}};
    if (ZSTD_getErrorCode(hint) == ZSTD_error_frameParameter_windowTooLarge) {
      throw InputError(source_ + ": this zstd stream needs a window above 128 MiB; inflate it first with " +
                       "`zstd -d --memory=2048MB`");
    }
    return {input.pos, output.pos, false, ZSTD_getErrorName(hint)};
  }

  std::string source_;
  std::unique_ptr<ZSTD_DStream, FreeStream> stream_;
};

}  // namespace

bool looks_like(Bytes head) { return head.size() >= 4 && load_be32(head.data()) == 0x28b52ffd; }

std::unique_ptr<Decoder> decoder(Bytes file, const std::string& source, DamageLog& damage) {
  return std::make_unique<ZstdDecoder>(file, source, damage);
}

}  // namespace formats::zstd
