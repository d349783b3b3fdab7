// Small written cores with one heap each, whole processes as an importer sees them: threads, stacks, data that points
// to blocks, a vector with a dead part, a free block with an old pointer. For tests that cut and flip them, and for the
// fuzzer's seeds.
#pragma once

#include <string>

#include "tests/support/core_writer.h"
#include "tests/support/glibc_heap_writer.h"
#include "tests/support/jemalloc_writer.h"
#include "tests/support/mimalloc_writer.h"
#include "tests/support/tcmalloc_writer.h"

namespace tests {

inline constexpr std::uint64_t sample_stack = 0x7ffc'0000'0000;
inline constexpr std::uint64_t sample_data = 0x404000;

/// A program's data, a stack and the thread on it, around the heap that `core` has.
inline void add_process(CoreWriter& core, std::uint64_t held, std::uint64_t vector_body) {
  core.segment(sample_data, std::string(512, '\0')).file(sample_data, sample_data + 0x1000, 0x3000, "/bin/sample");
  core.segment(sample_stack, std::string(1024, '\0'));
  core.word(sample_data + 0x10, held);
  core.word(sample_data + 0x80, vector_body).word(sample_data + 0x88, vector_body + 16);
  core.word(sample_data + 0x90, vector_body + 80);
  core.word(sample_stack + 0x200, held);
  core.thread({.os_id = 12, .signal = 11, .stack_pointer = sample_stack + 0x180, .registers = {held + 8}});
  core.process({.id = 11, .program = "sample", .arguments = "sample --flag"}).signal({.address = 16});
}

/// Both arenas, every kind of chunk, a corrupted one.
inline std::string glibc_sample(int version = 36) {
  GlibcHeapWriter heap({.version = version, .mangled = version >= 32, .with_arena = true});
  const auto held = heap.used(40);
  const auto body = heap.used(88);
  const auto text = heap.used(40);
  const auto freed = heap.free(200);
  heap.fast(40);
  heap.cached(104);
  heap.cached(104);
  const auto damaged = heap.used(56);
  heap.used(24);
  heap.used_in_arena(88);
  heap.free_in_arena(1000);
  heap.used_in_arena(24);
  heap.poke(held, text);
  heap.poke(body, held);
  heap.poke(body + 24, text);  // dead
  heap.poke(text, 0x6e65'7469'7277'0061);
  heap.poke(freed + 64, text);
  heap.poke(damaged + 56, 0x4141'4141'4141'4141);  // an overflow into the next chunk's size
  CoreWriter core = heap.core();
  add_process(core, held, body);
  return core.bytes();
}

inline std::string jemalloc_sample(JemallocWriter heap = JemallocWriter()) {
  const auto slab = heap.slab({.size_class = 5, .region = 80, .size = 20480, .free = {7, 255}});
  const auto large = heap.large({.size_class = 36, .usable = 16384, .offset = 0x340});
  heap.kept(JemallocWriter::dirty, 8192);
  heap.thread_cache(71, {{5, {slab + 160}}, {36, {large}}});
  CoreWriter core = heap.core();
  add_process(core, slab, slab + 80);
  return core.bytes();
}

/// Without threads and data: their writers lay out the whole core. 1.1 and 5 MB, nearly all of it zeroes.
inline std::string mimalloc_sample() {
  MimallocWriter heap;
  const auto segment = heap.segment();
  const auto first = heap.page(segment, {.block_size = 48, .capacity = 10, .free = {2, 5}, .local_free = {7}});
  heap.page(segment, {.block_size = 1024, .capacity = 3});
  heap.word(first, first + 48).word(first + 56, first + 144);
  return heap.bytes();
}

inline std::string tcmalloc_sample() {
  TcmallocWriter heap;
  const auto first = heap.span({.size_class = 4, .free = {2, 5}});
  heap.thread_cache({{4, {first + 48}}});
  heap.span({.size_class = 0, .pages = 3});
  heap.word(first, first + 3 * 48);
  return heap.bytes();
}

}  // namespace tests
