// Reports to standard output or a file, in the format that was asked for.
#pragma once

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/variables_map.hpp>
#include <string>
#include <vector>

#include "analyzer/commands/command.h"
#include "analyzer/reports/report.h"

namespace analyzer {

struct ReportTarget {
  std::string format = "text";  ///< text, markdown, json, csv
  std::string path = "-";       ///< "-" = standard output
};

/// --format; with `allow_file` also -o FILE.
void add_report_options(boost::program_options::options_description& options, bool allow_file);

/// --format and, where it was added, -o; without --format the ending of FILE decides (.md .json .csv, else text).
/// Throws UsageError.
[[nodiscard]] ReportTarget report_target(const boost::program_options::variables_map& values, bool allow_file);

/// Throws queries::StoreError when it cannot be written.
void write_report(const Report& report, const ReportTarget& target, const GlobalOptions& global);

}  // namespace analyzer
