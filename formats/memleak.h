// What bcc's memleak prints (tools/memleak.py and libbpf-tools/memleak.c): every few seconds the stacks whose
// allocations are outstanding, and maps of bpftrace ("@name[ stack ]: number").
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "formats/bytes.h"
#include "formats/damage_log.h"
#include "formats/text_lines.h"
#include "formats/timestamps.h"

namespace formats::memleak {

/// "[HH:MM:SS] Top N stacks with outstanding allocations:" somewhere in the head.
[[nodiscard]] bool looks_like(Bytes head);

/// "main+0x6d [allocs]", "0x000055 zmalloc+0x2f [redis-server]", "0 [<000055>] main+0x6d [allocs]" (libbpf-tools),
/// bpftrace: "serve(long, int)+71".
struct Frame {
  std::string_view function;  ///< the address where there is no name
  std::string_view module;
};
[[nodiscard]] std::optional<Frame> parse_frame(std::string_view text);

struct Block {
  std::uint64_t address = 0, size = 0;
};
struct Stack {
  std::uint64_t bytes = 0, count = 0;
  std::vector<Frame> frames;  ///< innermost first
  std::vector<Block> blocks;  ///< with -a
};
struct Report {
  Timestamp time;  ///< of the day, by the clock of that machine
  std::vector<Stack> stacks;
};

class Reader {
 public:
  Reader(Bytes bytes, DamageLog& damage) : lines_(bytes), damage_(damage) {}
  /// The next report; what stands between reports is passed over.
  std::optional<Report> next();

 private:
  void read_line(std::string_view line, Report& report, std::vector<Block>& blocks, bool& in_stack);

  TextLines lines_;
  DamageLog& damage_;
};

}  // namespace formats::memleak

namespace formats::bpftrace {

/// A line "@name[" with nothing, or further keys, behind it, somewhere in the head.
[[nodiscard]] bool looks_like(Bytes head);

struct Entry {
  std::string_view map;  ///< "st"
  std::int64_t value = 0;
  std::vector<memleak::Frame> frames;  ///< innermost first
};

class Reader {
 public:
  Reader(Bytes bytes, DamageLog& damage) : lines_(bytes), damage_(damage) {}
  std::optional<Entry> next();

 private:
  TextLines lines_;
  DamageLog& damage_;
};

}  // namespace formats::bpftrace
