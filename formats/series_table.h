// Tables of memory over time, as monitors write them: CSV, TSV or semicolons with a header (psutil scripts, exports),
// psrecord's log, pidstat -r. Columns are known by their names; which unit they are in, by the name too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/bytes.h"
#include "formats/damage_log.h"
#include "formats/text_lines.h"
#include "formats/timestamps.h"

namespace formats::series_table {

struct Column {
  std::size_t cell = 0;   ///< which of a row's
  std::string_view name;  ///< rss_bytes, vms_bytes, in_use_bytes, threads …; static
  double scale = 1;       ///< to bytes; counts: 1
};

struct Row {
  std::uint64_t offset = 0;
  Timestamp time;
  std::int64_t process_id = -1;  ///< -1 = the table has no such column
  std::vector<double> values;    ///< by columns(); NaN = not in this row
};

[[nodiscard]] bool looks_like(Bytes head);

class Reader {
 public:
  Reader(Bytes bytes, DamageLog& damage);
  [[nodiscard]] const std::vector<Column>& columns() const { return columns_; }
  [[nodiscard]] bool has_time() const { return time_cells_ != 0; }
  /// Rows that are no rows of the table (comments, repeated headers, averages) are passed over; rows with cells that
  /// are no numbers where numbers belong are damage.
  std::optional<Row> next();

 private:
  bool read_header();
  [[nodiscard]] std::vector<std::string_view> split(std::string_view line) const;

  TextLines lines_;
  DamageLog& damage_;
  std::uint64_t size_ = 0;
  char delimiter_ = ',';  // ' ' = any number of blanks
  std::vector<Column> columns_;
  std::size_t cells_ = 0;  // of the header
  std::size_t time_cell_ = 0;
  std::size_t time_cells_ = 0;  // 0 none, 1, or 2: "01:00:05 PM"
  double time_scale_ = 1;
  std::optional<std::size_t> process_cell_;
};

}  // namespace formats::series_table
