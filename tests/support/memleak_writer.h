// Writes what bcc's memleak prints, in its published form and its current one, for tests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tests {

class MemleakWriter {
 public:
  explicit MemleakWriter(bool has_addresses = false) : has_addresses_(has_addresses) {
    text_ = "Attaching to pid 5193, Ctrl+C to quit.\n";
  }
  MemleakWriter& report(const std::string& time, int stacks) {
    text_ += "[" + time + "] Top " + std::to_string(stacks) + " stacks with outstanding allocations:\n";
    return *this;
  }
  /// Before its stack, as -a prints it.
  MemleakWriter& block(const std::string& address, std::uint64_t size) {
    text_ += "\taddr = " + address + " size = " + std::to_string(size) + "\n";
    return *this;
  }
  /// Frames "main+0x6d [allocs]", innermost first.
  MemleakWriter& stack(std::uint64_t bytes, std::uint64_t count, const std::vector<std::string>& frames) {
    text_ += "\t" + std::to_string(bytes) + " bytes in " + std::to_string(count) + " allocations from stack\n";
    for (const std::string& frame : frames)
      text_ += (has_addresses_ ? "\t\t0x0000559b4789639f\t" : "\t\t ") + frame + "\n";
    return *this;
  }
  [[nodiscard]] const std::string& bytes() const { return text_; }

 private:
  bool has_addresses_;
  std::string text_;
};

}  // namespace tests
