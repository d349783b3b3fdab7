// gzip, zstd, lz4 and bzip2: inflating, whole, head and line by line. Threads and sizes of pieces must not matter.
#include <sys/mman.h>

#include <algorithm>
#include <span>
#include <string>

#include "formats/decoder.h"
#include "formats/gzip.h"
#include "formats/spool.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

constexpr std::uint64_t limit = 16u << 20;  // a bomb stops here

std::string contents(const formats::Spool& spool) {
  if (spool.size() == 0) return {};
  void* at = mmap(nullptr, spool.size(), PROT_READ, MAP_PRIVATE, spool.descriptor(), 0);
  if (at == MAP_FAILED) __builtin_trap();
  std::string text(static_cast<const char*>(at), spool.size());
  munmap(at, spool.size());
  return text;
}

std::string inflate_gzip(formats::Bytes input, unsigned threads) {
  formats::Spool spool("fuzz", limit);
  formats::DamageLog damage;
  formats::gzip::inflate(input, spool, damage, threads, nullptr);
  return contents(spool);
}

/// At most `limit` bytes, `piece` at a time.
std::string inflate(const formats::Compression& compression, formats::Bytes input, std::size_t piece) {
  formats::DamageLog damage;
  const std::unique_ptr<formats::Decoder> decoder = compression.decoder(input, "fuzz", damage);
  std::string text;
  std::size_t size = 0;
  do {
    const std::size_t before = text.size();
    text.resize(std::min<std::size_t>(before + piece, limit));
    size = decoder->read(std::as_writable_bytes(std::span(text)).subspan(before));
    text.resize(before + size);
  } while (size == piece && text.size() < limit);
  return text;
}

}  // namespace

void fuzz(formats::Bytes input) {
  try {
    if (formats::gzip::looks_like(input)) {
      const std::string serial = inflate_gzip(input, 1);
      if (inflate_gzip(input, 3) != serial) __builtin_trap();
      if (!serial.starts_with(formats::gzip::inflate_head(input, 4096)) && serial.size() < 4096) __builtin_trap();
    } else if (const formats::Compression* compression = formats::find_compression(input)) {
      const std::string whole = inflate(*compression, input, limit);
      const std::string pieces = inflate(*compression, input, 1000);
      // How much comes out before an error depends on the pieces, what comes out does not.
      if (!whole.starts_with(pieces) && !pieces.starts_with(whole)) __builtin_trap();
    }
  } catch (const formats::InputError&) {
    // The limit was passed, or a zstd window was too large: an answer, not a finding.
  }
}
