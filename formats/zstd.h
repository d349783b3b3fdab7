// Zstandard → bytes (RFC 8878), by libzstd. Frames back to back and skippable frames are read through.
#pragma once

#include "formats/decoder.h"

namespace formats::zstd {

[[nodiscard]] bool looks_like(Bytes head);

/// Memory: the stream's window, at most 128 MiB. Its read() throws InputError for a larger one (`zstd --long=28` and
/// more).
[[nodiscard]] std::unique_ptr<Decoder> decoder(Bytes file, const std::string& source, DamageLog& damage);

}  // namespace formats::zstd
