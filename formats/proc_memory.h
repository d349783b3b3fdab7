// /proc/PID/status, /proc/PID/smaps and /proc/PID/smaps_rollup, once or as a series: the same file again and again,
// with or without a line that tells the time before each ("### 1795379203.308", "2026-11-27T13:00:00Z"). Source:
// proc(5).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/bytes.h"
#include "formats/damage_log.h"
#include "formats/text_lines.h"
#include "formats/timestamps.h"

namespace formats::proc_memory {

enum class Kind : std::uint8_t { status, smaps, smaps_rollup };

/// One figure of the process in a sample; smaps: the sum over its mappings. Names: rss_bytes, rss_anon_bytes,
/// pss_bytes, private_dirty_bytes, vms_bytes, swap_bytes …, threads; of smaps also rss by what is mapped:
/// rss_heap_bytes, rss_stack_bytes, rss_unnamed_bytes, rss_mapped_file_bytes.
struct Figure {
  std::string_view name;  ///< static
  std::uint64_t value = 0;
};

struct Sample {
  std::uint64_t offset = 0;         ///< of its first line
  std::optional<Timestamp> time;    ///< of the line before it
  std::string_view program;         ///< status: its name; a view of the input
  std::int64_t process_id = -1;     ///< status
  std::uint64_t mapping_count = 0;  ///< smaps
  std::vector<Figure> figures;
};

[[nodiscard]] bool looks_like(Bytes head);

/// Samples in the order of the input. What is cut off is damage: a sum over some of the mappings is no sum.
class Reader {
 public:
  Reader(Bytes bytes, DamageLog& damage);
  [[nodiscard]] Kind kind() const { return kind_; }
  /// O(lines of the sample).
  std::optional<Sample> next();

 private:
  bool begins_sample(std::string_view line) const;
  void add(Sample& sample, std::string_view line);
  void add_mapping(std::string_view header);
  bool finish(Sample& sample, bool at_end);

  TextLines lines_;
  DamageLog& damage_;
  Kind kind_ = Kind::status;
  std::uint64_t size_ = 0;
  std::uint64_t previous_start_ = 0;  // of mappings: a lower one begins another sample
  std::string_view path_;             // of the mapping at hand
  std::string_view last_path_;        // of the sample before: the kernel's own mappings come last
  bool cut_line_ = false;
};

}  // namespace formats::proc_memory
