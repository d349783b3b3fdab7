#include "tests/support/tcmalloc_writer.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "tests/support/core_writer.h"

namespace tests {
namespace {

constexpr std::uint64_t heap_bytes = 2 << 20;
constexpr std::uint64_t metadata = 0x7f20'0000'0000, metadata_bytes = 64 << 10;
constexpr std::uint64_t leaf = 0x7f21'0000'0000;
constexpr std::uint64_t data = 0x7f22'0000'0000, data_bytes = 4096;  // of the library; .bss behind
constexpr std::uint64_t bss = data + data_bytes;
constexpr std::uint64_t table = bss + 0x104;  // the real one is aligned to 4 bytes only
constexpr std::uint64_t central = bss + 0x400, central_stride = 1216;
constexpr std::uint64_t root = bss + 0x8000;
constexpr std::uint64_t used_slots = 1152, slots = 128;

}  // namespace

TcmallocWriter::TcmallocWriter(unsigned page_shift, std::uint64_t heap, std::uint64_t spans_at)
    : shift_(page_shift),
      next_page_((heap + spans_at) >> page_shift),
      next_header_(metadata),
      next_cache_(metadata + 0x8000) {
  const std::uint64_t root_entries = std::uint64_t{1} << (48 - shift_ - leaf_bits());
  memory_[heap].resize(heap_bytes);
  memory_[metadata].resize(metadata_bytes);
  memory_[leaf].resize((std::size_t{1} << leaf_bits()) * 8);
  memory_[data].resize(data_bytes);
  memory_[bss].resize(root - bss + root_entries * 8);
  put(root + (next_page_ >> leaf_bits()) * 8, leaf);
  for (std::size_t i = 0; i < sizes.size(); ++i) put(table + i * 4, sizes[i]);
  for (unsigned i = 0; i < sizes.size(); ++i) {
    const std::uint64_t list = central_list(i);
    put(list + 8, std::uint64_t{i});
    for (const std::uint64_t ring : {16u, 64u}) {
      put(list + ring + 16, list + ring);
      put(list + ring + 24, list + ring);
    }
    put(list + used_slots + 4, std::int32_t{16});
    put(list + used_slots + 8, std::int32_t{64});
  }
}

template <typename T>
void TcmallocWriter::put(std::uint64_t address, T value) {
  auto place = memory_.upper_bound(address);
  if (place == memory_.begin() || address - std::prev(place)->first + sizeof value > std::prev(place)->second.size()) {
    std::fprintf(stderr, "TcmallocWriter: no memory at 0x%llx\n", static_cast<unsigned long long>(address));
    std::abort();
  }
  --place;
  std::memcpy(&place->second[address - place->first], &value, sizeof value);
}

std::uint64_t TcmallocWriter::word(std::uint64_t address) const {
  const auto place = std::prev(memory_.upper_bound(address));
  std::uint64_t value = 0;
  std::memcpy(&value, place->second.data() + (address - place->first), sizeof value);
  return value;
}

TcmallocWriter& TcmallocWriter::word(std::uint64_t address, std::uint64_t value) {
  put(address, value);
  return *this;
}

std::uint64_t TcmallocWriter::size_table() const { return table; }
std::uint64_t TcmallocWriter::central_list(unsigned size_class) const { return central + size_class * central_stride; }
std::uint64_t TcmallocWriter::page_map_entry(std::uint64_t address) const {
  return leaf + ((address >> shift_) & ((std::uint64_t{1} << leaf_bits()) - 1)) * 8;
}

std::uint64_t TcmallocWriter::span(const Span& span) {
  const std::uint64_t header = next_header_;
  const std::uint64_t start = next_page_ << shift_;
  const std::uint64_t bytes = span.pages << shift_;
  next_header_ += 48;
  next_page_ += span.pages;
  headers_[start] = header;
  put(header, start >> shift_);
  put(header + 8, span.pages);
  std::uint64_t out = 0;
  if (span.size_class != 0) {
    const auto size = static_cast<std::uint64_t>(sizes.at(span.size_class));
    std::uint64_t link = header + 32;
    for (const std::uint64_t object : span.free) {
      put(link, start + object * size);
      link = start + object * size;
    }
    put(link, std::uint64_t{0});
    out = bytes / size - span.free.size();
    const std::uint64_t counter = central_list(span.size_class) + 120;
    put(counter, word(counter) + span.free.size());
  }
  if (span.referenced >= 0) out = static_cast<std::uint64_t>(span.referenced);
  put(header + 40, static_cast<std::uint32_t>(out | std::uint64_t{span.size_class} << 16 |
                                              static_cast<std::uint64_t>(span.location) << 24));
  // Every page of a span of objects is in the page map, the first and last of others.
  for (std::uint64_t i = 0; i < span.pages; ++i) {
    if (span.size_class != 0 || i == 0 || i + 1 == span.pages) put(page_map_entry(start + (i << shift_)), header);
  }
  return start;
}

std::uint64_t TcmallocWriter::thread_cache(const std::map<unsigned, std::vector<std::uint64_t>>& lists) {
  const std::uint64_t cache = next_cache_;
  next_cache_ += sizes.size() * 32 + 64;
  for (unsigned i = 0; i < sizes.size(); ++i) put(cache + i * 32 + 24, sizes[i]);
  for (const auto& [size_class, objects] : lists) {
    std::uint64_t link = cache + size_class * 32;
    put(link + 8, static_cast<std::uint32_t>(objects.size()));
    for (const std::uint64_t object : objects) {
      put(link, object);
      link = object;
    }
    put(link, std::uint64_t{0});
  }
  return cache;
}

void TcmallocWriter::transfer(unsigned size_class, const std::vector<std::uint64_t>& objects) {
  const std::uint64_t list = central_list(size_class);
  const auto used = static_cast<std::uint32_t>(word(list + used_slots));
  put(list + used_slots, used + 1);
  put(list + slots + used * 16, objects.front());
  put(list + slots + used * 16 + 8, objects.back());
  for (std::size_t i = 0; i + 1 < objects.size(); ++i) put(objects[i], objects[i + 1]);
}

std::size_t TcmallocWriter::library_bytes() const { return memory_.at(data).size() + memory_.at(bss).size(); }

std::string TcmallocWriter::bytes() const {
  CoreWriter core;
  for (const auto& [address, bytes] : memory_) core.segment(address, bytes);
  core.file(data, data + data_bytes, 0x28000, "/usr/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4");
  return core.bytes();
}

}  // namespace tests
