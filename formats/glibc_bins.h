// Which chunks glibc's free lists hold: bins, fastbins, threads' caches.
//
// From 2.32 on (and in some distributions' 2.28) single links are stored mangled: link ^ (address of the link >> 12).
// The heads are not. Which of the two a process does is told by its own lists, not by a version.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "formats/glibc_arena.h"
#include "formats/glibc_layout.h"
#include "formats/heap_walk.h"
#include "formats/process_image.h"

namespace formats::glibc {

/// Chunks on lists, as one word each: sorted by address, to be consumed along a walk.
class Marks {
 public:
  /// `chunk` is 16-aligned; bin < 512.
  void add(std::uint64_t chunk, BlockState state, unsigned bin) {
    words_.push_back((chunk >> 4 << 11) | (static_cast<std::uint64_t>(state) << 9) | bin);
  }
  /// Sorts; of two entries for a chunk the first stays.
  void freeze();
  [[nodiscard]] std::span<const std::uint64_t> words() const { return words_; }
  void replace(std::vector<std::uint64_t> words) { words_ = std::move(words); }

  [[nodiscard]] static std::uint64_t chunk_of(std::uint64_t word) { return word >> 11 << 4; }
  [[nodiscard]] static BlockState state_of(std::uint64_t word) { return static_cast<BlockState>(word >> 9 & 3); }
  [[nodiscard]] static std::int32_t bin_of(std::uint64_t word) { return static_cast<std::int32_t>(word & 511); }

 private:
  std::vector<std::uint64_t> words_;
};

/// Where chunks can be: the runs that were walked. By start, none overlaps another.
class Territory {
 public:
  explicit Territory(std::vector<AddressRange> runs);
  [[nodiscard]] bool contains(std::uint64_t address) const;
  [[nodiscard]] bool has_chunk_at(std::uint64_t address) const { return address % alignment == 0 && contains(address); }
  [[nodiscard]] std::uint64_t most_chunks() const { return bytes_ / smallest_chunk; }

 private:
  std::vector<AddressRange> runs_;
  std::uint64_t bytes_ = 0;
};

/// How single links are stored.
struct Links {
  bool mangled = false;
  [[nodiscard]] std::uint64_t decode(std::uint64_t stored, std::uint64_t at) const {
    return mangled ? stored ^ (at >> 12) : stored;
  }
};

/// Each list votes with the link that its first member stores. Positive = mangled, negative = plain, 0 = no list told.
class LinkVote {
 public:
  LinkVote(const ProcessImage& image, const Territory& territory) : image_(image), territory_(territory) {}
  /// `link`: address of the link of a list's member. Links are addresses of chunks + `offset`.
  void add(std::uint64_t link, std::uint64_t offset);
  [[nodiscard]] std::int64_t balance() const { return balance_; }

 private:
  const ProcessImage& image_;
  const Territory& territory_;
  std::int64_t balance_ = 0;
};

void vote_of_fastbins(const ProcessImage& image, const Arena& arena, LinkVote& vote);

/// A list that breaks off: what it reached stays.
struct BrokenList {
  std::uint64_t head = 0;   ///< address of the list's head
  std::uint64_t where = 0;  ///< the chunk that cannot be on it
  unsigned bin = 0;
};

/// Bins 1 … 126 and fastbins (first_fastbin + i). O(chunks on lists); no list is followed for longer than there can be
/// chunks.
[[nodiscard]] std::vector<BrokenList> mark_free_lists(const ProcessImage& image, const Arena& arena,
                                                      const Territory& territory, Links links, Marks& marks);

}  // namespace formats::glibc
