#include "formats/zstd.h"

#include <zstd.h>
#include <zstd_errors.h>

#include <memory>
#include <new>
#include <vector>

namespace formats::zstd {
namespace {

struct FreeStream {
  void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
};
using Stream = std::unique_ptr<ZSTD_DStream, FreeStream>;

Stream make_stream() {
  Stream stream(ZSTD_createDStream());
  if (!stream) throw std::bad_alloc();
  return stream;
}

}  // namespace

bool looks_like(Bytes head) { return head.size() >= 4 && load_be32(head.data()) == 0x28b52ffd; }

void inflate(Bytes file, const std::string& source, Spool& spool, DamageLog& damage,
             const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  const Stream stream = make_stream();
  std::vector<std::byte> room(std::size_t{1} << 20);
  ZSTD_inBuffer input{file.data(), file.size(), 0};
  std::size_t hint = 0;  // 0 = at a frame's end
  bool room_full = false;
  while (input.pos < input.size || room_full) {
    ZSTD_outBuffer output{room.data(), room.size(), 0};
    const std::size_t before = input.pos;
    hint = ZSTD_decompressStream(stream.get(), &output, &input);
    spool.write({room.data(), output.pos});
    if (ZSTD_isError(hint) != 0) {
      if (ZSTD_getErrorCode(hint) == ZSTD_error_frameParameter_windowTooLarge) {
        throw InputError(source + ": this zstd stream needs a window above 128 MiB; inflate it first with " +
                         "`zstd -d --memory=2048MB`");
      }
      damage.add(spool.size(), file.size() - before,
                 "zstd data corrupt at byte " + std::to_string(before) + ": " + ZSTD_getErrorName(hint));
      return;
    }
    room_full = output.pos == output.size;
    if (progress) progress(input.pos, input.size);
    if (input.pos == before && output.pos == 0) break;
  }
  if (hint != 0) damage.add(spool.size(), 0, "zstd stream ends early");
}

std::string inflate_head(Bytes file, std::size_t limit) {
  const Stream stream = make_stream();
  std::string head(limit, '\0');
  ZSTD_inBuffer input{file.data(), file.size(), 0};
  ZSTD_outBuffer output{head.data(), head.size(), 0};
  while (input.pos < input.size && output.pos < output.size) {
    const std::size_t before = input.pos + output.pos;
    if (ZSTD_isError(ZSTD_decompressStream(stream.get(), &output, &input)) != 0) break;
    if (input.pos + output.pos == before) break;
  }
  head.resize(output.pos);
  return head;
}

}  // namespace formats::zstd
