// The memory of a process as its core tells it: address → bytes. Pages that the core leaves out (file-backed ones, by
// the kernel's default filter) can be filled in from the files they were mapped from.
//
// Absent is not zero: a read of an absent byte fails.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "formats/elf_core.h"

namespace formats {

class ProcessImage {
 public:
  /// Bytes of equal permission, presence and backing. Neighbours differ in one of them.
  struct Range {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    const std::byte* data = nullptr;  ///< nullptr = absent
    std::int32_t file = -1;           ///< index into Core::files, -1 = anonymous
    bool readable = false;
    bool writable = false;
    bool executable = false;
    bool filled = false;  ///< from a module's file, not from the core

    [[nodiscard]] std::uint64_t size() const { return end - start; }
    [[nodiscard]] bool present() const { return data != nullptr; }
    [[nodiscard]] Bytes bytes() const { return present() ? Bytes{data, static_cast<std::size_t>(size())} : Bytes{}; }
  };

  /// Borrows the core and its file's bytes.
  explicit ProcessImage(const elf::Core& core);

  [[nodiscard]] const elf::Core& core() const { return *core_; }
  /// By address, none overlaps another. Ranges absent from the core are here too, also those that only NT_FILE knows
  /// (readable and executable then: their permissions are not known).
  [[nodiscard]] std::span<const Range> ranges() const { return ranges_; }
  /// The range that holds `address`, or nullptr. O(log ranges).
  [[nodiscard]] const Range* find(std::uint64_t address) const;
  /// Present bytes from `address` to the end of its range; empty when absent. A caller that may cross ranges uses
  /// read().
  [[nodiscard]] Bytes at(std::uint64_t address) const;
  /// Copies; false when a byte is absent.
  [[nodiscard]] bool read(std::uint64_t address, void* to, std::size_t size) const;
  template <typename T>
  [[nodiscard]] std::optional<T> load(std::uint64_t address) const {
    T value;
    if (!read(address, &value, sizeof value)) return std::nullopt;
    return value;
  }
  [[nodiscard]] std::optional<std::uint64_t> word(std::uint64_t address) const { return load<std::uint64_t>(address); }
  /// NUL-terminated text of at most `limit` bytes; nothing when it runs into absent bytes or has no end.
  [[nodiscard]] std::optional<std::string> text(std::uint64_t address, std::size_t limit = 4096) const;

  /// Bytes for absent addresses in [address, address + bytes.size()); those that the core has stay. Borrows `bytes`.
  /// Returns how many bytes became present. O(ranges).
  std::uint64_t fill(std::uint64_t address, Bytes bytes);

 private:
  void index_ranges();

  const elf::Core* core_;
  std::vector<Range> ranges_;
  std::vector<std::uint64_t> starts_;  ///< of ranges_: what find() searches, eight to a cache line
};

}  // namespace formats
