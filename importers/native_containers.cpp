#include "importers/native_containers.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace importers::native {
namespace {

using queries::no_object;
using queries::ObjectId;

constexpr std::uint64_t shortest_capacity = 16;         // of libstdc++ strings that are not in the header itself
constexpr std::uint64_t most = std::uint64_t{1} << 40;  // bytes or elements of one container

}  // namespace

void HeaderFinder::scan(formats::Bytes words, std::uint64_t address, ObjectId holder, bool is_current,
                        Looking looking) {
  words_ = words;
  address_ = address;
  count_ = words.size() / 8;
  holder_ = holder;
  is_current_ = is_current;
  taken_end_ = 0;
  for (std::size_t i = 0; i < count_;) {
    const std::uint64_t first = word(i);
    std::size_t taken = 0;
    if (claims_.blocks().spans(first) && (first & 7) == 0) {
      taken = looking == Looking::for_tables ? table_at(i) : buffer_header_at(i);
    }
    i += taken == 0 ? 1 : taken;
    if (taken != 0) taken_end_ = i;
  }
}

std::size_t HeaderFinder::table_at(std::size_t i) {
  if (count_ - i < 4) return 0;
  const std::uint64_t second = word(i + 1);
  if (second >= word(i)) return word(i + 2) >= second ? libcxx_deque(i) : 0;
  if (second >= most) return 0;
  const std::size_t taken = deque(i);
  return taken != 0 ? taken : hash_table(i);
}

