#include "tests/support/glibc_heap_writer.h"

#include <algorithm>
#include <map>
#include <string>

namespace tests {
namespace {

using namespace formats::glibc;

constexpr std::uint64_t libc_data = 0x7ffff7e00000;
constexpr std::uint64_t libc_data_size = 0x4000;
constexpr std::uint64_t parameters = libc_data + 0x100;
constexpr std::uint64_t arena_offset = 0x1000;
constexpr std::uint64_t tls = 0x7ffff7c00000;
constexpr std::uint64_t thread_pointer = tls + 0xf00;
constexpr std::uint64_t first_mapping = 0x7ffff0000000;
constexpr std::uint64_t arena_heap = 0x7fffe0000000;

template <typename Rows>
auto row_of(const Rows& rows, int version) {
  const auto found = std::find_if(rows.begin(), rows.end(), [version](const auto& row) {
    return row.first_version <= version && version <= row.last_version;
  });
  return found == rows.end() ? nullptr : &*found;  // tcaches came with 2.26
}

std::uint64_t page_up(std::uint64_t size) { return (size + page - 1) & ~(page - 1); }

}  // namespace

GlibcHeapWriter::GlibcHeapWriter(const Options& options)
    : options_(options),
      arena_layout_(row_of(arena_layouts, options.version)),
      parameters_layout_(row_of(parameters_layouts, options.version)),
      heap_info_(row_of(heap_info_layouts, options.version)),
      tcache_layout_(row_of(tcache_layouts, options.version)) {
  main_.start = main_.next = 0x555555559000;
  other_.start = arena_heap;
  other_.next = (arena_heap + heap_info_->size + arena_layout_->size + 15) & ~std::uint64_t{15};
  if (tcache_layout_ != nullptr) add(main_, tcache_layout_->chunk_size, Kind::used);
}

std::uint64_t GlibcHeapWriter::tcache() const { return main_.start + 16; }
std::uint64_t GlibcHeapWriter::main_arena() const { return libc_data + arena_offset; }

std::uint64_t GlibcHeapWriter::add(Area& area, std::uint64_t size, Kind kind) {
  const std::uint64_t chunk = area.next;
  area.chunks.push_back({chunk, size, kind});
  area.next += size;
  return chunk + 16;
}

void GlibcHeapWriter::foreign(std::uint64_t bytes) {
  add(main_, 16, Kind::fencepost);
  add(main_, 16, Kind::fencepost);
  add(main_, bytes, Kind::foreign);
}

std::uint64_t GlibcHeapWriter::mmapped(std::uint64_t usable, std::uint64_t alignment) {
  const std::uint64_t start =
      mappings_.empty() ? first_mapping : page_up(mappings_.back().start + mappings_.back().size);
  std::uint64_t block = (start + 16 + alignment - 1) & ~(alignment - 1);
  if (block != start + 16 && block - start < 48) block += alignment;
  const std::uint64_t offset = block - 16 - start;
  mappings_.push_back({start, page_up(offset + usable + 24), offset});
  return block;
}

/// With room for a top chunk.
std::uint64_t GlibcHeapWriter::end_of(const Area& area) { return page_up(area.next + 4096); }

std::uint64_t GlibcHeapWriter::mangle(std::uint64_t at, std::uint64_t target) const {
  return options_.mangled ? target ^ (at >> 12) : target;
}

void GlibcHeapWriter::write_chunks(CoreWriter& core, const Area& area, std::uint64_t arena) const {
  bool before_in_use = true;
  for (const Chunk& chunk : area.chunks) {
    const bool in_use = chunk.kind != Kind::free;
    if (chunk.kind == Kind::foreign) continue;
    const bool flagged = arena != main_arena() && in_use;
    core.word(chunk.address + 8, chunk.size | (before_in_use ? prev_in_use : 0) | (flagged ? non_main_arena : 0));
    if (!in_use) core.word(chunk.address + chunk.size, chunk.size);
    before_in_use = in_use;
  }
  core.word(area.next + 8, (end_of(area) - area.next) | (before_in_use ? prev_in_use : 0));
}

void GlibcHeapWriter::write_lists(CoreWriter& core, const Area& area, std::uint64_t arena) const {
  const std::uint64_t unsorted = arena + arena_layout_->bins - 16;
  const bool has_arena = options_.with_libc_data || arena != main_arena();
  std::uint64_t before = unsorted;
  std::map<std::uint64_t, std::uint64_t> fast;  // size → the chunk put on last
  for (const Chunk& chunk : area.chunks) {
    if (chunk.kind == Kind::free) {
      if (before != unsorted || has_arena) core.word(before + 16, chunk.address);
      core.word(chunk.address + 24, before);
      before = chunk.address;
    } else if (chunk.kind == Kind::fast) {
      std::uint64_t& head = fast[chunk.size];
      core.word(chunk.address + 16, mangle(chunk.address + 16, head));
      head = chunk.address;
    }
  }
  if (!has_arena) return;
  core.word(before + 16, unsorted).word(unsorted + 24, before);
  for (const auto& [size, head] : fast) core.word(arena + arena_layout_->fastbins + (size - 32) / 2, head);
}

void GlibcHeapWriter::write_arena(CoreWriter& core, const Area& area, std::uint64_t arena, std::uint64_t next,
                                  std::uint64_t system_mem) const {
  for (unsigned i = 1; i < bin_count; ++i) {
    const std::uint64_t bin = arena + arena_layout_->bins + i * 16 - 32;
    core.word(bin + 16, bin).word(bin + 24, bin);
  }
  core.word(arena + arena_layout_->top, area.next).word(arena + arena_layout_->next, next);
  core.word(arena + arena_layout_->system_mem, system_mem);
  if (options_.version >= 23) core.word(arena + arena_layout_->system_mem - 8, 1);  // attached_threads
}

void GlibcHeapWriter::write_tcache(CoreWriter& core) const {
  if (tcache_layout_ == nullptr) return;
  std::map<std::uint64_t, std::pair<unsigned, std::uint64_t>> lists;  // bin → count, head
  for (const Chunk& chunk : main_.chunks) {
    if (chunk.kind != Kind::cached) continue;
    auto& [count, head] = lists[(chunk.size - 32) / 16];
    core.word(chunk.address + 16, mangle(chunk.address + 16, head));
    head = chunk.address + 16;
    ++count;
  }
  for (unsigned i = 0; i < tcache_layout_->bins; ++i) {
    const auto list = lists.find(i);
    const unsigned count = list == lists.end() ? 0 : list->second.first;
    const unsigned stored = tcache_layout_->counts_down ? 7 - count : count;
    if (tcache_layout_->count_bytes == 1) {
      core.value_at(tcache() + i, static_cast<std::uint8_t>(stored));
    } else {
      core.value_at(tcache() + std::uint64_t{i} * 2, static_cast<std::uint16_t>(stored));
    }
    if (count != 0) core.word(tcache() + tcache_layout_->entries() + std::uint64_t{i} * 8, list->second.second);
  }
}

void GlibcHeapWriter::write_parameters(CoreWriter& core) const {
  std::uint64_t bytes = 0;
  for (const Mapping& mapping : mappings_) bytes += mapping.size;
  core.word(parameters + 24, 8);
  core.value_at(parameters + parameters_layout_->n_mmaps, static_cast<std::uint32_t>(mappings_.size()));
  core.value_at(parameters + parameters_layout_->n_mmaps + 4, default_n_mmaps_max);
  core.word(parameters + parameters_layout_->mmapped_mem, bytes);
  core.word(parameters + parameters_layout_->sbrk_base, main_.start);
  if (tcache_layout_ == nullptr) return;
  core.word(parameters + parameters_layout_->tcache_bins, tcache_small_bins);
  core.word(parameters + parameters_layout_->tcache_bins + 8, 1032);
}

CoreWriter GlibcHeapWriter::core() const {
  CoreWriter core(options_.machine);
  core.segment(main_.start, std::string(end_of(main_) - main_.start, '\0'));
  const std::uint64_t other_arena = arena_heap + heap_info_->size;
  const std::uint64_t other_size = end_of(other_) - other_.start;
  if (options_.with_arena) core.segment(arena_heap, std::string(other_size, '\0'));
  for (const Mapping& mapping : mappings_) core.segment(mapping.start, std::string(mapping.size, '\0'));
  core.segment(tls, std::string(page, '\0'));
  if (options_.with_libc_data) {
    core.segment(libc_data, std::string(libc_data_size, '\0'));
    core.file(libc_data, libc_data + libc_data_size, 0, "/lib/libc.so.6");
    write_arena(core, main_, main_arena(), options_.with_arena ? other_arena : main_arena(),
                end_of(main_) - main_.start);
    write_parameters(core);
  }
  write_chunks(core, main_, main_arena());
  write_lists(core, main_, main_arena());
  write_tcache(core);
  if (options_.with_arena) {
    core.word(arena_heap, other_arena).word(arena_heap + 16, other_size).word(arena_heap + 24, other_size);
    write_arena(core, other_, other_arena, main_arena(), other_size);
    write_chunks(core, other_, other_arena);
    write_lists(core, other_, other_arena);
  }
  for (const Mapping& mapping : mappings_) {
    const std::uint64_t size = mapping.size - arena_layout_->mmapped_extra;
    core.word(mapping.start + 8, size | is_mmapped);
    core.word(mapping.start + mapping.offset, mapping.offset);
    core.word(mapping.start + mapping.offset + 8, (size - mapping.offset) | is_mmapped);
  }
  const bool variant_two = options_.machine == CoreWriter::Machine::x86_64;  // static TLS below the thread pointer
  if (tcache_layout_ != nullptr) core.word(variant_two ? thread_pointer - 64 : thread_pointer + 64, tcache());
  core.thread({.os_id = 7, .thread_pointer = thread_pointer});
  for (const auto& [address, value] : pokes_) core.word(address, value);
  return core;
}

}  // namespace tests
