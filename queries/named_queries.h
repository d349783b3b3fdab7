// The named queries of queries/sql/**.sql, embedded at build time. A file is its own documentation:
//   -- One-line help.
//   -- param :limit INTEGER = 25  what it does
//   -- column retained_bytes  what it says
//   SELECT …
// The name is the file's stem with '-' for '_'. Files under queries/sql/reports/ are the reports' own and not listed.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace queries {

struct QueryParameter {
  std::string_view name;           ///< without colon
  std::string_view type;           ///< INTEGER, REAL, TEXT
  std::string_view default_value;  ///< empty = required
  std::string_view help;
};
struct NamedQuery {
  std::string_view name;   ///< "top-retained"
  std::string_view group;  ///< folder: "leaks", "objects", …
  std::string_view title;  ///< first comment line
  std::vector<QueryParameter> parameters;
  std::vector<std::pair<std::string_view, std::string_view>> columns;  ///< name, help
  std::string_view sql;                                                ///< whole file
  bool listed = true;
};
/// Sorted by name. Parsed once.
[[nodiscard]] std::span<const NamedQuery> named_queries();
[[nodiscard]] const NamedQuery* find_named_query(std::string_view name);
/// Closest listed names, for "did you mean".
[[nodiscard]] std::vector<std::string> similar_queries(std::string_view name);

}  // namespace queries
