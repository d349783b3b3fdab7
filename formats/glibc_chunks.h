// The chunks of one run of memory that glibc's malloc carves: walked once with every check, remembered as pieces that
// can be walked again without any.
//
// When a chunk's size makes no sense (not a multiple of 16, smaller than 32, beyond the run or the top chunk, flags
// that this arena does not set), the walk resumes at the first 16-aligned address behind it from which 32 chunks in a
// row, or all up to the end of the run, make sense: sizes, flags, and for every free chunk the copy of its size behind
// it. What lies between is damage; it stays one used block from where the corrupted chunk began, as most often an
// overflow has hit the header of a living block. A run with more than 10,000 such places is given up there.
//
// A chunk that its successor calls free while the copy of its size disagrees counts as used, and is damage.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/damage_log.h"
#include "formats/glibc_layout.h"
#include "formats/heap_walk.h"
#include "formats/process_image.h"

namespace formats::glibc {

enum class PieceKind : std::uint8_t {
  chunks,    ///< chunks that tile the piece; their headers lie in `data`
  used,      ///< one block whose own size is not to be trusted, or not to be seen
  top,       ///< the arena's last chunk: what was never handed out, or came back
  mmapped,   ///< one block with a mapping of its own; `end` is 16 + its usable bytes from `start`
  overhead,  ///< no block: fenceposts, foreign memory, absent bytes
};

struct Piece {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  const std::byte* data = nullptr;  ///< at `start`, of chunks
  PieceKind kind = PieceKind::chunks;
  bool last_in_use = true;  ///< of chunks: whether the last one is
};

struct Run {
  std::uint64_t start = 0;
  std::uint64_t limit = 0;
  std::uint64_t top = 0;     ///< address of the top chunk, when it is in this run; 0 = none or not known
  bool main = true;          ///< the main arena's: NON_MAIN_ARENA is never set
  bool limit_is_end = true;  ///< false: the run may end at a double fencepost before `limit`
  bool top_unknown = false;  ///< a chunk that ends at `limit` is the top chunk
  std::string name;          ///< for damage: "main arena"
};

struct WalkedRun {
  std::vector<Piece> pieces;
  std::uint64_t end = 0;                    ///< the run's; = limit unless it ended at a fencepost
  std::uint64_t absent = 0;                 ///< bytes that the core does not have
  std::uint64_t corrupted = 0;              ///< places where the walk had to resume, and footers that disagree
  std::vector<std::uint64_t> tcache_sized;  ///< blocks in use with the size of a thread's cache, ascending
};

/// Appends what is wrong to `damage`. Time O(bytes of the run) at worst, O(chunks) when nothing is corrupted.
[[nodiscard]] WalkedRun walk_run(const ProcessImage& image, const Run& run, DamageLog& damage);
/// Whether `count` chunks in a row make sense from `address` on, or all up to the run's end.
[[nodiscard]] bool plausible_from(const ProcessImage& image, const Run& run, std::uint64_t address, unsigned count);
/// Whether the chain of chunks from `address` leads to the top chunk, or to two fenceposts in a row; adds the number of
/// chunks to `steps`.
[[nodiscard]] bool ends_well(const ProcessImage& image, const Run& run, std::uint64_t address, std::uint64_t& steps);

/// Present bytes around an address, joined over ranges that lie side by side in the core too.
struct Window {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  const std::byte* data = nullptr;
  [[nodiscard]] bool holds(std::uint64_t address, std::uint64_t size) const {
    return address >= start && address < end && end - address >= size;
  }
  [[nodiscard]] const std::byte* at(std::uint64_t address) const { return data + (address - start); }
  [[nodiscard]] std::uint64_t word(std::uint64_t address) const { return load_le<std::uint64_t>(at(address)); }
};
[[nodiscard]] Window window_at(const ProcessImage& image, std::uint64_t address);

/// Calls visit(chunk, usable, in use) for the chunks of a `chunks` piece. Nothing is checked: walk_run() has.
template <typename Visit>
void for_each_chunk(const Piece& piece, Visit&& visit) {
  std::uint64_t chunk = piece.start;
  const std::byte* at = piece.data;
  while (chunk < piece.end) {
    const std::uint64_t size = load_le<std::uint64_t>(at + 8) & size_mask;
    at += size;
    const std::uint64_t next = chunk + size;
    const bool in_use = next < piece.end ? (load_le<std::uint64_t>(at + 8) & prev_in_use) != 0 : piece.last_in_use;
    visit(chunk, size - 8, in_use);
    chunk = next;
  }
}

}  // namespace formats::glibc
