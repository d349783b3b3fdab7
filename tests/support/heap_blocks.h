// What a heap walk answers, as tests ask it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "formats/elf_core.h"
#include "formats/heap_walk.h"

namespace tests {

/// A core's heap with everything that it borrows.
class WalkedHeap {
 public:
  WalkedHeap(formats::Bytes core, formats::FindHeap find)
      : core_(formats::elf::read_core(core, damage)), image_(core_), walk(find(image_, damage)) {
    if (walk == nullptr) return;
    std::uint64_t end = 0;
    for (std::size_t i = 0; i < walk->regions().size(); ++i) {
      const formats::HeapRegion& region = walk->regions()[i];
      ++kinds[region.kind];
      ordered = ordered && region.start >= end && region.start < region.end;
      walk->visit(i, [&](const formats::HeapBlock& block) {
        ordered = ordered && block.address >= end && block.address >= region.start &&
                  block.usable <= region.end - block.address;
        end = block.address + block.usable;
        blocks[block.address] = block;
      });
      end = std::max(end, region.end);
    }
  }
  WalkedHeap(const std::string& core, formats::FindHeap find)
      : WalkedHeap(formats::Bytes{reinterpret_cast<const std::byte*>(core.data()), core.size()}, find) {}
  WalkedHeap(const WalkedHeap&) = delete;
  WalkedHeap& operator=(const WalkedHeap&) = delete;

  [[nodiscard]] std::size_t count(formats::BlockState state) const {
    std::size_t all = 0;
    for (const auto& [address, block] : blocks) all += block.state == state ? 1 : 0;
    return all;
  }
  [[nodiscard]] bool is(std::uint64_t address, formats::BlockState state) const {
    const auto found = blocks.find(address);
    return found != blocks.end() && found->second.state == state;
  }
  /// "" = every check holds, else the first that does not.
  [[nodiscard]] std::string failed_check() const {
    for (const formats::HeapCheck& check : walk->checks()) {
      if (!check.ok()) return check.name;
    }
    return {};
  }
  [[nodiscard]] bool is_metadata(std::uint64_t address) const {
    for (const formats::AddressRange& range : walk->metadata()) {
      if (address >= range.start && address < range.end) return true;
    }
    return false;
  }
  [[nodiscard]] bool tells(const std::string& what) const {
    for (const formats::Damage& entry : damage.entries()) {
      if (entry.what.find(what) != std::string::npos) return true;
    }
    return false;
  }

  formats::DamageLog damage;

 private:
  formats::elf::Core core_;
  formats::ProcessImage image_;

 public:
  std::unique_ptr<formats::HeapWalk> walk;
  std::map<std::uint64_t, formats::HeapBlock> blocks;
  std::map<std::string, std::size_t> kinds;
  bool ordered = true;  ///< blocks by address, none overlaps, none leaves its region
};

}  // namespace tests
