// Rows of a SQL statement as a table, CSV (RFC 4180), TSV, JSON, NDJSON or Markdown. Streams: one row at a time, but
// for `table`, which looks at the first rows to find the widths.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "queries/database.h"

namespace analyzer {

enum class RowFormat : std::uint8_t { table, csv, tsv, json, ndjson, markdown };

/// Names as on the command line, in the order of the enumeration.
[[nodiscard]] const std::vector<std::string>& row_format_names();
/// Throws UsageError for a name that is not one of them.
[[nodiscard]] RowFormat row_format(const std::string& name);

/// Runs the statement to its end and writes every row. Returns their number. `first` = nothing was written before (the
/// results of several statements are parted by an empty line). Integers are exact in every format, NULL is an empty
/// cell (JSON: null), blobs are hex. Table and Markdown show control characters as \xNN, so that text of a dump cannot
/// steer a terminal; JSON escapes them, CSV and TSV keep them (TSV: \t \n \r \\ as escapes). Throws QueryError.
std::uint64_t write_rows(queries::Statement& statement, RowFormat format, std::ostream& out, bool first);

}  // namespace analyzer
