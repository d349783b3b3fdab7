// Writes LeakSanitizer's reports for tests.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace tests {

class SanitizerWriter {
 public:
  explicit SanitizerWriter(const std::string& banner = "==77==", bool is_coloured = false) : is_coloured_(is_coloured) {
    text_ = "output of the program\n\n=================================================================\n" +
            coloured("31", banner + "ERROR: LeakSanitizer: detected memory leaks") + "\n";
  }
  /// Frames: "FUNCTION PLACE", innermost first.
  SanitizerWriter& leak(const std::string& kind, std::uint64_t bytes, std::uint64_t objects,
                        const std::vector<std::string>& frames) {
    text_ += "\n" +
             coloured("34", kind + " leak of " + std::to_string(bytes) + " byte(s) in " + std::to_string(objects) +
                                " object(s) allocated from:") +
             "\n";
    for (std::size_t i = 0; i < frames.size(); ++i) {
      text_ += "    #" + std::to_string(i) + " 0x55d7c9c1220" + std::to_string(i) + " in " + frames[i] + "\n";
    }
    return *this;
  }
  SanitizerWriter& objects(const std::vector<std::pair<std::uint64_t, std::uint64_t>>& all) {
    text_ += "\nObjects leaked above:\n";
    for (const auto& [address, size] : all) {
      char line[64];
      std::snprintf(line, sizeof line, "0x%llx (%llu bytes)\n", static_cast<unsigned long long>(address),
                    static_cast<unsigned long long>(size));
      text_ += line;
    }
    return *this;
  }
  struct Suppression {
    std::uint64_t count, bytes;
    std::string pattern;
  };
  SanitizerWriter& suppressions(const std::vector<Suppression>& all) {
    const std::string rule = "-----------------------------------------------------\n";
    text_ += "\n" + rule + "Suppressions used:\n  count      bytes template\n";
    for (const Suppression& row : all) {
      text_ += "     " + std::to_string(row.count) + "      " + std::to_string(row.bytes) + " " + row.pattern + "\n";
    }
    text_ += rule;
    return *this;
  }
  SanitizerWriter& summary(std::uint64_t bytes, std::uint64_t allocations) {
    text_ += "\nSUMMARY: AddressSanitizer: " + std::to_string(bytes) + " byte(s) leaked in " +
             std::to_string(allocations) + " allocation(s).\n";
    return *this;
  }
  [[nodiscard]] const std::string& bytes() const { return text_; }

 private:
  [[nodiscard]] std::string coloured(const std::string& colour, const std::string& text) const {
    return is_coloured_ ? "\x1b[1m\x1b[" + colour + "m" + text + "\x1b[1m\x1b[0m" : text;
  }
  bool is_coloured_;
  std::string text_;
};

}  // namespace tests
