#include "importers/native_stale_words.h"

#include <algorithm>
#include <array>
#include <optional>

#include "formats/machine_code_decoder.h"
#include "importers/native_places.h"

namespace importers::native {
namespace {

using queries::no_object;

constexpr std::size_t most_rows = 10'000;
constexpr std::uint64_t most_dead_bytes = 8 << 20;  // of a stack, from its live part down

class Finder {
 public:
  Finder(const Process& process, const Blocks& blocks, queries::Snapshot& snapshot)
      : process_(process), blocks_(blocks), snapshot_(snapshot), memory_(process.image), names_(process.symbols) {}

  /// From the live part down, so that the return address above each word is known.
  void look_at(const ThreadMemory& stack, std::int64_t thread) {
    if (stack.stack.start >= stack.live || stack.live <= stack.red_zone) return;
    const std::uint64_t top = (stack.live - stack.red_zone) & ~std::uint64_t{7};
    const std::uint64_t bottom = std::max(stack.stack.start, top > most_dead_bytes ? top - most_dead_bytes : 0);
    std::uint64_t return_address = 0;
    for (std::uint64_t at = top; at >= bottom + 8;) {
      at -= 8;
      std::uint64_t word = 0;
      if (!memory_.word(at, word) || word == 0) continue;
      if (is_return_address(word)) {
        return_address = word;
      } else if (const queries::ObjectId id = blocks_.at(word); id != no_object) {
        if (snapshot_.stale_words.size() == most_rows) return;
        snapshot_.stale_words.push_back({at, thread, id, callee(return_address), function(return_address)});
      }
    }
  }

 private:
  bool is_return_address(std::uint64_t word) {
    const formats::ProcessImage::Range* range = process_.image.find(word);
    if (range == nullptr || !range->executable) return false;
    std::array<std::byte, 7> before{};
    return process_.image.read(word - before.size(), before.data(), before.size()) && decoder_.ends_with_call(before);
  }

  /// The function that a direct call right before the return address calls; "" = not known.
  [[nodiscard]] std::string callee(std::uint64_t return_address) const {
    std::array<std::byte, 5> call{};
    if (return_address == 0 || !process_.image.read(return_address - call.size(), call.data(), call.size()) ||
        call[0] != std::byte{0xE8}) {
      return {};
    }
    const auto distance = static_cast<std::int32_t>(formats::load_le<std::uint32_t>(&call[1]));
    const std::uint64_t target = return_address + static_cast<std::uint64_t>(std::int64_t{distance});
    const auto symbol = process_.symbols.find(target);
    return symbol && symbol->address == target ? symbol->name : std::string();  // else an import, by the linker's table
  }
  [[nodiscard]] std::string function(std::uint64_t return_address) const {
    return return_address == 0 ? std::string() : names_.symbol(return_address - 1);
  }

  const Process& process_;
  const Blocks& blocks_;
  queries::Snapshot& snapshot_;
  Memory memory_;
  SymbolNames names_;
  formats::machine_code::Decoder decoder_;
};

}  // namespace

void find_stale_words(const Process& process, const std::vector<ThreadMemory>& memory, const Blocks& blocks,
                      queries::Snapshot& snapshot) {
  if (process.core.machine != formats::elf::Machine::x86_64) return;
  Finder finder(process, blocks, snapshot);
  for (std::size_t i = 0; i < memory.size(); ++i) finder.look_at(memory[i], static_cast<std::int64_t>(i));
}

}  // namespace importers::native
