// Writes heaptrack recordings as heaptrack does, for tests: interpreted ones (format 1 to 3, and 0 with addresses) and
// raw ones.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tests {

class HeaptrackWriter {
 public:
  /// Format 0 has no `v` line.
  explicit HeaptrackWriter(unsigned format = 3) : format_(format) {
    if (format == 1) line({"v", "10000"});
    if (format >= 2) line({"v", "10400", number(format)});
  }
  void command(std::string_view text) { line({"X", text}); }
  void program(std::string_view path) { line({"x", sized(path)}); }
  void page_size(std::uint64_t bytes) { line({"I", number(bytes), "5e298f"}); }
  void suppression(std::string_view text, bool with_length) {
    line({"S", with_length ? sized(text) : std::string(text)});
  }
  std::uint32_t string(std::string_view text) {
    line({"s", sized(text)});
    return ++strings_;
  }
  struct Frame {
    std::uint32_t function = 0, file = 0, line = 0;
  };
  /// Innermost frame first.
  std::uint32_t pointer(std::uint64_t address, std::uint32_t module, const std::vector<Frame>& frames) {
    text_ += "i " + number(address) + " " + number(module);
    for (const Frame& frame : frames) {
      text_ += " " + number(frame.function);
      if (frame.file != 0) text_ += " " + number(frame.file) + " " + number(frame.line);
    }
    text_ += "\n";
    return ++pointers_;
  }
  std::uint32_t trace(std::uint64_t pointer, std::uint32_t parent) {
    line({"t", number(pointer), number(parent)});
    return ++traces_;
  }
  std::uint32_t kind(std::uint64_t size, std::uint32_t trace) {
    line({"a", number(size), number(trace)});
    return kinds_++;
  }
  void allocate(std::uint32_t kind) { line({"+", number(kind)}); }
  void free(std::uint32_t kind) { line({"-", number(kind)}); }
  void allocate(std::uint64_t size, std::uint32_t trace, std::uint64_t address) {
    line({"+", number(size), number(trace), number(address)});
  }
  void free_address(std::uint64_t address) { line({"-", number(address)}); }
  void module(std::string_view path, std::uint64_t base,
              const std::vector<std::pair<std::uint64_t, std::uint64_t>>& segments) {
    text_ += "m " + sized(path) + " " + number(base);
    for (const auto& [address, size] : segments) text_ += " " + number(address) + " " + number(size);
    text_ += "\n";
  }
  void no_modules() { line({"m", sized("-")}); }
  void time(std::uint64_t ms) { line({"c", number(ms)}); }
  void resident(std::uint64_t pages) { line({"R", number(pages)}); }
  void end_mark() { text_ += "# strings: " + number(strings_) + "\n# ips: " + number(pointers_) + "\n\n"; }
  void raw_line(std::string_view text) { text_ += std::string(text) + "\n"; }

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  static std::string number(std::uint64_t value) {
    std::string digits;
    do {
      digits.insert(digits.begin(), "0123456789abcdef"[value & 15]);
      value >>= 4;
    } while (value != 0);
    return digits;
  }
  [[nodiscard]] std::string sized(std::string_view text) const {
    return (format_ >= 3 ? number(text.size()) + " " : "") + std::string(text);
  }
  void line(std::initializer_list<std::string_view> words) {
    for (const std::string_view& word : words) text_ += (&word == words.begin() ? "" : " ") + std::string(word);
    text_ += "\n";
  }

  unsigned format_;
  std::string text_;
  std::uint32_t strings_ = 0, pointers_ = 0, traces_ = 0, kinds_ = 0;
};

/// A recording with every kind of line, interpreted: two call paths, one with an inlined frame, a temporary, a leak.
inline std::string small_heaptrack(unsigned format = 3) {
  HeaptrackWriter out(format);
  out.command("/opt/app --serve");
  out.page_size(4096);
  out.suppression("leak:known_leak", format >= 3);
  out.suppression("leak:other*", false);
  const std::uint32_t module = out.string("/opt/app");
  const std::uint32_t main = out.string("main");
  const std::uint32_t serve = out.string("_ZN3app5serveEi");
  const std::uint32_t helper = out.string("helper");
  const std::uint32_t file = out.string("my file.cpp");
  const std::uint32_t at_main = out.trace(out.pointer(0x401000, module, {{main, file, 12}}), 0);
  const std::uint32_t at_serve =
      out.trace(out.pointer(0x401100, module, {{helper, file, 40}, {serve, file, 30}}), at_main);
  const std::uint32_t at_nowhere = out.trace(out.pointer(0x401200, module, {}), at_main);
  const std::uint32_t small = out.kind(16, at_serve);
  const std::uint32_t large = out.kind(4096, at_serve);
  const std::uint32_t other = out.kind(16, at_nowhere);
  out.time(0);
  out.allocate(small);
  out.allocate(large);
  out.free(large);
  out.time(10);
  out.resident(300);
  out.allocate(other);
  out.allocate(small);
  out.free(small);
  out.time(30);
  out.end_mark();
  return out.text();
}

}  // namespace tests
