// heapql report: one of the reports, of a database or a raw dump.
#include "analyzer/commands/commands.h"
#include "analyzer/commands/open_database.h"
#include "analyzer/commands/option_values.h"
#include "analyzer/commands/report_output.h"
#include "analyzer/import_pipeline.h"
#include "analyzer/reports/raw_histogram.h"
#include "analyzer/reports/reports.h"

namespace analyzer {
namespace {

namespace po = boost::program_options;

constexpr std::string_view default_type = "leak-suspects";

std::vector<std::string> type_names() {
  std::vector<std::string> names;
  for (const ReportType& type : report_types()) {
    // The default first.
    names.insert(type.name == default_type ? names.begin() : names.end(), std::string(type.name));
  }
  return names;
}

po::options_description report_options() {
  static const std::string types = [] {
    std::string list;
    for (const std::string& name : type_names()) list += (list.empty() ? "" : ", ") + name;
    return "which report: " + list;
  }();
  po::options_description options;
  options.add_options()("type,t", po::value<std::string>()->value_name("TYPE"), types.c_str())(
      "limit,n", po::value<std::string>()->value_name("N"),
      "rows of a table, the rest is one line; 0 = all (default: 25)");
  options.add_options()("no-graph", "histogram of a raw dump by counting alone: fast, nothing stored, no live bytes");
  add_report_options(options, true);
  return options.add(import_options());
}

int run_report(const Invocation& invocation) {
  if (invocation.arguments.size() != 1)
    throw UsageError("report takes one INPUT or DB", "examples: heapql report --help");
  const std::string type = choice(invocation.values, "type", type_names());
  const ReportTarget target = report_target(invocation.values, true);
  ReportOptions options;
  options.rows = count_value(invocation.values, "limit", options.rows, 0, 1'000'000);
  if (invocation.values.count("no-graph") != 0) {
    if (type != "histogram") throw UsageError("--no-graph goes with --type histogram only");
    ImportRequest request = import_request(invocation.values, invocation.global);
    request.input = invocation.arguments.front();
    const queries::Snapshot counted = count_classes(request, invocation.global);
    write_report(build_raw_histogram(counted, options), target, invocation.global);
    return invocation.global.strict && counted.damage_count != 0 ? exit_input : exit_ok;
  }
  const auto database = open_database(invocation.arguments.front(),
                                      import_request(invocation.values, invocation.global), invocation.global);
  write_report(find_report_type(type)->build(*database, options), target, invocation.global);
  return damage_status(*database, invocation.global);
}

}  // namespace

const Command report_command = {"report",
                                "print one of the reports: leak suspects, histogram, threads, …",
                                "INPUT|DB [--type TYPE] [--format FORMAT] [-o FILE]",
                                "heapql report app.db                            # leak suspects\n"
                                "heapql report app.db --type histogram -n 50\n"
                                "heapql report app.hprof --type histogram --no-graph  # in one walk over the dump\n"
                                "heapql report app.db --type overview -o overview.md\n"
                                "heapql report app.hprof --type threads --format json\n",
                                report_options,
                                run_report};

}  // namespace analyzer
