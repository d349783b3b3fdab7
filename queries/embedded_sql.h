// The .sql files of this folder as they were at build time; made by embed_sql.cmake.
#pragma once

#include <iterator>
#include <span>
#include <string_view>

namespace queries::embedded {

struct QueryFile {
  std::string_view path;  ///< below queries/sql/: "leaks/top_retained.sql"
  std::string_view text;
};

extern const std::string_view schema;
extern const std::string_view views;
extern const std::string_view session_views;          ///< TEMP views of our connections
extern const std::span<const QueryFile> query_files;  ///< sorted by path

}  // namespace queries::embedded
