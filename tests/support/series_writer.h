// Writes memory over time as monitors and /proc do, for tests.
#pragma once

#include <cstdint>
#include <string>

namespace tests {

/// /proc/PID/status, one sample after the other.
class StatusWriter {
 public:
  StatusWriter& time(const std::string& text) {
    text_ += "### " + text + "\n";
    return *this;
  }
  StatusWriter& sample(std::uint64_t rss_kib) {
    text_ += "Name:\tserver\nUmask:\t0022\nPid:\t42\nVmSize:\t" + std::to_string(rss_kib + 1000) + " kB\nVmRSS:\t" +
             std::to_string(rss_kib) + " kB\nRssAnon:\t" + std::to_string(rss_kib / 2) + " kB\nThreads:\t3\n";
    return *this;
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// /proc/PID/smaps: the heap, a library, the stack, the kernel's own page.
class SmapsWriter {
 public:
  SmapsWriter& time(const std::string& text) {
    text_ += text + "\n";
    return *this;
  }
  SmapsWriter& sample(std::uint64_t heap_kib) {
    mapping("555e15b51000-555e15b61000 rw-p 00000000 00:00 0                          [heap]", heap_kib);
    mapping("7f0000000000-7f0000010000 r-xp 00001000 fe:00 11315600                   /usr/lib/libc.so.6", 64);
    mapping("7f0000020000-7f0000030000 rw-p 00000000 00:00 0 ", 16);
    mapping("7ffcfa173000-7ffcfa194000 rw-p 00000000 00:00 0                          [stack]", 12);
    mapping("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]", 0);
    return *this;
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void mapping(const std::string& header, std::uint64_t kib) {
    const std::string size = std::to_string(kib) + " kB\n";
    text_ += header + "\nSize:                 64 kB\nRss:   " + size + "Pss:   " + size + "Private_Dirty: " + size +
             "Anonymous: " + size + "VmFlags: rd wr mr mw me ac\n";
  }
  std::string text_;
};

/// malloc_info(0, file).
class MallocInfoWriter {
 public:
  MallocInfoWriter& time(const std::string& text) {
    text_ += text + "\n";
    return *this;
  }
  MallocInfoWriter& sample(std::uint64_t system, std::uint64_t free) {
    const std::string totals =
        "<total type=\"fast\" count=\"0\" size=\"0\"/>\n<total type=\"rest\" count=\"2\" size=\"" +
        std::to_string(free) + "\"/>\n";
    const std::string sizes = "<system type=\"current\" size=\"" + std::to_string(system) +
                              "\"/>\n<system type=\"max\" size=\"" + std::to_string(system) + "\"/>\n";
    text_ +=
        "<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n  <size from=\"33\" to=\"33\" total=\"33\" count=\"1\"/>\n"
        "  <size from=\"1025\" to=\"1041\" total=\"1041\" count=\"1\"/>\n</sizes>\n" +
        totals + sizes + "</heap>\n" + totals + "<total type=\"mmap\" count=\"1\" size=\"4096\"/>\n" + sizes +
        "</malloc>\n";
    return *this;
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace tests
