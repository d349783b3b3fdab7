// heapql diff: what grew between two snapshots, by class, by suspect and by path; never by address.
#include "analyzer/reports/diff.h"

#include "analyzer/commands/commands.h"
#include "analyzer/commands/open_database.h"
#include "analyzer/commands/option_values.h"
#include "analyzer/commands/report_output.h"

namespace analyzer {
namespace {

namespace po = boost::program_options;

po::options_description diff_options() {
  po::options_description options;
  options.add_options()("limit,n", po::value<std::string>()->value_name("N"),
                        "rows of a table, the rest is one line; 0 = all (default: 25)");
  options.add_options()("sort", po::value<std::string>()->value_name("FIGURE"),
                        "profiles: the figure compared: leaked_bytes, live_bytes, peak_bytes, allocation_count …");
  add_report_options(options, true);
  return options.add(import_options());
}

int run_diff(const Invocation& invocation) {
  if (invocation.arguments.size() != 2) throw UsageError("diff takes OLD and NEW", "examples: heapql diff --help");
  const ReportTarget target = report_target(invocation.values, true);
  ReportOptions options;
  options.rows = count_value(invocation.values, "limit", options.rows, 0, 1'000'000);
  options.sites.sort = text_value(invocation.values, "sort");
  const ImportRequest request = import_request(invocation.values, invocation.global);
  // Class statistics, suspects and metrics are all that is compared: digests do.
  const auto before = open_digest(invocation.arguments[0], request, invocation.global);
  const auto after = open_digest(invocation.arguments[1], request, invocation.global);
  write_report(build_diff(*before, *after, options), target, invocation.global);
  return std::max(damage_status(*before, invocation.global), damage_status(*after, invocation.global));
}

}  // namespace

const Command diff_command = {"diff",
                              "say what grew from one snapshot to the next",
                              "OLD NEW",
                              "heapql diff monday.db friday.db\n"
                              "heapql diff before.hprof after.hprof --format markdown\n",
                              diff_options,
                              run_diff};

}  // namespace analyzer
