// Which words that look like pointers may be none, or do not own what they point to. What is held by such words alone
// is *possibly leaked*: it is kept in the graph, with its path and why it is doubted, but a certain pointer is missing.
//
// A word is doubted when
//   - it points inside its block, and nothing gives a reason: no second base class there, no header of an array or of a
//     measured allocation in front, no std::make_shared payload, no characters of a reference-counted string, no
//     list link that points back (Valgrind's "possibly lost", with its reasons and two more);
//   - it is the end of a text: the eight bytes before it are printable, and so are its own up to its zeroes;
//   - it points to a node or buffer of a container whose header is known, from outside of that container: an iterator,
//     a reference to an element, or a leftover;
//   - it lies in writable memory that no allocator, file, stack or thread owns, and that no certain word points to;
//   - it lies in the red zone below a stack pointer, or in a vector register of a thread in a system call.
//
// Source: Valgrind's manual, 4.2.8 (memcheck's leak kinds and --leak-check-heuristics); Itanium C++ ABI 2.5, 2.7.
#pragma once

#include <cstdint>
#include <vector>

#include "formats/process_image.h"
#include "importers/native_blocks.h"
#include "importers/native_heap.h"
#include "importers/native_types.h"
#include "queries/ids.h"

namespace importers::native {

/// A word of memory that points into a block.
struct PointingWord {
  std::uint64_t at = 0;  ///< where it lies
  std::uint64_t value = 0;
  std::uint64_t before = 0;                       ///< the word before it, 0 = none
  queries::ObjectId source = queries::no_object;  ///< the block that it lies in
};

/// Borrows everything.
class Doubts {
 public:
  Doubts(const formats::ProcessImage& image, const Blocks& blocks, const TypedBlocks& types);

  /// O(1) for most, O(log ranges) for words that point inside a block or to a part of a container.
  [[nodiscard]] queries::Doubt of_word(const PointingWord& word, const Blocks::Hit& hit) const;
  /// What the doubt is of a word that is known to have one. Needs no types.
  [[nodiscard]] static queries::Doubt kind_of(const PointingWord& word, const Blocks::Hit& hit);
  /// Of a value that lies nowhere in memory.
  [[nodiscard]] queries::Doubt of_register(const Blocks::Hit& hit) const;

 private:
  [[nodiscard]] bool has_reason(std::uint64_t at, const Blocks::Hit& hit) const;
  [[nodiscard]] bool has_header(std::uint64_t block, const Blocks::Hit& hit) const;
  [[nodiscard]] bool is_in_container(const PointingWord& word, queries::ObjectId target) const;

  const formats::ProcessImage& image_;
  const Blocks& blocks_;
  const TypedBlocks& types_;
  std::vector<bool> has_payload_;  ///< by type: std::make_shared blocks
};

/// Writable memory of unknown use that the program knows of: mmap() returns addresses of pages, so a certain word that
/// holds such an address in it (in static and thread-local data, on a live stack, in a block) makes it the program's.
class KnownMemory {
 public:
  explicit KnownMemory(std::vector<formats::AddressRange> unknown);
  /// For every certain word. O(1) for nearly all.
  void see(std::uint64_t word) {
    if ((word & 0xFFF) == 0 && word >= lowest_ && word < end_) look_up(word);
  }
  [[nodiscard]] bool knows(std::uint64_t address) const;

 private:
  void look_up(std::uint64_t word);

  std::vector<formats::AddressRange> ranges_;  ///< by start
  std::vector<bool> known_;
  std::uint64_t lowest_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace importers::native
