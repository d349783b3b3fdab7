// gzip → bytes (RFC 1951, 1952), by ISA-L. HotSpot's `jcmd GC.heap_dump -gz=N` writes many members, each at most 1 MiB
// inflated, the first with the comment "HPROF BLOCKSIZE=1048576": members are independent, so they inflate in parallel.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "formats/bytes.h"
#include "formats/damage_log.h"
#include "formats/spool.h"

namespace formats::gzip {

[[nodiscard]] bool looks_like(Bytes head);

/// Inflates every member of `file` into `spool`; the bytes are the same for any number of threads. A member that breaks
/// off keeps what it gave; the next member that inflates goes on, and the compressed bytes between are damage. Members
/// are guessed by their magic and used only where the member before really ends.
/// Memory: 9 MiB per thread.
void inflate(Bytes file, Spool& spool, DamageLog& damage, unsigned threads,
             const std::function<void(std::uint64_t done, std::uint64_t total)>& progress);

/// At most `limit` inflated bytes from the start; fewer when the stream is damaged or ends. Never throws InputError.
[[nodiscard]] std::string inflate_head(Bytes file, std::size_t limit);

}  // namespace formats::gzip
