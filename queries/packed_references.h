// The packed form of references, both ways: blobs of `inbound` (always) and `reference_page` (--references=packed).
//
// A chunk is a row (first object, data) that describes consecutive objects from the first on, until data ends; the next
// chunk starts there. The chunk of object x is the row with the greatest key ≤ x:
//   SELECT first_target, data FROM inbound WHERE first_target <= :x ORDER BY first_target DESC LIMIT 1
// Chunks hold at most 256 objects and end after the object that fills 8 KiB, so a look-up decodes little.
// Numbers are LEB128 varints (7 bits a byte, low first); z(n) is zigzag: 0 → 0, -1 → 1, 1 → 2 …
//
// inbound, per target:      varint z(first source − target) << 2 | min(count, 3)   (one byte 0: no sources)
//                           if 3: varint count − 3
//                           count − 1 × varint (source − previous source − 1)
//   Sources ascend, each once. The implicit edges from instances to their class object are not included.
// reference_page, per source: varint count, then per reference in slot order
//                           varint (slot − previous slot − 1) << 2 | named << 1 | weaker
//                           varint z(target − previous target; for the first: − source)
//                           if named: varint name id; if weaker: one byte strength
// About 2.5 bytes per reference inbound and 5 outgoing on JVM heaps. Decoders are safe on any bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "queries/ids.h"

