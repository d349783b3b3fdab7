// Writes the memory of a process that uses glibc's malloc into a core: arenas, bins, thread cache, mmapped blocks, as
// malloc.c lays them out on x86-64 and AArch64. A block is what a test says it is, in the order of the calls.
//
//   tests::GlibcHeapWriter heap;                      // 2.36, links mangled
//   const auto a = heap.used(24);
//   heap.free(1000);                                  // in the unsorted bin
//   heap.poke(a + 24, 0x4141414141414141);            // what the program overflowed
//   const std::string core = heap.core().bytes();
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "formats/glibc_layout.h"
#include "tests/support/core_writer.h"

namespace tests {

class GlibcHeapWriter {
 public:
  struct Options {
    int version = 36;            ///< minor
    bool mangled = true;         ///< safe-linking
    bool with_libc_data = true;  ///< false: main_arena is not in the core
    bool with_arena = false;     ///< a second arena with one heap
    CoreWriter::Machine machine = CoreWriter::Machine::x86_64;
  };
  GlibcHeapWriter() : GlibcHeapWriter(Options{}) {}
  explicit GlibcHeapWriter(const Options& options);

  enum class Kind : std::uint8_t { used, free, fast, cached, fencepost, foreign };
  /// Blocks of the main heap; `usable` is 24 + 16 n. The address that malloc returned.
  std::uint64_t used(std::uint64_t usable) { return add(main_, usable + 8, Kind::used); }
  std::uint64_t free(std::uint64_t usable) { return add(main_, usable + 8, Kind::free); }
  std::uint64_t fast(std::uint64_t usable) { return add(main_, usable + 8, Kind::fast); }
  std::uint64_t cached(std::uint64_t usable) { return add(main_, usable + 8, Kind::cached); }
  /// Two fenceposts and `bytes` that someone else took by sbrk().
  void foreign(std::uint64_t bytes);
  /// Blocks of the second arena.
  std::uint64_t used_in_arena(std::uint64_t usable) { return add(other_, usable + 8, Kind::used); }
  std::uint64_t free_in_arena(std::uint64_t usable) { return add(other_, usable + 8, Kind::free); }
  /// A block with a mapping of its own; with an alignment, as memalign() leaves it.
  std::uint64_t mmapped(std::uint64_t usable, std::uint64_t alignment = 16);
  /// A word of the heap, last of all.
  void poke(std::uint64_t address, std::uint64_t value) { pokes_.emplace_back(address, value); }

  [[nodiscard]] std::uint64_t tcache() const;      ///< the struct's address
  [[nodiscard]] std::uint64_t main_arena() const;  ///< of malloc_state
  [[nodiscard]] std::uint64_t heap_start() const { return main_.start; }
  [[nodiscard]] CoreWriter core() const;

 private:
  struct Chunk {
    std::uint64_t address = 0;
    std::uint64_t size = 0;
    Kind kind = Kind::used;
  };
  struct Area {
    std::uint64_t start = 0;
    std::uint64_t next = 0;
    std::vector<Chunk> chunks;
  };
  struct Mapping {
    std::uint64_t start = 0;
    std::uint64_t size = 0;
    std::uint64_t offset = 0;
  };
  static std::uint64_t add(Area& area, std::uint64_t size, Kind kind);
  [[nodiscard]] static std::uint64_t end_of(const Area& area);
  [[nodiscard]] std::uint64_t mangle(std::uint64_t at, std::uint64_t target) const;
  void write_chunks(CoreWriter& core, const Area& area, std::uint64_t arena) const;
  void write_arena(CoreWriter& core, const Area& area, std::uint64_t arena, std::uint64_t next,
                   std::uint64_t system_mem) const;
  void write_lists(CoreWriter& core, const Area& area, std::uint64_t arena) const;
  void write_tcache(CoreWriter& core) const;
  void write_parameters(CoreWriter& core) const;

  Options options_;
  const formats::glibc::ArenaLayout* arena_layout_;
  const formats::glibc::ParametersLayout* parameters_layout_;
  const formats::glibc::HeapInfoLayout* heap_info_;
  const formats::glibc::TcacheLayout* tcache_layout_;
  Area main_;
  Area other_;
  std::vector<Mapping> mappings_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> pokes_;
};

}  // namespace tests
