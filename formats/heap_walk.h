// What an allocator's own structures say of a process's heap: every block, used and free, found without symbols. One
// stem per allocator (glibc_heap, jemalloc_heap, tcmalloc_heap, mimalloc_heap); each checks itself against the
// allocator's counters and says how that went.
//
// A region is what an allocator got from the kernel, or carves blocks of one size from. Regions do not overlap; walks
// go region by region in address order, so that several allocators in one process merge by region.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "formats/damage_log.h"
#include "formats/process_image.h"

namespace formats {

enum class BlockState : std::uint8_t {
  used,    ///< handed out to the program
  cached,  ///< in a thread's cache: neither used nor reclaimable by other threads
  free,
};

struct HeapBlock {
  std::uint64_t address = 0;  ///< what malloc returned
  std::uint64_t usable = 0;   ///< bytes the program may write: malloc_usable_size()
  BlockState state = BlockState::used;
  std::int32_t bin = -1;  ///< of free and cached blocks: the allocator's bin (glibc) or size class; -1 = none
};

struct HeapRegion {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::string kind;        ///< "main arena", "arena", "mmapped chunk", "slab", "large", "span", "segment page" …
  std::string name;        ///< "glibc arena 0x7f…", "jemalloc arena 3, 48-byte slab"
  std::int32_t arena = 0;  ///< regions of one arena belong together
};

/// A self-validation: what the allocator counts and what the walk found.
struct HeapCheck {
  std::string name;  ///< "arena ring closed", "mmapped chunks", "free regions of slabs"
  std::uint64_t expected = 0;
  std::uint64_t found = 0;
  [[nodiscard]] bool ok() const { return expected == found; }
};

/// Memory that is the allocator's, not the program's: never scanned for references or roots.
struct AddressRange {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
};

using BlockVisitor = std::function<void(const HeapBlock&)>;

class HeapWalk {
 public:
  virtual ~HeapWalk() = default;
  [[nodiscard]] virtual std::string allocator() const = 0;  ///< "glibc malloc 2.35–2.41", "jemalloc 5"
  [[nodiscard]] virtual const std::vector<HeapRegion>& regions() const = 0;  ///< by start
  [[nodiscard]] virtual const std::vector<HeapCheck>& checks() const = 0;
  /// By start. Metadata inside regions needs no entry: only blocks are scanned there. Metadata inside used blocks (a
  /// thread cache's struct) does.
  [[nodiscard]] virtual const std::vector<AddressRange>& metadata() const = 0;
  /// Every block of a region, by address. Used blocks are never adjacent by mistake: overlap is a walk's bug. Memory
  /// O(1); may be called again and gives the same blocks. Corrupted places were put into the DamageLog by the finder.
  virtual void visit(std::size_t region, const BlockVisitor& block) const = 0;
  /// Blocks that the allocator took for itself and the program never asked for: address and what for.
  [[nodiscard]] virtual const std::vector<std::pair<std::uint64_t, std::string>>& own_blocks() const = 0;
};

/// nullptr when this allocator is not in the process. Damage offsets are offsets in the core file where known, else 0,
/// and the text names the address. O(image).
using FindHeap = std::unique_ptr<HeapWalk> (*)(const ProcessImage&, DamageLog&);

}  // namespace formats
