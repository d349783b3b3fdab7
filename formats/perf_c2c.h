// The text of `perf c2c report --stdio`: cache lines that several CPUs touch, and for each the places in it by code,
// process, thread. Specification: perf's manual page and builtin-c2c.c. The columns depend on perf's version (4.10
// to 6.x), on -c, -d, -N, --no-source, --double-cl, and on --stdio; they are known by their headings.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "formats/bytes.h"
#include "formats/damage_log.h"
#include "formats/memory_access.h"
#include "formats/text_lines.h"

namespace formats::perf_c2c {

/// The title of a table of perf c2c, or the headings of one, somewhere in the head.
[[nodiscard]] bool looks_like(Bytes head);

/// What a column says. Rows of `Shared Data Cache Line Table` begin with index, those of `Shared Cache Line
/// Distribution Pareto` with percentages.
enum class Meaning : std::uint8_t {
  ignored,
  index,
  line_address,
  data_nodes,
  samples,
  loads,
  stores,
  store_part,  ///< stores are the sum of these: L1 hits, L1 misses, and without a level
  hitm_local,
  hitm_remote,
  peer_local,
  peer_remote,
  offset_in_line,
  process,
  thread,
  code_address,
  load_cycles,
  hitm_local_cycles,
  hitm_remote_cycles,
  peer_local_cycles,
  peer_remote_cycles,
  cpu_count,
  function,
  module,
  source,
  cpu_nodes,
};
struct Column {
  Meaning meaning = Meaning::ignored;
  std::size_t width = 0;  ///< of its cells, in bytes, where they are not longer
};

/// The columns under three lines of headings, each from its '#': groups, names, dots. Nothing: not of perf c2c.
[[nodiscard]] std::optional<std::vector<Column>> parse_columns(std::string_view groups, std::string_view names,
                                                               std::string_view dots);

/// Reads every table there is, in order: first the lines (`address_is_line_only`), then accesses in them. Rows that
/// cannot be read are damage; callchains (-g) and all other text are passed over. O(bytes).
class Reader {
 public:
  Reader(Bytes bytes, DamageLog& damage) : lines_(bytes), damage_(damage) {}
  std::optional<MemoryAccess> next();

 private:
  void read_heading(std::string_view line);
  std::optional<MemoryAccess> read_row(std::string_view line);
  std::optional<MemoryAccess> read_line_row(std::string_view line);
  std::optional<MemoryAccess> read_access_row(std::string_view line);
  bool read_totals(std::string_view line);
  void lose(const char* what);

  TextLines lines_;
  DamageLog& damage_;
  std::array<std::string_view, 2> headings_;  // the last two lines of headings: groups, names
  std::vector<Column> columns_;               // none: not within a table
  bool is_pareto_ = false;
  bool in_callchain_ = false;
  // Of the line whose accesses follow. Totals stand in the order of the columns they belong to.
  bool has_totals_ = false;
  std::uint64_t line_address_ = 0;
  std::optional<std::uint64_t> line_index_;
  std::vector<std::uint64_t> totals_;
};

}  // namespace formats::perf_c2c
