// Writes text heap profiles for tests: gperftools' and Go's lines, jemalloc's, the sections around them.
//
//   tests::HeapProfileWriter profile("heap/1048576", {2, 96, 3, 144});
//   profile.sample({1, 48, 1, 48}, {0x401005, 0x402010}).symbol(0x401004, "main.leak+0x4", "/srv/main.go:7");
//   profile.mapped_file(0x400000, 0x500000, 0, "/srv/app");
//   const std::string text = profile.text();
#pragma once

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace tests {

struct HeapFigures {
  std::int64_t live_count = 0, live_bytes = 0, allocation_count = 0, allocated_bytes = 0;
};

inline std::string hexadecimal(std::uint64_t number) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%" PRIx64, number);
  return text;
}

/// "2: 96 [3: 144]", right-aligned as gperftools does when `width` is not 0.
inline std::string figures_text(const HeapFigures& figures, int width = 0) {
  char text[160];
  std::snprintf(text, sizeof text, "%*" PRId64 ": %*" PRId64 " [%*" PRId64 ": %*" PRId64 "]", width, figures.live_count,
                width, figures.live_bytes, width, figures.allocation_count, width, figures.allocated_bytes);
  return text;
}

inline std::string addresses_text(const std::vector<std::uint64_t>& addresses) {
  std::string text;
  for (const std::uint64_t address : addresses) text += " " + hexadecimal(address);
  return text;
}

class HeapProfileWriter {
 public:
  HeapProfileWriter(std::string_view type, const HeapFigures& total)
      : text_("heap profile: " + figures_text(total) + " @ " + std::string(type) + "\n") {}

  int width = 0;

  HeapProfileWriter& sample(const HeapFigures& figures, const std::vector<std::uint64_t>& addresses) {
    text_ += figures_text(figures, width) + " @" + addresses_text(addresses) + "\n";
    return *this;
  }
  HeapProfileWriter& symbol(std::uint64_t address, std::string_view function, std::string_view place) {
    text_ += "#\t" + hexadecimal(address) + "\t" + std::string(function) + "\t\t" + std::string(place) + "\n";
    return *this;
  }
  HeapProfileWriter& statistic(std::string_view key, std::string_view value) {
    if (!has_statistics_) text_ += "\n\n# runtime.MemStats\n";
    has_statistics_ = true;
    text_ += "# " + std::string(key) + " = " + std::string(value) + "\n";
    return *this;
  }
  HeapProfileWriter& mapped_file(std::uint64_t start, std::uint64_t end, std::uint64_t offset, std::string_view path) {
    if (!has_files_) text_ += "\nMAPPED_LIBRARIES:\n";
    has_files_ = true;
    text_ += hexadecimal(start).substr(2) + "-" + hexadecimal(end).substr(2) + " r-xp " +
             hexadecimal(offset).substr(2) + " fe:00 1131 " + std::string(path) + "\n";
    return *this;
  }
  HeapProfileWriter& line(std::string_view line) {
    text_ += std::string(line) + "\n";
    return *this;
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
  bool has_statistics_ = false, has_files_ = false;
};

/// jemalloc's heap_v2, with one thread.
class JemallocProfileWriter {
 public:
  JemallocProfileWriter(std::uint64_t interval, const HeapFigures& total)
      : text_("heap_v2/" + std::to_string(interval) + "\n" + threads(total, " main")) {}
  JemallocProfileWriter& sample(const HeapFigures& figures, const std::vector<std::uint64_t>& addresses) {
    text_ += "@" + addresses_text(addresses) + "\n" + threads(figures, "");
    return *this;
  }
  JemallocProfileWriter& mapped_file(std::uint64_t start, std::uint64_t end, std::string_view path) {
    if (!has_files_) text_ += "\nMAPPED_LIBRARIES:\n";
    has_files_ = true;
    text_ += hexadecimal(start).substr(2) + "-" + hexadecimal(end).substr(2) + " r-xp 00001000 fe:00 1131     " +
             std::string(path) + "\n";
    return *this;
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  static std::string threads(const HeapFigures& figures, std::string_view name) {
    return "  t*: " + figures_text(figures) + "\n  t0: " + figures_text(figures) + std::string(name) + "\n";
  }
  std::string text_;
  bool has_files_ = false;
};

// ---- profiles that several tests and the fuzzer's seeds are made of ----

inline std::string gperftools_profile() {
  HeapProfileWriter profile("heapprofile", {3, 196, 14, 1296});
  profile.width = 6;
  profile.sample({2, 96, 3, 144}, {0x401005, 0x402010}).sample({1, 100, 1, 100}, {0x7f0000001234, 0x402010});
  profile.sample({0, 0, 10, 1052}, {0x401005, 0x990000});
  profile.mapped_file(0x400000, 0x500000, 0, "/srv/app")
      .mapped_file(0x7f0000000000, 0x7f0000010000, 0x2000, "/lib/x.so");
  return profile.text();
}

/// The interval is half of the header's: 16 bytes.
inline std::string go_text_profile() {
  HeapProfileWriter profile("heap/32", {3, 48, 5, 1072});
  profile.sample({3, 48, 4, 64}, {0x411000, 0x4b4bca, 0x437512});
  profile.symbol(0x4b4bc9, "main.keep+0x69", "/srv/main.go:7").symbol(0x4b4bc9, "main.leak+0x69", "/srv/main.go:9");
  profile.symbol(0x437511, "runtime.main+0x211", "/go/proc.go:250").line("");
  profile.sample({0, 0, 1, 1008}, {0x411000, 0x437512}).symbol(0x437511, "runtime.main+0x211", "/go/proc.go:250");
  profile.sample({1, 288, 2, 296}, {});
  profile.statistic("HeapAlloc", "9351984").statistic("PauseNs", "[1 2 3]");
  return profile.text();
}

inline std::string java_text_profile() {
  return "--- heapz 1 ---\nformat = java\nresolution = bytes\n          7048     1 @ 0x00000003 0x00000004\n"
         "           240     5 @ 0x00000003\n\n\n 0x00000003 com.example.Cache.put (Cache.java:103)\n"
         " 0x00000004 com.example.Main.main (Main.java:4)\n";
}

inline std::string jemalloc_profile() {
  JemallocProfileWriter profile(1024, {6, 4304, 8, 8400});
  profile.sample({4, 4096, 6, 8192}, {0x7f0000001100, 0x7f0000001200, 0x401005, 0x402010});
  profile.sample({2, 208, 2, 208}, {0x7f0000001100, 0x402010});
  profile.mapped_file(0x400000, 0x500000, "/srv/app")
      .mapped_file(0x7f0000000000, 0x7f0000010000, "/lib/libjemalloc.so.2");
  return profile.text();
}

/// Two leaks listed, one more in the total.
inline std::string heapcheck_report() {
  return "WARNING: Perftools heap leak checker is active -- Performance may suffer\nserver: ready\n"
         "Leak check _main_ detected leaks of 10300 bytes in 53 objects\nThe 2 largest leaks:\n"
         "Leak of 10000 bytes in 50 objects allocated from:\n\t@ 401005 keep\n\t@ 402010 main\n"
         "Leak of 200 bytes in 2 objects allocated from:\n\t@ 403000 \n\t@ 402010 main\n\n\n"
         "If the preceding stack traces are not enough\n";
}

/// As jeprof --raw writes them: names first, callers before what is inlined into them.
inline std::string with_names(std::string_view profile) {
  return "--- symbol\nbinary=/srv/app\n0x0000000000401005 leak--std::vector::push_back\n0x40200f main\n---\n--- "
         "heap\n" +
         std::string(profile);
}

}  // namespace tests
