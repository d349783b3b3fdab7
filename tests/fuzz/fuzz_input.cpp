// gzip and zstd: inflating, whole and head. One thread and several must give the same bytes.
#include <sys/mman.h>

#include <string>

#include "formats/gzip.h"
#include "formats/spool.h"
#include "formats/zstd.h"
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

}  // namespace

void fuzz(formats::Bytes input) {
  try {
    if (formats::gzip::looks_like(input)) {
      const std::string serial = inflate_gzip(input, 1);
      if (inflate_gzip(input, 3) != serial) __builtin_trap();
      if (!serial.starts_with(formats::gzip::inflate_head(input, 4096)) && serial.size() < 4096) __builtin_trap();
    } else if (formats::zstd::looks_like(input)) {
      formats::Spool spool("fuzz", limit);
      formats::DamageLog damage;
      formats::zstd::inflate(input, "fuzz", spool, damage, nullptr);
      (void)formats::zstd::inflate_head(input, 4096);
    }
  } catch (const formats::InputError&) {
    // The limit was passed, or a zstd window was too large: an answer, not a finding.
  }
}
