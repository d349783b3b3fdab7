// heapql trend: what grows over several snapshots of one program, and whether that is a leak.
#include "analyzer/trend.h"

#include "analyzer/commands/commands.h"
#include "analyzer/commands/open_database.h"
#include "analyzer/commands/option_values.h"
#include "analyzer/commands/report_output.h"
#include "analyzer/input_files.h"
#include "analyzer/reports/reports.h"
#include "analyzer/terminal.h"
#include "queries/store.h"

namespace analyzer {
namespace {

namespace po = boost::program_options;

po::options_description trend_options() {
  po::options_description options;
  options.add_options()("limit,n", po::value<std::string>()->value_name("N"),
                        "rows of a table, the rest is one line; 0 = all (default: 25)")(
      "save", po::value<std::string>()->value_name("DB"),
      "keep the series as a database: for query, report --type growth and check");
  add_report_options(options, true);
  return options.add(import_options());
}

std::unique_ptr<queries::Database> store_trend(const Trend& trend, const std::string& path) {
  if (path.empty()) return queries::write_digest(trend.snapshot, trend.results);
  queries::Store store(path, {});
  store.finish(trend.snapshot, trend.results);
  return queries::Database::open(path);
}

int run_trend(const Invocation& invocation) {
  const std::vector<std::string> inputs = input_files(invocation.arguments);
  if (inputs.size() < 2) {
    throw UsageError("trend takes two snapshots or more",
                     "growth within one input: heapql report INPUT --type growth; examples: heapql trend --help");
  }
  const ReportTarget target = report_target(invocation.values, true);
  ReportOptions options;
  options.rows = count_value(invocation.values, "limit", options.rows, 0, 1'000'000);
  const ImportRequest request = import_request(invocation.values, invocation.global);
  std::vector<std::unique_ptr<queries::Database>> databases;
  std::vector<TrendMoment> moments;
  int status = exit_ok;
  for (const std::string& input : inputs) {
    databases.push_back(open_digest(input, request, invocation.global));  // statistics are all that is compared
    moments.push_back({input, databases.back().get()});
    status = std::max(status, damage_status(*databases.back(), invocation.global));
  }
  GrowthOptions growth;
  growth.limit = request.memory_limit;
  const Trend trend = find_trend_of(moments, growth);
  for (const std::string& warning : trend.snapshot.warnings) print_warning(invocation.global, warning);
  const auto database = store_trend(trend, text_value(invocation.values, "save"));
  write_report(build_growth(*database, options), target, invocation.global);
  return status;
}

}  // namespace

const Command trend_command = {"trend",
                               "say what grows over several snapshots, and whether it leaks",
                               "INPUT|DB... [--save DB]",
                               "heapql trend monday.db tuesday.db wednesday.db\n"
                               "heapql trend 'dumps/*.hprof' -n 10\n"
                               "heapql trend profiles/ --memory-limit 2GiB   # when is it used up?\n"
                               "heapql trend *.db --save series.db && heapql check series.db -c heap-gate.ini\n",
                               trend_options,
                               run_trend};

}  // namespace analyzer
