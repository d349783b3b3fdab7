// The texts of `perf mem report --stdio`, samples added up by what --sort names, and `perf mem -D report`, one line a
// sample. Specification: perf's manual pages, builtin-mem.c, util/sort.c. Columns are known by their headings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "formats/bytes.h"
#include "formats/damage_log.h"
#include "formats/memory_access.h"
#include "formats/text_lines.h"

namespace formats::perf_mem {

/// Headings with "Data Symbol" (the report), or of the raw dump, somewhere in the head.
[[nodiscard]] bool looks_like(Bytes head);

enum class Meaning : std::uint8_t {
  ignored,
  process,
  thread,
  code_address,
  address,
  weight,
  data_source,
  module_and_function,
  samples,
  memory_level,
  function,
  module,
  variable,
  variable_module,
  snoop,
};

/// Tables of both kinds may follow each other: the report has one for each event. Rows that cannot be read are damage;
/// callchains and all other text are passed over. O(bytes).
///
/// Of the report's rows the event says whether they are loads or stores (mem-loads, mem-stores; else it is unknown),
/// and the columns Snoop and Memory access what of them is HITM; without a column Samples nothing is counted.
class Reader {
 public:
  Reader(Bytes bytes, DamageLog& damage) : lines_(bytes), damage_(damage) {}
  std::optional<MemoryAccess> next();

 private:
  enum class Table : std::uint8_t { none, dump, report };
  enum class Event : std::uint8_t { unknown, loads, stores };
  void read_heading(std::string_view line);
  std::optional<MemoryAccess> read_row(std::string_view line);
  [[nodiscard]] std::optional<MemoryAccess> read_dump_row(std::string_view line) const;
  [[nodiscard]] std::optional<MemoryAccess> read_report_row(std::string_view line) const;

  TextLines lines_;
  DamageLog& damage_;
  Table table_ = Table::none;
  Event event_ = Event::unknown;
  std::string_view event_name_;
  std::string_view heading_;  // the line of headings before this one
  std::vector<Meaning> columns_;
  bool in_callchain_ = false;
};

}  // namespace formats::perf_mem
