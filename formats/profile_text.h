// What text heap profiles of gperftools, Go and jemalloc share: the call path of a sample, the section of names that
// jeprof --raw and servers put in front (`--- symbol`), and the mapped files behind (`MAPPED_LIBRARIES:`).
// Source: gperftools' and jemalloc's pprof/jeprof.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "formats/bytes.h"
#include "formats/text_lines.h"

namespace formats::profile_text {

/// Appends the numbers of "0x4af1 0x55b2 …" (hexadecimal, the 0x may be missing); false at the first word that is none.
[[nodiscard]] bool read_addresses(std::string_view text, std::vector<std::uint64_t>& addresses);

/// A part of a file that was mapped.
struct MappedRange {
  std::uint64_t start = 0, end = 0;
  std::uint64_t offset = 0;  ///< in the file, of start
  std::string_view path;     ///< "$name/…" still as in the profile: see MappedFiles::variables
};

struct MappedFiles {
  std::vector<MappedRange> ranges;                                       ///< by start, of files only
  std::vector<std::pair<std::string_view, std::string_view>> variables;  ///< "build=/home/…" stands for $build

  /// The range that holds `address`, or nullptr. O(log ranges).
  [[nodiscard]] const MappedRange* find(std::uint64_t address) const;
};

/// Is this the line before the mapped files?
[[nodiscard]] bool begins_mapped_files(std::string_view line);
/// Reads lines like /proc/PID/maps, or "start-end: path", to the end. Lines that are neither are skipped.
[[nodiscard]] MappedFiles read_mapped_files(TextLines& lines);

/// Names of addresses: "function", or "function--inlined into it--innermost" where calls were inlined.
struct Names {
  std::string_view program;
  std::unordered_map<std::uint64_t, std::string_view> of;
};
/// `--- symbol` up to `---`. `lines` stands on its first line; afterwards on the last one of the section.
[[nodiscard]] Names read_names(TextLines& lines);
[[nodiscard]] bool begins_names(std::string_view line);

}  // namespace formats::profile_text
