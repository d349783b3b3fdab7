#include "importers/native_doubts.h"

#include <algorithm>

#include "importers/native_content.h"

namespace importers::native {

using queries::Doubt;
using queries::no_object;
using queries::ObjectId;

namespace {

constexpr std::uint64_t payload_offset = 16;     // in a std::make_shared block: behind vtable and counts
constexpr std::uint64_t characters_offset = 24;  // of a reference-counted string: length, capacity, count before it
constexpr std::uint64_t largest_header = 80;     // of a container: std::deque's
constexpr std::uint64_t word_size = 8;

bool is_printable(std::uint64_t byte) { return byte >= 0x20 && byte < 0x7F; }

/// Eight printable characters.
bool is_all_text(std::uint64_t word) {
  for (int i = 0; i < 8; ++i, word >>= 8) {
    if (!is_printable(word & 0xFF)) return false;
  }
  return true;
}

/// Printable characters up to the first zero, and only zeroes from there on.
bool is_last_of_text(std::uint64_t word) {
  while (word != 0 && is_printable(word & 0xFF)) word >>= 8;
  return word == 0;
}

}  // namespace

Doubts::Doubts(const formats::ProcessImage& image, const Blocks& blocks, const TypedBlocks& types)
    : image_(image), blocks_(blocks), types_(types) {
  for (const NativeType& type : types.types)
    has_payload_.push_back(type.name.starts_with("std::make_shared block of "));
}

Doubt Doubts::of_word(const PointingWord& word, const Blocks::Hit& hit) const {
  if (is_all_text(word.before) && is_last_of_text(word.value)) return Doubt::text;
  if (hit.offset != 0) return has_reason(word.at, hit) ? Doubt::none : Doubt::interior;
  return is_in_container(word, hit.id) ? Doubt::none : Doubt::element;
}

Doubt Doubts::kind_of(const PointingWord& word, const Blocks::Hit& hit) {
  if (is_all_text(word.before) && is_last_of_text(word.value)) return Doubt::text;
  return hit.offset != 0 ? Doubt::interior : Doubt::element;
}

Doubt Doubts::of_register(const Blocks::Hit& hit) const {
  return hit.offset == 0 || has_reason(0, hit) ? Doubt::none : Doubt::interior;
}

bool Doubts::has_reason(std::uint64_t at, const Blocks::Hit& hit) const {
  if (hit.offset == payload_offset && has_payload_[types_.type_of[index(hit.id)]]) return true;
  const std::uint64_t block = blocks_.address(hit.id);
  if (has_header(block, hit)) return true;
  if (hit.offset % word_size != 0) return false;
  const std::uint64_t place = block + hit.offset;
  const auto first = image_.word(place);
  if (!first) return true;  // absent: nothing speaks against it
  const auto second = image_.word(place + word_size).value_or(0);
  // A link of a list: the next one's back link, or the one before's forward link, is where this pointer lies.
  for (const std::uint64_t link : {*first, second}) {
    if (at != 0 && (link == at || link == at - word_size)) return true;
  }
  // A second base class: its vtable says how far it is from the object's beginning.
  if (*first % word_size != 0 || *first < 16) return false;
  return image_.word(*first - 16) == std::uint64_t{0} - hit.offset;
}

bool Doubts::has_header(std::uint64_t block, const Blocks::Hit& hit) const {
  const std::uint64_t usable = blocks_.usable(hit.id);
  const auto first = image_.word(block);
  if (!first || *first == 0) return false;
  if (hit.offset == characters_offset) {
    const auto capacity = image_.word(block + 8);
    return capacity && *first <= *capacity && *capacity < usable && fits_request(*capacity + 25, usable);
  }
  if (hit.offset != 8 && hit.offset != 16) return false;
  const std::uint64_t room = usable - hit.offset;
  if (*first > room) return false;
  return fits_request(*first + hit.offset, usable) ||                // its size
         fits_request(room / *first * *first + hit.offset, usable);  // or how many elements there are
}

bool Doubts::is_in_container(const PointingWord& word, ObjectId target) const {
  if (types_.header_of.empty()) return true;
  const std::uint32_t header = types_.header_of[index(target)];
  if (header == 0 || (word.source != no_object && types_.header_of[index(word.source)] == header)) return true;
  if (types_.types[types_.type_of[index(target)]].family == "node of a doubly linked list") return true;
  const std::uint64_t begin = types_.places.address(header);
  return word.at >= begin - word_size && word.at < begin + largest_header;
}

// ---- memory of unknown use ----

KnownMemory::KnownMemory(std::vector<formats::AddressRange> unknown) : ranges_(std::move(unknown)) {
  known_.resize(ranges_.size());
  if (ranges_.empty()) return;
  lowest_ = ranges_.front().start;
  end_ = ranges_.back().end;
}

namespace {

std::size_t range_at(const std::vector<formats::AddressRange>& ranges, std::uint64_t address) {
  const auto next = std::partition_point(ranges.begin(), ranges.end(),
                                         [&](const formats::AddressRange& range) { return range.end <= address; });
  const auto at = static_cast<std::size_t>(next - ranges.begin());
  return at < ranges.size() && ranges[at].start <= address ? at : ranges.size();
}

}  // namespace

void KnownMemory::look_up(std::uint64_t word) {
  if (const std::size_t at = range_at(ranges_, word); at < ranges_.size()) known_[at] = true;
}

bool KnownMemory::knows(std::uint64_t address) const {
  const std::size_t at = range_at(ranges_, address);
  return at < ranges_.size() && known_[at];
}

}  // namespace importers::native
