// heapql export: an allocation profile for other tools.
#include <algorithm>

#include "analyzer/commands/commands.h"
#include "analyzer/commands/open_database.h"
#include "analyzer/commands/option_values.h"
#include "analyzer/commands/output_file.h"
#include "analyzer/exports/exports.h"
#include "analyzer/reports/reports.h"
#include "analyzer/terminal.h"
#include "queries/load_profile.h"

namespace analyzer {
namespace {

namespace po = boost::program_options;

po::options_description export_options() {
  po::options_description options;
  options.add_options()("to", po::value<std::string>()->value_name("FORMAT"), "pprof, speedscope or folded")(
      "value", po::value<std::string>()->value_name("VALUE"),
      "leaked, live, peak, allocated (bytes) or count (allocations); without: the first that the record knows and that "
      "is not 0")("output,o", po::value<std::string>()->value_name("FILE"), "write to FILE (default: standard output)");
  return options.add(import_options());
}

const ExportValue& value_of(const po::variables_map& values, const ProfileFigures& figures) {
  std::vector<std::string> names;
  for (const ExportValue& row : export_values()) names.emplace_back(row.name);
  const std::string wanted = values.count("value") == 0 ? std::string{} : choice(values, "value", names);
  const auto value_in_all = [&](const ExportValue& row) { return find_figure(row.figure)->value(figures.total); };
  const bool all_zero = std::none_of(export_values().begin(), export_values().end(),
                                     [&](const ExportValue& row) { return value_in_all(row) > 0; });
  for (const ExportValue& row : export_values()) {
    const bool known = value_in_all(row) != queries::not_known;
    if (wanted.empty() && value_in_all(row) == 0 && !all_zero) continue;  // nothing to look at
    if (wanted.empty() ? known : row.name == wanted) {
      if (!known) throw UsageError("--value " + wanted + ": this record does not say");
      return row;
    }
  }
  throw UsageError("this record has no figures by call path to export");
}

int run_export(const Invocation& invocation) {
  if (invocation.arguments.size() != 1) {
    throw UsageError("export takes one INPUT or DB", "examples: heapql export --help");
  }
  if (invocation.values.count("to") == 0) throw UsageError("export needs --to pprof, speedscope or folded");
  std::vector<std::string> names;
  for (const ExportFormat& format : export_formats()) names.emplace_back(format.name);
  const std::string name = choice(invocation.values, "to", names);
  const std::string path = invocation.values.count("output") == 0 ? "-" : text_value(invocation.values, "output");
  for (const ExportFormat& format : export_formats()) {
    if (format.name != name) continue;
    if (format.is_binary && path == "-" && is_terminal(Stream::output)) {
      throw UsageError("--to " + name + " writes bytes, not text: name a file with -o");
    }
    const auto database = open_database(invocation.arguments.front(),
                                        import_request(invocation.values, invocation.global), invocation.global);
    if (!is_profile(*database)) {
      throw UsageError(invocation.arguments.front() + " is a heap dump: only records of allocations have call paths");
    }
    const ProfileFigures figures = read_figures(queries::load_profile(*database));
    write_output(path, format.render(figures, value_of(invocation.values, figures)));
    return damage_status(*database, invocation.global);
  }
  return exit_internal;
}

}  // namespace

const Command export_command = {"export",
                                "write an allocation profile for pprof, speedscope or flamegraph.pl",
                                "INPUT|DB --to FORMAT [--value VALUE] [-o FILE]",
                                "heapql export server.db --to pprof -o server.pb.gz\n"
                                "heapql export server.db --to speedscope -o server.speedscope.json\n"
                                "heapql export server.db --to folded --value peak | flamegraph.pl > peak.svg\n",
                                export_options,
                                run_export};

}  // namespace analyzer
