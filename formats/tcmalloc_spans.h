// The spans of gperftools tcmalloc: runs of pages that are one block, objects of one size class, or free.
//
// Span (src/span.h): start page 0, length 8, next 16, prev 24, objects 32, then bits: refcount 0-15, sizeclass 16-23,
// location 24-25.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "formats/damage_log.h"
#include "formats/heap_memory.h"
#include "formats/tcmalloc_statics.h"

namespace formats::tcmalloc {

inline constexpr unsigned span_bytes = 48, objects_at = 32, bits_at = 40;
enum class Location : std::uint8_t { in_use, free, returned };

struct Span {
  std::uint64_t header = 0;
  std::uint64_t start = 0;  ///< address
  std::uint64_t end = 0;
  std::uint32_t object_size = 0;  ///< 0 = one block
  std::uint32_t count = 0;        ///< objects
  std::uint16_t referenced = 0;
  std::uint8_t size_class = 0;
  Location location = Location::in_use;
};

/// Puts tcmalloc's damage at an address.
void add_broken(const ProcessImage& image, DamageLog& damage, std::uint64_t address, std::uint64_t bytes,
                const std::string& what);

struct Spans {
  std::vector<Span> all;             ///< by start
  std::vector<AddressRange> leaves;  ///< of the page map, where they were read from
};
/// What the page map has; what contradicts it is damage and left out. O(pages that the leaves cover).
[[nodiscard]] Spans read_spans(const ProcessImage& image, const Statics& statics, DamageLog& damage);

/// The objects of a span that are on its list.
struct FreeObjects {
  std::vector<bool> is_free;
  std::uint64_t count = 0;
  std::uint64_t broken_at = 0;  ///< 0 = sound
  std::string_view broken;
};
[[nodiscard]] FreeObjects find_free(HeapMemory& memory, const Span& span);

}  // namespace formats::tcmalloc
