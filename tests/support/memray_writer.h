// Writes memray captures for tests, versions 11 to 13, as memray's own recorder encodes them.
//
//   tests::MemrayWriter capture({.version = 13});
//   capture.code(1, "leak", "app.py", 10, tests::location_table({{2, 10}, {2, 11}}));
//   capture.push(1, 4).allocate(Allocator::malloc, 0x1000, 64).pop(1).end();
//   const std::string bytes = capture.bytes();
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/memray.h"
#include "tests/support/pprof_writer.h"

namespace tests {

/// A location table (CPython 3.11 and later): (code units, line) in order; line 0 = none. `first` is the code's line.
inline std::string location_table(std::int64_t first, const std::vector<std::pair<unsigned, std::int64_t>>& entries) {
  std::string table;
  const auto number = [&](std::uint32_t value) {
    for (; value >= 0x40; value >>= 6) table.push_back(static_cast<char>(0x40 | (value & 0x3F)));
    table.push_back(static_cast<char>(value));
  };
  std::int64_t line = first;
  for (const auto& entry : entries) {
    const unsigned units = entry.first;
    const std::int64_t next = entry.second;
    const std::int64_t step = next - line;
    const auto head = [&](unsigned code) { table.push_back(static_cast<char>(0x80 | (code << 3) | (units - 1))); };
    if (next == 0) {
      head(15);
      continue;
    }
    if (step == 0) {
      head(3);
      table.push_back('\x12');
    } else if (step == 1 || step == 2) {
      head(10 + static_cast<unsigned>(step));
      table += "\x01\x02";
    } else if (step > 0) {
      head(14);
      number(static_cast<std::uint32_t>(step) << 1);
      table += "\x01\x02\x03";
    } else {
      head(13);
      number((static_cast<std::uint32_t>(-step) << 1) | 1);
    }
    line = next;
  }
  return table;
}

class MemrayWriter {
 public:
  using Allocator = formats::memray::Allocator;
  struct Options {
    int version = 13;
    std::uint32_t python_version = 0x030D05F0;
    bool native = false;
    bool aggregated = false;
    bool traces_python_allocators = true;
    std::int64_t start_ms = 1'795'383'103'564, end_ms = 1'795'383'103'664;
  };

  explicit MemrayWriter(const Options& options) : options_(options) {
    bytes_.append("memray\0", 7);
    fixed(options.version);
    if (options.version >= 12) fixed(options.python_version);
    fixed(std::uint8_t{options.native});
    fixed(std::uint8_t{options.aggregated});
    fixed(std::uint64_t{3});
    fixed(std::uint64_t{2});
    fixed(options.start_ms);
    fixed(options.end_ms);
    text("app.py --work");
    fixed(std::int32_t{4711});
    fixed(std::uint64_t{1});
    fixed(std::uint64_t{6});
    fixed(std::uint8_t{1});
    fixed(std::uint8_t{options.traces_python_allocators});
    if (options.version >= 12) fixed(std::uint8_t{0});
    if (options.version >= 13) bytes_.append("/usr/lib/python3.13\0/site\0\0/lib\0/\0\0", 35);
  }

