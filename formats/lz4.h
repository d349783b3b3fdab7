// LZ4 frames → bytes (LZ4 Frame Format 1.6.3), by liblz4. Frames back to back and skippable frames are read through;
// the legacy frames of old kernels are not read.
#pragma once

#include "formats/decoder.h"

namespace formats::lz4 {

[[nodiscard]] bool looks_like(Bytes head);

/// Memory: two blocks of the frame, at most 4 MiB each.
[[nodiscard]] std::unique_ptr<Decoder> decoder(Bytes file, const std::string& source, DamageLog& damage);

}  // namespace formats::lz4
