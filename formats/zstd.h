// Zstandard → bytes (RFC 8878), by libzstd. Frames back to back and skippable frames are read through.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "formats/bytes.h"
#include "formats/damage_log.h"
#include "formats/spool.h"

namespace formats::zstd {

[[nodiscard]] bool looks_like(Bytes head);

/// Inflates every frame of `file` into `spool`. A stream that breaks off or is corrupt keeps what it gave; the
/// compressed bytes from there on are damage. Throws InputError for a window above 128 MiB (`zstd --long=28` and more).
void inflate(Bytes file, const std::string& source, Spool& spool, DamageLog& damage,
             const std::function<void(std::uint64_t done, std::uint64_t total)>& progress);

/// At most `limit` inflated bytes from the start; fewer when the stream is damaged or ends. Never throws InputError.
[[nodiscard]] std::string inflate_head(Bytes file, std::size_t limit);

}  // namespace formats::zstd