  /// Version 11, and aggregated captures of it.
  MemrayWriter& frame(std::uint64_t id, std::string_view function, std::string_view file, std::int64_t line) {
    if (options_.aggregated) {
      token(4);
      fixed(id);
      text(function);
      text(file);
      fixed(static_cast<std::int32_t>(line));
      fixed(std::uint8_t{1});
      return *this;
    }
    token(3);
    delta(last_frame_, id);
    text(function);
    text(file);
    delta(last_line_, static_cast<std::uint64_t>(line));
    return *this;
  }
  MemrayWriter& code(std::uint64_t id, std::string_view function, std::string_view file, std::int64_t first_line,
                     std::string_view table) {
    token(14);
    varint(id);
    text(function);
    text(file);
    delta(last_line_, static_cast<std::uint64_t>(first_line));
    varint(table.size());
    bytes_ += table;
    return *this;
  }
  /// A frame (version 11), or an offset in a code object.
  MemrayWriter& push(std::uint64_t id, std::int64_t offset = 0) {
    if (options_.version < 12) {
      token(4);
      delta(last_frame_, id);
      return *this;
    }
    token(0x40);
    varint(id);
    signed_varint(offset);
    return *this;
  }
  MemrayWriter& pop(unsigned count) {
    token(options_.version < 12 ? 9 | ((count - 1) << 4) : 0x10 | (count - 1));
    return *this;
  }
  MemrayWriter& allocate(Allocator allocator, std::uint64_t address, std::uint64_t size, std::uint64_t native = 0) {
    const bool has_size = !formats::memray::is_free(allocator);
    if (options_.version < 12) {
      token((native != 0 ? 2u : 1u) | (static_cast<unsigned>(allocator) << 4));
      delta(last_address_, address);
      if (has_size || native != 0) varint(size);
      if (native != 0) delta(last_native_, native);
      return *this;
    }
    const unsigned id = number_12(allocator);
    unsigned place = 15;
    for (unsigned i = 0; i < recent_.size(); ++i) {
      if (recent_[i] == address) place = i;
    }
    token(0x80 | (place << 3) | (id < 8 ? id : 0));
    if (place == 15) {
      delta(last_address_, address >> 3);
      recent_.insert(recent_.begin(), address);
      recent_.resize(std::min<std::size_t>(recent_.size(), 15));
    }
    if (id >= 8) fixed(static_cast<std::uint8_t>(id));
    if (options_.native && has_size) delta(last_native_, native);
    if (has_size) varint(size);
    return *this;
  }
  MemrayWriter& thread(std::uint64_t id) {
    token(12);
    fixed(id);
    return *this;
  }
  MemrayWriter& thread_name(std::string_view name) {
    token(10);
    text(name);
    return *this;
  }
  MemrayWriter& memory(std::uint64_t ms, std::uint64_t rss) {
    token(options_.version < 12 ? 11 : 2);
    varint(rss);
    varint(ms);
    return *this;
  }
  MemrayWriter& native_frame(std::uint64_t address, std::uint64_t caller) {
    token(5);
    delta(last_instruction_, address);
    delta(last_native_, caller);
    return *this;
  }
  MemrayWriter& memory_map() {
    token(6);
    return *this;
  }
  MemrayWriter& module(std::string_view file, std::uint64_t base, std::uint64_t start, std::uint64_t size) {
    token(7);
    text(file);
    varint(1);
    fixed(base);
    token(8);
    fixed(start);
    varint(size);
    return *this;
  }

  // ---- aggregated captures ----

  MemrayWriter& python_frame(std::uint64_t id, std::uint64_t code, std::int64_t offset) {
    token(4);
    varint(id);
    varint(code);
    signed_varint(offset);
    fixed(std::uint8_t{1});
    return *this;
  }
  MemrayWriter& python_path(std::uint64_t frame, std::uint32_t parent) {
    token(3);
    if (options_.version < 12) {
      fixed(frame);
      fixed(parent);
    } else {
      varint(frame);
      varint(parent);
    }
    return *this;
  }
  MemrayWriter& snapshot(std::uint64_t ms, std::uint64_t rss, std::uint64_t heap) {
    token(1);
    fixed(ms);
    fixed(rss);
    fixed(heap);
    return *this;
  }
  MemrayWriter& aggregate(Allocator allocator, std::uint64_t path, std::uint64_t peak_count, std::uint64_t live_count,
                          std::uint64_t peak_bytes, std::uint64_t live_bytes) {
    token(2);
    fixed(std::uint64_t{1});
    fixed(static_cast<std::uint8_t>(options_.version < 12 ? static_cast<unsigned>(allocator) : number_12(allocator)));
    bytes_.append(7, '\x55');  // padding holds whatever was there
    for (const std::uint64_t value :
         {std::uint64_t{0}, path, std::uint64_t{0}, peak_count, live_count, peak_bytes, live_bytes}) {
      fixed(value);
    }
    return *this;
  }

