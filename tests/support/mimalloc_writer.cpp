#include "tests/support/mimalloc_writer.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "tests/support/core_writer.h"

namespace tests {

struct MimallocWriter::Fields {
  std::uint64_t cookie, used, total, thread, entries, slices, stride;                   // of a segment
  std::uint64_t page_used, page_used_bytes, block_size, local_free, thread_free, heap;  // of a page
  std::uint64_t block_start;                                                            // 0 = not stored
  std::uint64_t delayed;                                                                // of a heap
};

namespace {

constexpr MimallocWriter::Version stored = MimallocWriter::Version::v2_2;
constexpr std::uint64_t heap_at = 0x7f6f'c9d3'a4c0, heap_page = 0x7f6f'c9d3'a000, thread_id = 0x7f6f'c9ce'b780;

}  // namespace

MimallocWriter::MimallocWriter(Version version) {
  static constexpr Fields v2_0{216, 208, 224, 256, 248, 264, 80, 24, 4, 28, 32, 40, 48, 0, 2840};
  static constexpr Fields v2_2{256, 248, 280, 312, 304, 320, 96, 32, 2, 40, 24, 56, 64, 48, 8};
  fields_ = version == stored ? &v2_2 : &v2_0;
  memory_[heap_page].resize(3 * 4096);
  put(heap_at + fields_->delayed + 8, thread_id);
}

template <typename T>
void MimallocWriter::put(std::uint64_t address, T value) {
  auto place = memory_.upper_bound(address);
  if (place == memory_.begin() || address - std::prev(place)->first + sizeof value > std::prev(place)->second.size()) {
    std::fprintf(stderr, "MimallocWriter: no memory at 0x%llx\n", static_cast<unsigned long long>(address));
    std::abort();
  }
  --place;
  std::memcpy(&place->second[address - place->first], &value, sizeof value);
}

std::uint64_t MimallocWriter::word(std::uint64_t address) const {
  const auto place = std::prev(memory_.upper_bound(address));
  std::uint64_t value = 0;
  std::memcpy(&value, place->second.data() + (address - place->first), sizeof value);
  return value;
}

MimallocWriter& MimallocWriter::word(std::uint64_t address, std::uint64_t value) {
  put(address, value);
  return *this;
}

std::uint64_t MimallocWriter::make_segment(std::uint64_t slices, std::uint32_t kind) {
  const std::uint64_t base = next_segment_;
  next_segment_ += (slices * slice + segment_size - 1) / segment_size * segment_size;
  memory_[base].resize(dumped_slices * slice);
  segments_[base].slices = slices;
  const std::uint64_t entries = slices < 512 ? slices : 512;
  put(base + fields_->cookie, base ^ secret);
  put(base + fields_->total, slices);
  put(base + fields_->total + 8, std::uint64_t{1});
  put(base + fields_->total + 16, kind);
  put(base + fields_->entries, entries);
  put(base + fields_->thread, thread_id);
  put(base + fields_->slices, std::uint32_t{1});
  return base;
}

std::uint64_t MimallocWriter::segment() {
  const std::uint64_t base = make_segment(512, 0);
  finish_slices(base);
  return base;
}

std::uint64_t MimallocWriter::huge(std::uint64_t bytes) {
  const std::uint64_t slices = (bytes + slice - 1) / slice + 1;
  const std::uint64_t base = make_segment(slices, 1);
  return page(base, {.block_size = (slices - 1) * slice, .capacity = 1, .slices = slices - 1});
}

/// What is left of a segment is one free span.
void MimallocWriter::finish_slices(std::uint64_t base) {
  const Segment& segment = segments_.at(base);
  put(base + fields_->used, segment.pages);
  if (segment.next_slice >= 512) return;
  put(base + fields_->slices + segment.next_slice * fields_->stride,
      static_cast<std::uint32_t>(512 - segment.next_slice));
}

std::uint64_t MimallocWriter::page(std::uint64_t base, const Page& page) {
  Segment& segment = segments_.at(base);
  const std::uint64_t header = base + fields_->slices + segment.next_slice * fields_->stride;
  const std::uint64_t start = base + segment.next_slice * slice;
  const std::uint64_t size = page.slices * slice;
  const std::uint64_t offset = fields_->block_start != 0 ? 3 * page.block_size * (page.block_size <= 64 ? 1 : 0)
                               : page.block_size <= 1024 ? 384
                                                         : 0;
  const std::uint64_t first = start + offset;
  put(header, static_cast<std::uint32_t>(page.slices));
  put(header + 10, page.capacity);
  put(header + 12, static_cast<std::uint16_t>((size - offset) / page.block_size));
  const auto list = [&](std::uint64_t at, const std::vector<std::uint64_t>& blocks, std::uint64_t flags) {
    std::uint64_t link = at;
    for (const std::uint64_t block : blocks) {
      const std::uint64_t address = first + block * page.block_size;
      put(link, address | (link == at ? flags : 0));
      link = address;
    }
    put(link, link == at ? flags : std::uint64_t{0});
  };
  list(header + 16, page.free, 0);
  list(header + fields_->local_free, page.local_free, 0);
  list(header + fields_->thread_free, page.thread_free, 2);
  const std::uint64_t used = page.used >= 0 ? static_cast<std::uint64_t>(page.used)
                                            : page.capacity - page.free.size() - page.local_free.size();
  if (fields_->page_used_bytes == 2) {
    put(header + fields_->page_used, static_cast<std::uint16_t>(used));
    put(header + fields_->block_size, page.block_size);
    put(header + fields_->block_start, first);
  } else {
    put(header + fields_->page_used, static_cast<std::uint32_t>(used));
    put(header + fields_->block_size, static_cast<std::uint32_t>(page.block_size));
  }
  put(header + fields_->heap, heap_at);
  segment.next_slice += page.slices;
  ++segment.pages;
  finish_slices(base);
  return first;
}

void MimallocWriter::delayed(const std::vector<std::uint64_t>& blocks) {
  std::uint64_t link = heap_at + fields_->delayed;
  for (const std::uint64_t block : blocks) {
    put(link, block);
    link = block;
  }
  put(link, std::uint64_t{0});
}

std::uint64_t MimallocWriter::heap_address() const { return heap_at; }

std::uint64_t MimallocWriter::header_of(std::uint64_t block) const {
  const std::uint64_t base = std::prev(segments_.upper_bound(block))->first;
  return base + fields_->slices + (block - base) / slice * fields_->stride;
}

std::uint64_t MimallocWriter::cookie_of(std::uint64_t segment) const { return segment + fields_->cookie; }

std::string MimallocWriter::bytes() const {
  CoreWriter core;
  for (const auto& [address, bytes] : memory_) {
    core.segment(address, bytes);
    const auto segment = segments_.find(address);
    if (segment == segments_.end()) continue;
    core.absent(address + bytes.size(), segment->second.slices * slice - bytes.size(), "");
  }
  return core.bytes();
}

}  // namespace tests