std::size_t HeaderFinder::buffer_header_at(std::size_t i) {
  std::size_t taken = 0;
  if (count_ - i >= 3) {
    const std::uint64_t first = word(i);
    const std::uint64_t second = word(i + 1);
    const std::uint64_t third = word(i + 2);
    if (second >= first) {
      if (third >= second && third - first < most) taken = vector(i);
    } else {
      if (second < most && third >= shortest_capacity && third < most) taken = string(i);
      if (taken == 0 && (second & 0xFFFF'FFFF) == 0 && third >= first) taken = bit_vector(i);
    }
  }
  return taken == 0 && i >= 2 ? libcxx_string(i) : taken;
}

ObjectId HeaderFinder::buffer_at(std::uint64_t address) const {
  const ObjectId id = claims_.blocks().at(address);
  return id == holder_ ? no_object : id;
}

/// A second header of the same buffer is a copy, or one is a leftover: the one that lies in a recognised object is
/// believed, else the first, unless that turns out to lie in a dead part.
bool HeaderFinder::claim_buffer(ObjectId id, Shape shape, std::size_t header, std::uint64_t live) {
  if (claims_.is_open(id)) {
    claims_.claim(id, shape, address_of(header));
  } else if (claims_.shape(id) == shape) {
    const ObjectId other = claims_.blocks().find(claims_.header(id)).id;
    if (holder_ != no_object && claims_.shape(holder_) > Shape::refused && other != no_object &&
        claims_.shape(other) <= Shape::refused) {
      claims_.claim(id, shape, address_of(header));
    } else if (other != no_object) {
      claims_.add_rival(id, address_of(header));
    }
  } else {
    return false;
  }
  const std::uint64_t usable = claims_.blocks().usable(id);
  if (!is_current_ || usable <= live || !claims_.step((usable - live) / 8)) return true;
  const std::uint64_t body = claims_.blocks().address(id);
  for (std::uint64_t at = (live + 7) & ~std::uint64_t{7}; at + 8 <= usable; at += 8) {
    std::uint64_t dead = 0;
    if (!memory_.word(body + at, dead)) break;
    if (claims_.blocks().find(dead).id == no_object) continue;
    claims_.add_live_prefix(id, live);
    break;
  }
  return true;
}

// ---- vectors ----

/// current, first, last, node: the node is the slot of the deque's map that holds `first`.
bool HeaderFinder::is_deque_iterator(std::size_t i) {
  return count_ - i >= 4 && claims_.blocks().spans(word(i + 3)) && memory_.holds(word(i + 3), word(i));
}

std::size_t HeaderFinder::vector(std::size_t i) {
  const std::uint64_t begin = word(i);
  const std::uint64_t size = word(i + 1) - begin;
  const std::uint64_t capacity = word(i + 2) - begin;
  if (capacity == 0) return 0;
  const ObjectId id = buffer_at(begin);
  if (id == no_object) return 0;
  const std::uint64_t usable = claims_.blocks().usable(id);
  if (!fits_request(capacity, usable)) return 0;
  // More pointers into the block beside these are a stream buffer, a ring or a cursor: which part is alive is unclear.
  // Not so the end of a vector right before this one: where blocks have no headers, this buffer may begin there.
  const auto inside = [&](std::uint64_t pointer) { return pointer >= begin && pointer - begin < usable; };
  if ((i > 0 && i != taken_end_ && inside(word(i - 1))) || (i + 3 < count_ && inside(word(i + 3)))) return 0;
  if (is_deque_iterator(i)) return 0;
  // The element size divides both; elements that begin with a pointer have eight bytes or a multiple.
  std::uint64_t element = 0;
  if (size >= 8 && memory_.word(begin, element) && claims_.blocks().at(element) != no_object &&
      std::gcd(size, capacity) % 8 != 0) {
    return 0;
  }
  if (claims_.shape(id) == Shape::object && is_array_of_objects(begin, size, capacity)) {
    claims_.claim(id, Shape::vector_body, address_of(i));
  }
  return claim_buffer(id, Shape::vector_body, i, size) ? 3 : 0;
}

bool HeaderFinder::is_array_of_objects(std::uint64_t begin, std::uint64_t size, std::uint64_t capacity) {
  if (!claims_.step(size / 8)) return false;
  const std::uint64_t element = repeat_of(memory_, begin, size);
  return element != 0 && std::gcd(size, capacity) % element == 0;
}

/// std::vector<bool>: begin and its bit, end and its bit, end of storage. The bits are 32-bit numbers below 64.
std::size_t HeaderFinder::bit_vector(std::size_t i) {
  if (count_ - i < 5) return 0;
  const std::uint64_t begin = word(i);
  const std::uint64_t end = word(i + 2);
  const std::uint64_t bit = word(i + 3) & 0xFFFF'FFFF;
  const std::uint64_t storage = word(i + 4);
  if (bit > 63 || ((end | storage) & 7) != 0 || end > storage || storage <= begin || storage - begin > most) return 0;
  const ObjectId id = buffer_at(begin);
  if (id == no_object || !fits_request(storage - begin, claims_.blocks().usable(id))) return 0;
  return claim_buffer(id, Shape::vector_body, i, std::min(end + 8, storage) - begin) ? 5 : 0;
}

// ---- strings ----

bool HeaderFinder::is_text_at(std::uint64_t body, std::uint64_t size) {
  const std::byte* bytes = memory_.span(body, size + 1);
  return bytes != nullptr && bytes[size] == std::byte{0};
}

std::size_t HeaderFinder::string(std::size_t i) {
  const std::uint64_t size = word(i + 1);
  const std::uint64_t capacity = word(i + 2);
  if (size > capacity) return 0;
  const ObjectId id = buffer_at(word(i));
  if (id == no_object || !fits_request(capacity + 1, claims_.blocks().usable(id)) || !is_text_at(word(i), size)) {
    return 0;
  }
  return claim_buffer(id, Shape::string_body, i, size + 1) ? 3 : 0;
}

/// `i` is its last word.
std::size_t HeaderFinder::libcxx_string(std::size_t i) {
  const std::uint64_t allocated = word(i - 2) & ~std::uint64_t{1};
  const std::uint64_t size = word(i - 1);
  if ((word(i - 2) & 7) != 1 || allocated < 24 || allocated > most || size >= allocated) return 0;
  const ObjectId id = buffer_at(word(i));
  if (id == no_object || !fits_request(allocated, claims_.blocks().usable(id)) || !is_text_at(word(i), size)) return 0;
  return claim_buffer(id, Shape::string_body, i - 2, size + 1) ? 1 : 0;
}

// ---- hash tables ----

/// The chain from `node` has exactly `count` nodes, each a block of its own.
bool HeaderFinder::is_table(std::uint64_t node, std::uint64_t count) {
  found_.clear();
  for (; node != 0 && found_.size() < count;) {
    const ObjectId id = claims_.blocks().at(node);
    if (id == no_object || !claims_.is_open(id) || claims_.blocks().usable(id) < 16 || !claims_.step()) return false;
    found_.push_back(id);
    if (!memory_.word(node, node)) return false;
  }
  return node == 0 && found_.size() == count;
}

std::size_t HeaderFinder::hash_table(std::size_t i) {
  if (count_ - i < 5) return 0;
  const std::uint64_t buckets = word(i);
  const std::uint64_t bucket_count = word(i + 1);
  const std::uint64_t first = word(i + 2);
  const std::uint64_t count = word(i + 3);
  const std::uint64_t load_bits = word(i + 4) & 0xFFFF'FFFF;
  float max_load = 0;
  const auto narrow = static_cast<std::uint32_t>(load_bits);
  std::memcpy(&max_load, &narrow, sizeof max_load);
  if (bucket_count < 2 || (count == 0) != (first == 0) || count > claims_.blocks().count()) return 0;
  if (!(max_load >= 0.01F && max_load <= 1000.0F)) return 0;  // also refuses what is no number
  if (static_cast<double>(count) > static_cast<double>(bucket_count) * static_cast<double>(max_load) + 1) return 0;
  const ObjectId id = buffer_at(buckets);
  if (id == no_object || !claims_.is_open(id) || !fits_request(bucket_count * 8, claims_.blocks().usable(id))) return 0;
  const std::byte* table = memory_.span(buckets, bucket_count * 8);
  if (table == nullptr || !claims_.step(bucket_count) || !is_table(first, count)) return 0;
  // A bucket holds the node before its first; the bucket of the very first node therefore holds a place in the header.
  std::uint64_t in_header = 0;
  for (std::uint64_t bucket = 0; bucket < bucket_count; ++bucket) {
    const auto before = formats::load_le<std::uint64_t>(table + bucket * 8);
    if (before == 0) continue;
    if (before == address_of(i + 2)) {
      ++in_header;
    } else if (claims_.blocks().at(before) == no_object) {
      return 0;
    }
  }
  if (in_header != (count != 0 ? 1 : 0)) return 0;
  claims_.claim(id, Shape::hash_buckets, address_of(i));
  for (const ObjectId node : found_) claims_.claim(node, Shape::hash_node, address_of(i));
  return 5;
}

// ---- deques ----

std::size_t HeaderFinder::deque(std::size_t i) {
  if (count_ - i < 10) return 0;
  const std::uint64_t map = word(i);
  const std::uint64_t slots = word(i + 1);
  struct Iterator {
    std::uint64_t current, first, last, node;
  };
  const Iterator start{word(i + 2), word(i + 3), word(i + 4), word(i + 5)};
  const Iterator finish{word(i + 6), word(i + 7), word(i + 8), word(i + 9)};
  const std::uint64_t bytes = start.last - start.first;  // of a block: 512, or one element when that is larger
  if (slots == 0 || bytes < 512 || bytes > most || finish.last - finish.first != bytes) return 0;
  for (const Iterator& at : {start, finish}) {
    if (at.current < at.first || at.current > at.last || at.node < map || (at.node - map) % 8 != 0 ||
        (at.node - map) / 8 >= slots) {
      return 0;
    }
  }
  if (finish.node < start.node || (finish.node == start.node && finish.current < start.current)) return 0;
  const ObjectId id = buffer_at(map);
  if (id == no_object || !claims_.is_open(id) || !fits_request(slots * 8, claims_.blocks().usable(id))) return 0;
  if (!memory_.holds(start.node, start.first) || !memory_.holds(finish.node, finish.first)) return 0;
  found_.clear();
  for (std::uint64_t node = start.node; node <= finish.node; node += 8) {
    std::uint64_t block = 0;
    if (!memory_.word(node, block) || !claims_.step()) return 0;
    const ObjectId one = claims_.blocks().at(block);
    if (one == no_object || !claims_.is_open(one) || !fits_request(bytes, claims_.blocks().usable(one))) return 0;
    found_.push_back(one);
  }
  claim_buffer(id, Shape::deque_map, i, finish.node + 8 - map);
  for (std::size_t k = 0; k < found_.size(); ++k) {
    const bool last = k + 1 == found_.size();
    claim_buffer(found_[k], Shape::deque_block, i, last ? finish.current - finish.first : bytes);
  }
  return 10;
}

/// Four pointers into the map. Blocks have 4,096 bytes, or 16 elements when that is more.
std::size_t HeaderFinder::libcxx_deque(std::size_t i) {
  const std::uint64_t map = word(i);
  if (count_ - i < 4) return 0;
  const std::uint64_t begin = word(i + 1);
  const std::uint64_t end = word(i + 2);
  const std::uint64_t capacity = word(i + 3);
  if (begin >= end || end > capacity || capacity - map > most || ((begin | end | capacity) & 7) != 0) return 0;
  const ObjectId id = buffer_at(map);
  if (id == no_object || !claims_.is_open(id) || !fits_request(capacity - map, claims_.blocks().usable(id))) return 0;
  found_.clear();
  std::uint64_t usable = 0;
  for (std::uint64_t node = begin; node < end; node += 8) {
    std::uint64_t block = 0;
    if (!memory_.word(node, block) || !claims_.step()) return 0;
    const ObjectId one = claims_.blocks().at(block);
    if (one == no_object || one == id || !claims_.is_open(one)) return 0;
    if (usable == 0) usable = claims_.blocks().usable(one);
    if (usable < 4096 || claims_.blocks().usable(one) != usable) return 0;
    found_.push_back(one);
  }
  claim_buffer(id, Shape::deque_map, i, end - map);
  for (const ObjectId block : found_) claims_.claim(block, Shape::deque_block, address_of(i));
  return 4;
}

}  // namespace importers::native
