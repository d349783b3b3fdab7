// DHAT's profiles (dhat/dh_main.c, "JSON file format version 2"; also of the Rust crate dhat): program points with all
// that was counted there, and the table of frames their paths are numbers of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/bytes.h"
#include "formats/damage_log.h"

namespace formats::dhat {

/// An object whose first key is "dhatFileVersion".
[[nodiscard]] bool looks_like(Bytes head);

inline constexpr std::int64_t absent = -1;  ///< the file does not say

struct Header {
  std::int64_t version = absent;
  std::string mode;                         ///< "heap", "rust-heap", "copy", "ad-hoc"; "" = none (version 1)
  std::string verb;                         ///< "Allocated", "Copied" …
  bool has_lifetimes = true;                ///< "bklt"
  bool has_accesses = true;                 ///< "bkacc"
  std::string unit;                         ///< of bytes, when they are none: "unit"
  std::string blocks_unit;                  ///< "events"
  std::string time_unit;                    ///< "instrs", "µs"
  std::int64_t short_lived_below = absent;  ///< "tuth": such a mean lifetime or less is short
  std::string command;
  std::int64_t process_id = absent;
  std::int64_t end_time = absent;   ///< in time units, as all times
  std::int64_t peak_time = absent;  ///< "tg": when most was live
};

/// Accesses to `count` bytes of the block, one after another.
struct AccessRun {
  std::uint32_t count = 0;
  std::int64_t accesses = 0;
};

struct Point {
  std::int64_t total_bytes = absent, total_blocks = absent;
  std::int64_t lifetimes = absent;  ///< sum over all blocks; those not freed lived until the end
  std::int64_t max_bytes = absent, max_blocks = absent;
  std::int64_t peak_bytes = absent, peak_blocks = absent;  ///< when the whole program was at its peak
  std::int64_t end_bytes = absent, end_blocks = absent;
  std::int64_t read_bytes = absent, written_bytes = absent;
  std::uint32_t first_run = 0, run_count = 0;      ///< in Profile::runs
  std::uint32_t first_frame = 0, frame_count = 0;  ///< in Profile::path_frames, innermost first
};

/// About 100 bytes a point, 4 a frame of a path, 16 a run.
struct Profile {
  Header header;
  std::vector<Point> points;
  std::vector<AccessRun> runs;
  std::vector<std::uint32_t> path_frames;  ///< indexes into frame_table; the file's own, unchecked
  std::vector<std::string> frame_table;    ///< formats/valgrind_frame.h; 0 is "[root]"
};

/// Reads all there is. A point that cannot be read is damage and left out; reading goes on at the next. Linear.
[[nodiscard]] Profile read_profile(Bytes bytes, DamageLog& damage);

/// The header alone, as far as `head` goes.
[[nodiscard]] Header read_header(Bytes head);

}  // namespace formats::dhat
