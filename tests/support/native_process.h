// A native process made by hand: a heap of blocks as glibc would lay them out, a program's data, other memory, a stack;
// and what the importer's steps make of it.
//
//   tests::NativeProcess process;
//   const std::uint64_t body = process.block(40);
//   process.words(process.data, {body});
//   process.find();
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "importers/native_types.h"
#include "tests/support/core_writer.h"

namespace tests {

class NativeProcess {
 public:
  static constexpr std::uint64_t heap = 0x10000000, heap_size = 0x40000;
  static constexpr std::uint64_t data = 0x20000000, constants = 0x30000000, code = 0x31000000;
  static constexpr std::uint64_t other = 0x50000000, stack = 0x7fff0000;  ///< `other`: memory of no file

  NativeProcess() {
    core.segment(heap, std::string(heap_size, '\0'));
    core.segment(data, std::string(0x2000, '\0'));
    core.segment(constants, std::string(0x4000, '\0'), "r");
    core.absent(code, 0x1000, "rx");
    core.segment(other, std::string(0x2000, '\0'));
    core.segment(stack, std::string(0x2000, '\0'));
    core.file(data, data + 0x1000, 0, "/bin/zoo");
    core.file(constants, constants + 0x4000, 0x4000, "/bin/zoo");
    core.file(code, code + 0x1000, 0x8000, "/bin/zoo");
    core.thread({.stack_pointer = stack + 0x1000});
  }

  /// A used block for a request of `size` bytes.
  std::uint64_t block(std::uint64_t size) {
    const std::uint64_t usable = std::max<std::uint64_t>(24, ((size + 8 + 15) & ~std::uint64_t{15}) - 8);
    const std::uint64_t address = next_;
    next_ += usable + 8;
    addresses.add(address);
    usable_.push_back(usable);
    return address;
  }
  void words(std::uint64_t at, const std::vector<std::uint64_t>& values) {
    for (const std::uint64_t value : values) {
      core.word(at, value);
      at += 8;
    }
  }
  /// Reads what has been written so far, and finds the blocks' types. Once.
  void find() {
    bytes_ = core.bytes();
    file = formats::elf::read_core({reinterpret_cast<const std::byte*>(bytes_.data()), bytes_.size()}, damage_);
    image = std::make_unique<formats::ProcessImage>(file);
    addresses.freeze();
    blocks = std::make_unique<importers::native::Blocks>(addresses, usable_);
    owned.add(heap, heap + heap_size);
    owned.freeze();
    typed = importers::native::find_types(*image, owned, *blocks, nullptr);
  }
  [[nodiscard]] std::string type_name(std::uint64_t address) const {
    return typed.types[typed.type_of[index(blocks->at(address))]].name;
  }
  [[nodiscard]] std::uint64_t word(std::uint64_t at) const { return image->word(at).value_or(0); }

  CoreWriter core;
  queries::AddressMap addresses;
  formats::elf::Core file;
  std::unique_ptr<formats::ProcessImage> image;
  std::unique_ptr<importers::native::Blocks> blocks;
  importers::native::AddressRanges owned;
  importers::native::TypedBlocks typed;

 private:
  std::uint64_t next_ = heap + 16;
  std::string bytes_;
  formats::DamageLog damage_;
  queries::SizeColumn usable_;
};

}  // namespace tests
