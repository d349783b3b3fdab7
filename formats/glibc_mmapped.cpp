#include "formats/glibc_mmapped.h"

#include <algorithm>
#include <optional>

namespace formats::glibc {
namespace {

bool is_anonymous_memory(const ProcessImage::Range& range) {
  return range.file < 0 && range.readable && range.writable && !range.filled;
}

/// Whether every byte is in anonymous writable mappings, present or not. O(ranges in it).
bool is_mapped(const ProcessImage& image, std::uint64_t start, std::uint64_t end) {
  const ProcessImage::Range* range = image.find(start);
  const ProcessImage::Range* last = image.ranges().data() + image.ranges().size();
  while (range != nullptr && range != last && is_anonymous_memory(*range) && range->start <= start) {
    if (range->end >= end) return true;
    start = range->end;
    ++range;
  }
  return false;
}

/// The chunk whose header is at `mapping` + `offset`.
std::optional<MmappedChunk> chunk_at(const ProcessImage& image, const ArenaLayout& layout, std::uint64_t mapping,
                                     std::uint64_t offset) {
  const auto prev_size = image.word(mapping + offset);
  const auto head = image.word(mapping + offset + 8);
  // From 2.43 on, the lowest bit says that the mapping has huge pages.
  const std::uint64_t flag = layout.mmapped_extra != 0 ? 1 : 0;
  if (!prev_size || !head || (*prev_size & ~flag) != offset || (*head & 15) != is_mmapped) return std::nullopt;
  const std::uint64_t size = *head & size_mask;
  if (size > std::uint64_t{1} << 48) return std::nullopt;
  const std::uint64_t total = offset + size + layout.mmapped_extra;
  if (size < smallest_chunk || total % page != 0 || !is_mapped(image, mapping, mapping + total)) return std::nullopt;
  const std::uint64_t usable = layout.mmapped_extra != 0 ? size - 8 : size - header_bytes;
  return MmappedChunk{mapping, mapping + total, mapping + offset + header_bytes, usable};
}

/// The header at the start tells how much memalign() has to be looked for in; after a later realloc() it says too much.
std::optional<MmappedChunk> chunk_of_mapping(const ProcessImage& image, const ArenaLayout& layout,
                                             std::uint64_t mapping, std::uint64_t size) {
  for (std::uint64_t aligned = smallest_chunk; aligned < size; aligned *= 2) {
    std::uint64_t block = (mapping + header_bytes + aligned - 1) & ~(aligned - 1);
    if (block - mapping < header_bytes + smallest_chunk) block += aligned;  // no room for a chunk before it
    if (const auto moved = chunk_at(image, layout, mapping, block - header_bytes - mapping)) return moved;
  }
  return chunk_at(image, layout, mapping, 0);
}

}  // namespace

std::vector<MmappedChunk> find_mmapped_chunks(const ProcessImage& image, const ArenaLayout& layout,
                                              std::span<const AddressRange> taken) {
  std::vector<MmappedChunk> found;
  std::size_t next_taken = 0;
  std::uint64_t behind = 0;  // the chunk found last
  for (const ProcessImage::Range& range : image.ranges()) {
    if (!is_anonymous_memory(range) || !range.present()) continue;
    std::uint64_t at = (std::max(range.start, behind) + page - 1) & ~(page - 1);
    while (at >= range.start && at < range.end && range.end - at >= header_bytes) {
      while (next_taken < taken.size() && taken[next_taken].end <= at) ++next_taken;
      if (next_taken < taken.size() && taken[next_taken].start <= at) {
        at = (taken[next_taken].end + page - 1) & ~(page - 1);
        continue;
      }
      const std::byte* header = range.data + (at - range.start);
      at += page;
      const std::uint64_t head = load_le<std::uint64_t>(header + 8);
      if (load_le<std::uint64_t>(header) > 1 || (head & 15) != is_mmapped || head >> 48 != 0 ||
          ((head & size_mask) + layout.mmapped_extra) % page != 0) {
        continue;
      }
      if (const auto chunk = chunk_of_mapping(image, layout, at - page, head)) {
        found.push_back(*chunk);
        at = behind = chunk->end;
      }
    }
  }
  return found;
}

}  // namespace formats::glibc
