#include "formats/lz4.h"

#include <lz4frame.h>

#include <algorithm>
#include <new>

namespace formats::lz4 {
namespace {

struct FreeContext {
  void operator()(LZ4F_dctx* context) const { LZ4F_freeDecompressionContext(context); }
};

class Lz4Decoder final : public Decoder {
 public:
  Lz4Decoder(Bytes file, DamageLog& damage) : Decoder("lz4", file, damage) {
    LZ4F_dctx* context = nullptr;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) != 0) throw std::bad_alloc();
    context_.reset(context);
  }

 private:
  Step step(Bytes stored, std::span<std::byte> room) override {
    std::size_t used = std::min(stored.size(), wanted_);  // a block at a time: an error costs no block before it
    std::size_t written = room.size();
    const std::size_t hint = LZ4F_decompress(context_.get(), room.data(), &written, stored.data(), &used, nullptr);
    if (LZ4F_isError(hint) != 0) return {0, 0, false, LZ4F_getErrorName(hint)};
    wanted_ = hint == 0 ? largest_header : hint;
    return {used, written, hint == 0, {}};
  }

  static constexpr std::size_t largest_header = 19;
  std::unique_ptr<LZ4F_dctx, FreeContext> context_;
  std::size_t wanted_ = largest_header;
};

}  // namespace

bool looks_like(Bytes head) { return head.size() >= 4 && load_be32(head.data()) == 0x04224d18; }

std::unique_ptr<Decoder> decoder(Bytes file, const std::string& /*source*/, DamageLog& damage) {
  return std::make_unique<Lz4Decoder>(file, damage);
}

}  // namespace formats::lz4
