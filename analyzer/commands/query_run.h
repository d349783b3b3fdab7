// What `query` and `shell` share: a script of SQL or a named query with its parameters, run on an open database.
#pragma once

#include <atomic>
#include <csignal>
#include <iosfwd>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/commands/table_output.h"
#include "queries/database.h"
#include "queries/named_queries.h"

namespace analyzer {

/// key=value arguments.
using Parameters = std::map<std::string, std::string, std::less<>>;

/// "limit=10" → into `parameters`. false when it is no key=value. Throws UsageError for a repeated key.
bool take_parameter(const std::string& argument, Parameters& parameters);

/// Throws UsageError with the nearest names when there is no such query.
[[nodiscard]] const queries::NamedQuery& named_query(std::string_view name);
/// Fills defaults, checks types and names. Throws UsageError for a missing or unknown parameter.
[[nodiscard]] Parameters checked_parameters(const queries::NamedQuery& query, const Parameters& given);

/// Runs every statement of the script and writes its rows. All are prepared before the first runs, so that a mistake in
/// the last one writes nothing. Throws QueryError, UsageError (parameters without value or without use).
void run_script(const queries::Database& database, std::string_view sql, const Parameters& parameters, RowFormat format,
                std::ostream& out);
void run_named(const queries::Database& database, const queries::NamedQuery& query, const Parameters& given,
               RowFormat format, std::ostream& out);

/// The SQL without leading blanks, comments and semicolons; empty when nothing is left.
[[nodiscard]] std::string_view skip_blank_sql(std::string_view sql);
/// The named queries by group with their parameters.
void list_queries(std::ostream& out);

/// While it lives, Ctrl-C sets flag() instead of ending the program; a second one before reset() ends it.
class CancelOnInterrupt {
 public:
  CancelOnInterrupt();
  ~CancelOnInterrupt();
  CancelOnInterrupt(const CancelOnInterrupt&) = delete;
  CancelOnInterrupt& operator=(const CancelOnInterrupt&) = delete;
  [[nodiscard]] static const std::atomic<bool>& flag();
  static void reset();

 private:
  struct sigaction former_ {};
};

}  // namespace analyzer
