#include "formats/jemalloc_heap.h"

#include <algorithm>

#include "formats/jemalloc_extents.h"
#include "formats/jemalloc_tcache.h"

namespace formats {
namespace {

using jemalloc::Extent;
using jemalloc::Extents;
using jemalloc::ExtentState;
using jemalloc::SizeClasses;
using jemalloc::ThreadCache;
using jemalloc::ThreadCaches;

class JemallocHeap final : public HeapWalk {
 public:
  JemallocHeap(const ProcessImage& image, Extents extents, DamageLog& damage)
      : image_(image),
        extents_(std::move(extents)),
        classes_(extents_.alignment),
        caches_(find_thread_caches(image, extents_, classes_, damage)) {
    make_regions();
    make_checks();
    make_metadata();
  }

  [[nodiscard]] std::string allocator() const override {
    return "jemalloc " + std::string(extents_.layout->versions) +
           (extents_.alignment == 8 ? " (8-byte alignment)" : "");
  }
  [[nodiscard]] const std::vector<HeapRegion>& regions() const override { return regions_; }
  [[nodiscard]] const std::vector<HeapCheck>& checks() const override { return checks_; }
  [[nodiscard]] const std::vector<AddressRange>& metadata() const override { return metadata_; }
  [[nodiscard]] const std::vector<std::pair<std::uint64_t, std::string>>& own_blocks() const override {
    return own_blocks_;
  }

  void visit(std::size_t region, const BlockVisitor& block) const override {
    const Extent& extent = extents_.extents[region];
    if (!extent.in_use) {
      block({extent.start, extent.size, BlockState::free, -1});
    } else if (extent.slab) {
      visit_slab(extent, block);
    } else {
      const bool cached = std::binary_search(caches_.cached.begin(), caches_.cached.end(), extent.address);
      block({extent.address, classes_.size(extent.size_class), cached ? BlockState::cached : BlockState::used,
             cached ? extent.size_class : -1});
    }
  }

 private:
  void visit_slab(const Extent& extent, const BlockVisitor& block) const {
    const auto bitmap = jemalloc::slab_bitmap(image_, extent);
    if (!bitmap) return;  // the finder saw it: cannot be
    const std::uint64_t size = classes_.size(extent.size_class);
    auto cached = std::lower_bound(caches_.cached.begin(), caches_.cached.end(), extent.start);
    const auto regions = static_cast<unsigned>(extent.size / size);
    for (unsigned i = 0; i < regions; ++i) {
      HeapBlock found{extent.start + i * size, size, BlockState::used, -1};
      if (((*bitmap)[i / 64] >> i % 64 & 1) != 0) {
        found.state = BlockState::free;
      } else {
        while (cached != caches_.cached.end() && *cached < found.address) ++cached;
        if (cached != caches_.cached.end() && *cached == found.address) found.state = BlockState::cached;
      }
      if (found.state != BlockState::used) found.bin = extent.size_class;
      block(found);
    }
  }

  void make_regions() {
    regions_.reserve(extents_.extents.size());
    for (const Extent& extent : extents_.extents) {
      HeapRegion region{extent.start, extent.end(), kind_of(extent), "", extent.arena};
      region.name = "jemalloc arena " + std::to_string(extent.arena) + ", ";
      if (extent.in_use) region.name += std::to_string(classes_.size(extent.size_class)) + "-byte ";
      region.name += region.kind;
      regions_.push_back(std::move(region));
    }
  }
  static std::string kind_of(const Extent& extent) {
    switch (extent.state) {
      case ExtentState::dirty: return "dirty extent";
      case ExtentState::muzzy: return "muzzy extent";
      case ExtentState::retained: return "retained extent";
      case ExtentState::active: break;
    }
    if (!extent.in_use) return "idle extent";
    return extent.slab ? "slab" : "large";
  }

  void make_checks() {
    std::uint64_t counted = 0;
    std::uint64_t in_bitmaps = 0;
    for (const Extent& extent : extents_.extents) {
      if (!extent.slab) continue;
      counted += extent.free_regions;
      if (const auto bitmap = jemalloc::slab_bitmap(image_, extent)) {
        in_bitmaps +=
            jemalloc::free_regions(*bitmap, static_cast<unsigned>(extent.size / classes_.size(extent.size_class)));
      }
    }
    checks_.push_back({"free regions of slabs", counted, in_bitmaps});
    checks_.push_back({"slabs that contradict themselves", 0, extents_.contradictions});
    checks_.push_back({"overlapping extents", 0, extents_.overlaps});
    checks_.push_back({"extents in the page map", extents_.mapped, extents_.mapped_right});
    checks_.push_back({"page map entries read", extents_.entries, extents_.entries_read});
    checks_.push_back({"blocks of metadata", extents_.base_links, extents_.base_links_found});
    checks_.push_back({"blocks in thread caches", caches_.entries, caches_.entries_right});
  }

  void make_metadata() {
    for (const jemalloc::BaseBlock& block : extents_.base_blocks) metadata_.push_back({block.start, block.end});
    for (const ThreadCache& cache : caches_.caches) {
      metadata_.push_back({cache.bins, cache.bins_end});
      metadata_.push_back({cache.stacks, cache.stacks_end});
      own_blocks_.emplace_back(cache.block, cache.thread != 0 ? "thread cache of thread " + std::to_string(cache.thread)
                                                              : "thread cache made by the program");
    }
    std::sort(metadata_.begin(), metadata_.end(),
              [](const AddressRange& a, const AddressRange& b) { return a.start < b.start; });
    std::sort(own_blocks_.begin(), own_blocks_.end());
  }

  const ProcessImage& image_;
  Extents extents_;
  SizeClasses classes_;
  ThreadCaches caches_;
  std::vector<HeapRegion> regions_;
  std::vector<HeapCheck> checks_;
  std::vector<AddressRange> metadata_;
  std::vector<std::pair<std::uint64_t, std::string>> own_blocks_;
};

}  // namespace

std::unique_ptr<HeapWalk> find_jemalloc_heap(const ProcessImage& image, DamageLog& damage) {
  std::optional<Extents> extents = jemalloc::find_extents(image, damage);
  if (!extents) return nullptr;
  return std::make_unique<JemallocHeap>(image, std::move(*extents), damage);
}

}  // namespace formats
