// Buffers of standard containers, found by the headers that point to them: strings, vectors, hash tables, deques.
//
// Layouts: libstdc++ basic_string.h (pointer, size, capacity), stl_vector.h (begin, end, end of storage), hashtable.h
// (buckets, bucket count, first node, element count, max load factor), stl_deque.h (map, map size, two iterators of
// current, first, last, node); libc++ <string> (capacity | 1, size, pointer), <__hash_table> (as libstdc++ up to the
// load factor), <deque> (map: first, begin, end, capacity). The size that a header claims has to be what the block was
// allocated for; what is ambiguous (stream buffers, iterators) is refused.
#pragma once

#include <cstdint>
#include <vector>

#include "importers/native_claims.h"

namespace importers::native {

class HeaderFinder {
 public:
  HeaderFinder(const formats::ProcessImage& image, Claims& claims) : memory_(image), claims_(claims) {}

  /// Containers of several blocks prove more than single buffers do, and are to be looked for first, everywhere: a
  /// leftover header of a string may well point to what is a hash node now.
  enum class Looking : std::uint8_t { for_tables, for_buffers };

  /// Looks for headers in `words`, which lie at `address` (8-aligned) in `holder`, a block or none. `is_current`: what
  /// lies here is alive, not a leftover as on stacks; only then a header may say what part of its buffer is dead.
  /// O(words) and what the containers found hold.
  void scan(formats::Bytes words, std::uint64_t address, queries::ObjectId holder, bool is_current, Looking looking);

 private:
  std::size_t table_at(std::size_t i);
  std::size_t buffer_header_at(std::size_t i);
  /// Each returns how many words of a header are at `i`; 0 = none.
  std::size_t hash_table(std::size_t i);
  std::size_t deque(std::size_t i);
  std::size_t libcxx_deque(std::size_t i);
  std::size_t vector(std::size_t i);
  std::size_t bit_vector(std::size_t i);
  std::size_t string(std::size_t i);
  std::size_t libcxx_string(std::size_t i);

  [[nodiscard]] std::uint64_t word(std::size_t i) const {
    return formats::load_le<std::uint64_t>(words_.data() + i * 8);
  }
  [[nodiscard]] std::uint64_t address_of(std::size_t i) const { return address_ + i * 8; }
  [[nodiscard]] bool is_table(std::uint64_t node, std::uint64_t count);
  [[nodiscard]] bool is_deque_iterator(std::size_t i);
  /// The block at `address` when it is not the holder; else no_object.
  [[nodiscard]] queries::ObjectId buffer_at(std::uint64_t address) const;
  /// Whether [begin, begin + size) is several objects of the class that the first has: its vtable repeats.
  [[nodiscard]] bool is_array_of_objects(std::uint64_t begin, std::uint64_t size, std::uint64_t capacity);
  [[nodiscard]] bool is_text_at(std::uint64_t body, std::uint64_t size);
  bool claim_buffer(queries::ObjectId id, Shape shape, std::size_t header, std::uint64_t live);

  Memory memory_;
  Claims& claims_;
  std::vector<queries::ObjectId> found_;
  formats::Bytes words_;
  std::uint64_t address_ = 0;
  std::size_t count_ = 0;
  std::size_t taken_end_ = 0;  ///< the word behind the last header found
  queries::ObjectId holder_ = queries::no_object;
  bool is_current_ = false;
};

}  // namespace importers::native
