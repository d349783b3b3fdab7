#include "jemalloc_writer.h"

#include <algorithm>

namespace tests {
namespace {

constexpr std::uint64_t used = 8192;  // of the base block
constexpr std::uint64_t leaf_offset = JemallocWriter::first_leaf - JemallocWriter::base;
constexpr std::uint64_t second_base = JemallocWriter::base + (4 << 20);
constexpr std::uint64_t second_used = 1024;
constexpr std::uint64_t second_leaf = second_base + 256;
constexpr unsigned slab_bins = 36;
constexpr std::size_t between_bins = 120;  // of slabs and of large blocks: tcache_t's other fields in 5.2

template <typename T>
void put(std::string& to, std::size_t at, T value) {
  if (to.size() < at + sizeof value) to.resize(at + sizeof value);
  std::memcpy(to.data() + at, &value, sizeof value);
}

}  // namespace

std::uint64_t JemallocWriter::bits_of(unsigned arena, bool slab, unsigned state, unsigned size_class,
                                      unsigned free_regions) const {
  const std::uint64_t serial = layout_.end < 64 ? 0 : 0x2A5;  // above all fields of 5.2
  return std::uint64_t{arena} | std::uint64_t{slab} << 12 | std::uint64_t{1} << 13 |
         std::uint64_t{state} << layout_.state_at | std::uint64_t{size_class} << layout_.class_at |
         std::uint64_t{free_regions} << layout_.free_at | serial << 43;
}

std::uint64_t JemallocWriter::place(std::uint64_t size) {
  const std::uint64_t address = next_;
  next_ += size;
  memory_.push_back({address, size, ""});
  return address;
}

std::uint64_t JemallocWriter::slab(const Slab& slab) {
  Descriptor made;
  made.address = place(slab.size);
  made.size = slab.size;
  for (const unsigned region : slab.free) made.bitmap[region / 64] |= std::uint64_t{1} << region % 64;
  const auto counted = slab.counted_free < 0 ? slab.free.size() : static_cast<std::size_t>(slab.counted_free);
  made.bits = bits_of(slab.arena, true, active, slab.size_class, static_cast<unsigned>(counted));
  descriptors_.push_back(made);
  return made.address;
}

std::uint64_t JemallocWriter::large(const Large& large) {
  Descriptor made;
  made.size = large.usable + large.pad;
  made.address = place(made.size) + large.offset;
  made.size |= 77;  // the low bits are a serial number
  made.bits = bits_of(large.arena, false, active, large.size_class, 0) | std::uint64_t{1} << 44;  // head
  descriptors_.push_back(made);
  return made.address;
}

std::uint64_t JemallocWriter::kept(State state, std::uint64_t size, unsigned arena) {
  Descriptor made;
  made.address = place(size);
  made.size = size;
  // Before 5.3 there is no such state: what was merged away keeps the one it had, and leaves the page map.
  const bool stale = layout_.keeps_stale_states && state >= transition;
  made.bits = bits_of(arena, false, stale ? retained : state, class_count_, 0);
  made.in_page_map = !stale;
  descriptors_.push_back(made);
  return made.address;
}

void JemallocWriter::descriptor(std::uint64_t bits, std::uint64_t address, std::uint64_t size, bool in_page_map) {
  descriptors_.push_back({bits, address, size, {}, in_page_map});
}

std::string JemallocWriter::bins_and_stacks(std::uint64_t block, const Entries& entries, unsigned places,
                                            std::string& stacks) const {
  std::string bins;
  std::uint64_t full = block + stacks.size() + 8;  // one place in front stays empty
  put(stacks, stacks.size(), std::uint64_t{0});
  for (unsigned i = 0; i < bin_count_; ++i) {
    const std::uint64_t empty = full + std::uint64_t{places} * 8;
    const auto found = entries.find(i);
    const std::size_t count = found == entries.end() ? 0 : found->second.size();
    const std::uint64_t top = empty - count * 8;
    for (std::uint64_t at = full; at < top; at += 8) put(stacks, at - block, heap);  // stale
    for (std::size_t k = 0; k < count; ++k) put(stacks, top + k * 8 - block, found->second[k]);
    const bool large = i >= slab_bins;
    const std::size_t at = std::size_t{i} * 24 + (layout_.counting_bins && large ? between_bins : 0);
    put(bins, at + 8, std::uint64_t{3});
    if (layout_.counting_bins) {
      put(bins, at, std::int32_t{count == 0 ? -1 : 0});
      put(bins, at + 4, static_cast<std::uint32_t>(count));
      put(bins, at + 16, empty);
    } else {
      put(bins, at, top);
      put(bins, at + 16, static_cast<std::uint16_t>(empty));
      put(bins, at + 18, static_cast<std::uint16_t>(full));
      put(bins, at + 20, static_cast<std::uint16_t>(empty));
      put(bins, at + 22, std::uint16_t{0});
    }
    full = empty;
  }
  return bins;
}

std::uint64_t JemallocWriter::thread_cache(std::int64_t os_id, const Entries& entries, unsigned places) {
  const std::uint64_t block = large({.size_class = 37, .usable = 20480});
  std::string stacks;
  threads_.push_back({os_id, bins_and_stacks(block, entries, places, stacks)});
  memory_.back().bytes = std::move(stacks);
  return block;
}

std::uint64_t JemallocWriter::program_cache(const Entries& entries, unsigned places) {
  const std::uint64_t block = large({.size_class = 39, .usable = 28672});
  std::string stacks;
  if (layout_.counting_bins) {  // tcache_t first: two words, the bins
    stacks.resize(16 + std::size_t{bin_count_} * 24 + between_bins);
    const std::string bins = bins_and_stacks(block, entries, places, stacks);
    stacks.replace(16, bins.size(), bins);
    memory_.back().bytes = std::move(stacks);
    return block;
  }
  const std::string bins = bins_and_stacks(block, entries, places, stacks);
  stacks.append(16, '\0');  // one place behind the stacks, and tcache_t's first word
  memory_.back().bytes = stacks + bins;
  return block;
}

void JemallocWriter::thread_without_cache(std::int64_t os_id) { threads_.push_back({os_id, ""}); }

std::string JemallocWriter::base_header(std::uint64_t address, std::uint64_t next, std::uint64_t used_size) const {
  std::string block(used_size, '\0');
  put(block, 0, base_size);
  put(block, 8, next);
  put(block, 16, bits_of(0xFFF, false, active, class_count_, 0));
  put(block, 24, address + used_size);
  put(block, 32, base_size - used_size);
  return block;
}

CoreWriter JemallocWriter::core() const {
  std::string first = base_header(base, second_base, used);
  std::string second = base_header(second_base, 0, second_used);
  for (std::size_t i = 0; i < descriptors_.size(); ++i) {
    const Descriptor& from = descriptors_[i];
    const std::size_t at = descriptor_address(i) - base;
    put(first, at, from.bits);
    put(first, at + 8, from.address);
    put(first, at + 16, from.size);
    for (std::size_t k = 0; k < 8; ++k) put(first, at + 64 + k * 8, from.bitmap[k]);
    if (!page_map_ || !from.in_page_map) continue;
    const std::uint64_t state = from.bits >> layout_.state_at & ((1U << layout_.state_bits) - 1);
    const std::uint64_t entry = (from.bits >> layout_.class_at & 0xFF) << 48 | descriptor_address(i) |
                                (layout_.state_bits == 3 ? state << 2 : 0) | (from.bits >> 12 & 1);
    const std::size_t page = (from.address >> 12 & 0x3FFFF) * 8;
    if (from.address < next_gib) {
      put(first, leaf_offset + page, entry);
      // What a merge leaves in the middle of a kept extent: no class and no descriptor.
      const bool is_kept = state != active && from.size > 8192;
      if (is_kept) put(first, leaf_offset + page + 8, std::uint64_t{class_count_} << 48);
    } else {
      put(second, second_leaf - second_base + page, entry);
    }
  }
  CoreWriter core;
  core.partly_dumped(base, first, base_size);
  core.partly_dumped(second_base, second, base_size);
  for (const Memory& memory : memory_) core.partly_dumped(memory.address, memory.bytes, memory.size);
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    const std::uint64_t start = tls + i * 0x10000;
    std::string bytes(2048, '\0');
    std::copy(threads_[i].bins.begin(), threads_[i].bins.end(), bytes.begin() + 256);
    core.segment(start, bytes + std::string(64, '\0'));
    core.thread({.os_id = threads_[i].os_id, .thread_pointer = start + 2048});
  }
  std::string root(32, '\0');
  if (page_map_) {  // its other words are not in the core
    put(root, 8, base + leaf_offset);
    put(root, 16, second_leaf);
  }
  core.partly_dumped(root_word - 8, root, 4096);
  return core;
}

}  // namespace tests
