// bzip2 → bytes, by libbz2. Streams back to back are read through.
#pragma once

#include "formats/decoder.h"

namespace formats::bzip2 {

[[nodiscard]] bool looks_like(Bytes head);

/// Memory: 3.6 MiB. What comes out of a corrupt block is not used: whole blocks (at most 900 kB) are kept or lost.
[[nodiscard]] std::unique_ptr<Decoder> decoder(Bytes file, const std::string& source, DamageLog& damage);

}  // namespace formats::bzip2
