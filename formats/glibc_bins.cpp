#include "formats/glibc_bins.h"

#include <algorithm>

#include "formats/glibc_heap.h"

namespace formats::glibc {

void Marks::freeze() {
  std::stable_sort(words_.begin(), words_.end(),
                   [](std::uint64_t a, std::uint64_t b) { return chunk_of(a) < chunk_of(b); });
  words_.erase(std::unique(words_.begin(), words_.end(),
                           [](std::uint64_t a, std::uint64_t b) { return chunk_of(a) == chunk_of(b); }),
               words_.end());
  words_.shrink_to_fit();
}

Territory::Territory(std::vector<AddressRange> runs) : runs_(std::move(runs)) {
  for (const AddressRange& run : runs_) bytes_ += run.end - run.start;
}

bool Territory::contains(std::uint64_t address) const {
  const auto next = std::upper_bound(runs_.begin(), runs_.end(), address,
                                     [](std::uint64_t wanted, const AddressRange& run) { return wanted < run.start; });
  return next != runs_.begin() && address < std::prev(next)->end;
}

void LinkVote::add(std::uint64_t link, std::uint64_t offset) {
  const auto stored = image_.word(link);
  if (!stored) return;
  const auto sensible = [&](std::uint64_t target) {
    return target == 0 || (target >= offset && territory_.has_chunk_at(target - offset));
  };
  const bool plain = sensible(*stored);
  const bool mangled = sensible(*stored ^ (link >> 12));
  if (plain != mangled) balance_ += mangled ? 1 : -1;
}

void vote_of_fastbins(const ProcessImage& image, const Arena& arena, LinkVote& vote) {
  if (arena.layout->fastbins == 0) return;
  for (unsigned i = 0; i < fastbin_count; ++i) {
    const auto first = image.word(arena.address + arena.layout->fastbins + std::uint64_t{i} * 8);
    if (first && *first != 0) vote.add(*first + header_bytes, 0);
  }
}

std::vector<BrokenList> mark_free_lists(const ProcessImage& image, const Arena& arena, const Territory& territory,
                                        Links links, Marks& marks) {
  std::vector<BrokenList> broken;
  std::uint64_t budget = territory.most_chunks();
  for (unsigned i = 1; i + 1 < bin_count; ++i) {
    const std::uint64_t bin = arena.bin(i);
    std::uint64_t before = bin;
    std::uint64_t chunk = image.word(bin + header_bytes).value_or(0);
    while (chunk != bin) {
      if (budget == 0 || !territory.has_chunk_at(chunk) || image.word(chunk + 24) != before) {
        broken.push_back({bin + header_bytes, chunk, i});
        break;
      }
      --budget;
      marks.add(chunk, BlockState::free, i);
      before = chunk;
      chunk = image.word(chunk + header_bytes).value_or(0);
    }
  }
  if (arena.layout->fastbins == 0) return broken;
  for (unsigned i = 0; i < fastbin_count; ++i) {
    const std::uint64_t head = arena.address + arena.layout->fastbins + std::uint64_t{i} * 8;
    std::uint64_t chunk = image.word(head).value_or(0);
    while (chunk != 0) {
      const std::uint64_t size = smallest_chunk + std::uint64_t{i} * alignment;
      const auto head_word = territory.has_chunk_at(chunk) ? image.word(chunk + 8) : std::nullopt;
      if (budget == 0 || !head_word || (*head_word & size_mask) != size) {
        broken.push_back({head, chunk, i + static_cast<unsigned>(first_fastbin)});
        break;
      }
      --budget;
      marks.add(chunk, BlockState::free, static_cast<unsigned>(first_fastbin) + i);
      chunk = links.decode(image.word(chunk + header_bytes).value_or(0), chunk + header_bytes);
    }
  }
  return broken;
}

}  // namespace formats::glibc