namespace queries {

inline constexpr std::uint32_t packed_chunk_objects = 256;
inline constexpr std::size_t packed_chunk_bytes = 8192;

struct PackedReference {
  std::uint32_t slot = 0;
  ObjectId target = no_object;
  NameId name = no_name;  ///< no_name = array element
  Strength strength = Strength::strong;
};

namespace packed {

constexpr std::uint64_t zigzag(std::int64_t n) {
  return (static_cast<std::uint64_t>(n) << 1) ^ static_cast<std::uint64_t>(n >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t n) {
  return static_cast<std::int64_t>(n >> 1) ^ -static_cast<std::int64_t>(n & 1);
}

/// Bytes of one chunk while it is made. Keeps its memory from chunk to chunk.
class Buffer {
 public:
  void clear() { size_ = 0; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::string_view view() const { return {bytes_.data(), size_}; }
  void varint(std::uint64_t n) {
    if (bytes_.size() < size_ + 10) bytes_.resize(2 * bytes_.size() + 64);
    char* at = bytes_.data() + size_;
    while (n >= 0x80) {
      *at++ = static_cast<char>(n | 0x80);
      n >>= 7;
    }
    *at++ = static_cast<char>(n);
    size_ = static_cast<std::size_t>(at - bytes_.data());
  }

 private:
  std::vector<char> bytes_;
  std::size_t size_ = 0;
};

/// Reads a chunk; after the end or on a malformed number ok() is false and every value 0.
class Cursor {
 public:
  explicit Cursor(std::string_view data) : at_(data.data()), end_(data.data() + data.size()) {}
  [[nodiscard]] bool at_end() const { return at_ == end_; }
  [[nodiscard]] bool ok() const { return ok_; }
  std::uint64_t varint() {
    std::uint64_t result = 0;
    for (unsigned shift = 0; shift < 64 && at_ != end_; shift += 7) {
      const auto byte = static_cast<unsigned char>(*at_++);
      result |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return result;
    }
    fail();
    return 0;
  }
  void fail() {
    ok_ = false;
    at_ = end_;
  }

 private:
  const char* at_;
  const char* end_;
  bool ok_ = true;
};

/// base + z-coded difference as an object id; marks the cursor failed when the result is none.
inline ObjectId moved_id(Cursor& cursor, std::uint32_t base, std::uint64_t coded) {
  const std::int64_t id = static_cast<std::int64_t>(base) + unzigzag(coded & 0x3'FFFF'FFFFu);
  if (coded > 0x3'FFFF'FFFFu || id < 0 || id >= std::int64_t{index(no_object)}) {
    cursor.fail();
    return no_object;
  }
  return ObjectId{static_cast<std::uint32_t>(id)};
}

}  // namespace packed

/// Appends the sources of the next target to a chunk. `sources` ascend; repeats are written once.
inline void encode_inbound(ObjectId target, std::span<const ObjectId> sources, packed::Buffer& out) {
  std::size_t count = sources.empty() ? 0 : 1;
  for (std::size_t i = 1; i < sources.size(); ++i) count += sources[i] != sources[i - 1] ? 1 : 0;
  if (count == 0) return out.varint(0);
  std::uint32_t previous = index(sources[0]);
  out.varint(packed::zigzag(std::int64_t{previous} - std::int64_t{index(target)}) << 2 | (count < 3 ? count : 3));
  if (count >= 3) out.varint(count - 3);
  for (std::size_t i = 1; i < sources.size(); ++i) {
    const std::uint32_t source = index(sources[i]);
    if (source == previous) continue;
    out.varint(source - previous - 1);
    previous = source;
  }
}

/// Calls f(ObjectId target, ObjectId source) for each target of the chunk in [from, to), in order. Returns false when
/// the data is malformed (what came before it was reported).
template <typename F>
bool decode_inbound(ObjectId first_target, std::string_view data, ObjectId from, ObjectId to, F&& f) {
  packed::Cursor cursor(data);
  for (std::uint32_t target = index(first_target); !cursor.at_end() && target < index(to); ++target) {
    const std::uint64_t head = cursor.varint();
    std::uint64_t count = head & 3;
    if (count == 0) continue;
    ObjectId source = packed::moved_id(cursor, target, head >> 2);
    if (count == 3) count += cursor.varint();
    const bool wanted = target >= index(from);
    while (cursor.ok()) {
      if (wanted) f(ObjectId{target}, source);
      if (--count == 0) break;
      const std::uint64_t next = std::uint64_t{index(source)} + 1 + (cursor.varint() & 0xFFFF'FFFFu);
      if (next >= index(no_object)) cursor.fail();
      source = ObjectId{static_cast<std::uint32_t>(next)};
    }
  }
  return cursor.ok();
}

/// Appends the references of the next source to a chunk, in slot order.
inline void encode_references(ObjectId source, std::span<const PackedReference> references, packed::Buffer& out) {
  out.varint(references.size());
  std::uint32_t base = index(source);
  std::uint32_t slot = 0;
  for (const PackedReference& reference : references) {
    const bool named = reference.name != no_name;
    const bool weaker = reference.strength != Strength::strong;
    out.varint(static_cast<std::uint64_t>(reference.slot - slot) << 2 | (named ? 2u : 0u) | (weaker ? 1u : 0u));
    out.varint(packed::zigzag(std::int64_t{index(reference.target)} - std::int64_t{base}));
    if (named) out.varint(index(reference.name));
    if (weaker) out.varint(static_cast<std::uint64_t>(reference.strength));
    slot = reference.slot + 1;
    base = index(reference.target);
  }
}

/// Calls f(ObjectId source, const PackedReference&) for each source of the chunk in [from, to), in slot order. Returns
/// false when the data is malformed.
template <typename F>
bool decode_references(ObjectId first_source, std::string_view data, ObjectId from, ObjectId to, F&& f) {
  packed::Cursor cursor(data);
  for (std::uint32_t source = index(first_source); !cursor.at_end() && source < index(to); ++source) {
    std::uint32_t base = source;
    std::uint64_t slot = 0;
    for (std::uint64_t count = cursor.varint(); count != 0 && cursor.ok(); --count) {
      const std::uint64_t head = cursor.varint();
      PackedReference reference;
      slot += (head >> 2) & 0xFFFF'FFFFu;
      reference.slot = static_cast<std::uint32_t>(slot++);
      reference.target = packed::moved_id(cursor, base, cursor.varint());
      if ((head & 2) != 0) reference.name = NameId{static_cast<std::uint32_t>(cursor.varint())};
      if ((head & 1) != 0) {
        const std::uint64_t strength = cursor.varint();
        if (strength > 6) cursor.fail();
        reference.strength = static_cast<Strength>(strength);
      }
      if (!cursor.ok()) return false;
      base = index(reference.target);
      if (source >= index(from)) f(ObjectId{source}, static_cast<const PackedReference&>(reference));
    }
  }
  return cursor.ok();
}

}  // namespace queries
