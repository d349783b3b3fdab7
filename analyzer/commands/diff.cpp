// heapql diff: what grew between two snapshots, by class, by suspect and by path; by address only where both are dumps
// of one native process.
#include "analyzer/reports/diff.h"

#include "analyzer/commands/commands.h"
#include "analyzer/commands/open_database.h"
#include "analyzer/commands/option_values.h"
#include "analyzer/commands/report_output.h"
#include "importers/registry.h"

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

/// Of most formats class statistics, suspects and metrics are all that is compared: digests do. Two cores may be of one
/// process: then every block is.
std::unique_ptr<queries::Database> open(const std::string& input, const ImportRequest& request,
                                        const GlobalOptions& global) {
  if (input != "-" && !queries::Database::looks_like(input)) {
    constexpr std::size_t head_size = 1 << 16;
    const std::string head = formats::Input::read_head(input, head_size);
    const importers::Importer* importer = importers::find_importer(std::as_bytes(std::span(head.data(), head.size())));
    if (importer != nullptr && importer->name == "core") return open_database(input, request, global);
  }
  return open_digest(input, request, global);
}

int run_diff(const Invocation& invocation) {
  if (invocation.arguments.size() != 2) throw UsageError("diff takes OLD and NEW", "examples: heapql diff --help");
  const ReportTarget target = report_target(invocation.values, true);
  ReportOptions options;
  options.rows = count_value(invocation.values, "limit", options.rows, 0, 1'000'000);
  options.sites.sort = text_value(invocation.values, "sort");
  const ImportRequest request = import_request(invocation.values, invocation.global);
  const auto before = open(invocation.arguments[0], request, invocation.global);
  const auto after = open(invocation.arguments[1], request, invocation.global);
  write_report(build_diff(*before, *after, options), target, invocation.global);
  return std::max(damage_status(*before, invocation.global), damage_status(*after, invocation.global));
}

}  // namespace

const Command diff_command = {"diff",
                              "say what grew from one snapshot to the next",
                              "OLD NEW",
                              "heapql diff monday.db friday.db\n"
                              "heapql diff before.hprof after.hprof --format markdown\n"
                              "heapql diff core.first core.second         # two cores of one process: block by block\n",
                              diff_options,
                              run_diff};

}  // namespace analyzer
