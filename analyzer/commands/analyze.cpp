// heapql analyze (and heapql INPUT): import, analyse, say who is to blame.
#include "analyzer/commands/commands.h"
#include "analyzer/commands/open_database.h"
#include "analyzer/commands/option_values.h"
#include "analyzer/commands/report_output.h"
#include "analyzer/import_series.h"
#include "analyzer/reports/reports.h"
#include "analyzer/terminal.h"

namespace analyzer {
namespace {

namespace po = boost::program_options;

po::options_description analyze_options() {
  po::options_description options;
  options.add_options()("output,o", po::value<std::string>()->value_name("DB"),
                        "keep the database (without: everything stays in memory)");
  add_report_options(options, false);
  return options.add(import_options());
}

/// `more`: the other files of a series.
std::unique_ptr<queries::Database> analyzed(const std::string& input, const std::vector<std::string>& more,
                                            const Invocation& invocation) {
  ImportRequest request = import_request(invocation.values, invocation.global);
  request.more_inputs = more;
  const std::string output = text_value(invocation.values, "output");
  if (output.empty()) return open_digest(input, std::move(request), invocation.global);
  request.input = input;
  request.output = output;
  return run_import(request, invocation.global).database;
}

int run_analyze(const Invocation& invocation) {
  if (invocation.arguments.empty()) throw UsageError("analyze needs an INPUT", "examples: heapql --help");
  const bool series = is_series(invocation.arguments);
  if (invocation.values.count("output") != 0) {
    if (invocation.arguments.size() > 1 && !series) {
      throw UsageError("-o names one database: it cannot take " + std::to_string(invocation.arguments.size()) +
                       " inputs");
    }
    if (invocation.arguments.front() != "-" && queries::Database::looks_like(invocation.arguments.front())) {
      throw UsageError(invocation.arguments.front() + " is a heapql database already: -o has nothing to keep");
    }
  }
  const ReportTarget target{report_target(invocation.values, false).format, "-"};
  int status = exit_ok;
  const std::size_t inputs = series ? 1 : invocation.arguments.size();
  for (std::size_t i = 0; i < inputs; ++i) {
    std::vector<std::string> more;
    if (series) more.assign(invocation.arguments.begin() + 1, invocation.arguments.end());
    const auto database = analyzed(invocation.arguments[i], more, invocation);
    write_report(build_summary(*database, {}), target, invocation.global);
    status = std::max(status, damage_status(*database, invocation.global));
  }
  return status;
}

}  // namespace

const Command analyze_command = {
    "analyze",
    "import, analyse, print the leak suspects or, of a profile, who allocates (the default command)",
    "INPUT... [-o DB]",
    "heapql app.hprof                        # the same as: heapql analyze app.hprof\n"
    "heapql app.hprof.gz -o app.db           # keep the database for query, report, diff\n"
    "ssh host cat app.hprof | heapql -       # from standard input\n"
    "heapql app.hprof --format markdown      # for a ticket\n",
    analyze_options,
    run_analyze};

}  // namespace analyzer