  MemrayWriter& end() {
    token(options_.aggregated ? 15 : options_.version < 12 ? 0x10 : 1);
    return *this;
  }
  MemrayWriter& padding(std::size_t size) {
    bytes_.append(size, '\0');
    return *this;
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  static unsigned number_12(Allocator allocator) {
    constexpr Allocator order[] = {Allocator::unknown,         Allocator::pymalloc_free,    Allocator::pymalloc_malloc,
                                   Allocator::pymalloc_calloc, Allocator::pymalloc_realloc, Allocator::free,
                                   Allocator::malloc,          Allocator::realloc,          Allocator::calloc,
                                   Allocator::posix_memalign,  Allocator::aligned_alloc,    Allocator::memalign,
                                   Allocator::valloc,          Allocator::pvalloc,          Allocator::mmap,
                                   Allocator::munmap};
    unsigned number = 0;
    while (order[number] != allocator) ++number;
    return number;
  }
  template <typename T>
  void fixed(T value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    bytes_.append(bytes, sizeof value);
  }
  void token(unsigned value) { bytes_.push_back(static_cast<char>(value)); }
  void text(std::string_view value) { bytes_.append(value).push_back('\0'); }
  void varint(std::uint64_t value) { ProtobufWriter::append_varint(bytes_, value); }
  void signed_varint(std::int64_t value) {
    varint((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
  }
  void delta(std::uint64_t& last, std::uint64_t value) {
    signed_varint(static_cast<std::int64_t>(value - last));
    last = value;
  }

  Options options_;
  std::string bytes_;
  std::uint64_t last_frame_ = 0, last_line_ = 0, last_address_ = 0, last_native_ = 0, last_instruction_ = 0;
  std::vector<std::uint64_t> recent_;
};

// ---- captures that several tests and the fuzzer's seeds are made of ----

/// main calls leak twice, from lines 21 and 23; one block of each is freed, one is realloc'ed, one mapping is cut.
inline std::string memray_capture(int version) {
  using Allocator = formats::memray::Allocator;
  MemrayWriter capture({.version = version});
  if (version < 12) {
    capture.frame(7, "main", "app.py", 21).frame(8, "main", "app.py", 23).frame(9, "leak", "app.py", 11);
  } else {
    capture.code(1, "main", "app.py", 20, location_table(20, {{1, 20}, {1, 21}, {1, 0}, {2, 23}}));
    capture.code(2, "leak", "app.py", 10, location_table(10, {{2, 10}, {8, 17}, {1, 11}}));
  }
  const auto call = [&](bool is_second) {
    version < 12 ? capture.push(is_second ? 8 : 7) : capture.push(1, is_second ? 6 : 2);
    version < 12 ? capture.push(9) : capture.push(2, 20);
  };
  capture.thread(1).thread_name("MainThread").memory(1, 1 << 20);
  call(false);
  capture.allocate(Allocator::malloc, 0x10010, 100).allocate(Allocator::pymalloc_malloc, 0x10110, 32);
  capture.allocate(Allocator::free, 0x10010, 0).pop(2);
  call(true);
  capture.allocate(Allocator::calloc, 0x10210, 100).memory(40, 2 << 20);
  capture.thread(2).allocate(Allocator::mmap, 0x7f0000000000, 0x4000);
  capture.allocate(Allocator::munmap, 0x7f0000001000, 0x1000).thread(1).pop(1);
  capture.allocate(Allocator::free, 0x10210, 0).allocate(Allocator::realloc, 0x10410, 200).pop(1);
  return capture.memory(90, 3 << 20).end().bytes();
}

/// The same paths, aggregated.
inline std::string memray_aggregated(int version) {
  using Allocator = formats::memray::Allocator;
  MemrayWriter capture({.version = version, .aggregated = true});
  if (version < 12) {
    capture.frame(7, "main", "app.py", 21).frame(9, "leak", "app.py", 11);
  } else {
    capture.code(1, "main", "app.py", 20, location_table(20, {{1, 20}, {1, 21}}));
    capture.code(2, "leak", "app.py", 10, location_table(10, {{2, 10}, {8, 17}, {1, 11}}));
    capture.python_frame(7, 1, 2).python_frame(9, 2, 20);
  }
  capture.snapshot(1'795'383'103'565, 1 << 20, 100).snapshot(1'795'383'103'605, 2 << 20, 132);
  capture.python_path(7, 0).python_path(9, 1);
  capture.aggregate(Allocator::malloc, 2, 2, 1, 132, 32).aggregate(Allocator::malloc, 1, 1, 1, 50, 50);
  return capture.end().bytes();
}

}  // namespace tests
