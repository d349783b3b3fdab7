// heapql import: the database without a report.
#include "analyzer/commands/commands.h"
#include "analyzer/commands/open_database.h"
#include "analyzer/commands/option_values.h"
#include "analyzer/import_pipeline.h"
#include "analyzer/import_series.h"
#include "analyzer/quantities.h"
#include "analyzer/terminal.h"

namespace analyzer {
namespace {

namespace po = boost::program_options;

po::options_description import_command_options() {
  po::options_description options;
  options.add_options()("output,o", po::value<std::string>()->value_name("DB"),
                        "database to write (replaced when it is there)");
  return options.add(import_options());
}

/// "dir/app.hprof.gz" → "app.db" in the current folder.
std::string default_output(const std::string& input) {
  std::string name = input.substr(input.rfind('/') + 1);
  for (const std::string_view ending : {".gz", ".zst", ".hprof", ".bin"}) {
    if (name.size() > ending.size() && name.ends_with(ending)) name.resize(name.size() - ending.size());
  }
  return (input == "-" ? std::string("stdin") : name) + ".db";
}

int run_import_command(const Invocation& invocation) {
  if (invocation.arguments.empty()) throw UsageError("import needs an INPUT", "examples: heapql import --help");
  const std::string output = text_value(invocation.values, "output");
  const bool series = !output.empty() && is_series(invocation.arguments);
  if (!output.empty() && invocation.arguments.size() > 1 && !series) {
    throw UsageError("-o names one database: it cannot take " + std::to_string(invocation.arguments.size()) + " inputs",
                     "without -o each INPUT.hprof becomes INPUT.db in the current folder");
  }
  int status = exit_ok;
  std::vector<std::string> inputs = invocation.arguments;
  std::vector<std::string> more;
  if (series) {  // one database of all of them
    more.assign(inputs.begin() + 1, inputs.end());
    inputs.resize(1);
  }
  for (const std::string& input : inputs) {
    if (input != "-" && queries::Database::looks_like(input)) {
      throw UsageError(input + " is a heapql database already");
    }
    ImportRequest request = import_request(invocation.values, invocation.global);
    request.input = input;
    request.more_inputs = more;
    request.output = output.empty() ? default_output(input) : output;
    const ImportOutcome outcome = run_import(request, invocation.global);
    print_note(invocation.global,
               request.output + ": " +
                   (outcome.object_count == 0 ? "" : format_count(outcome.object_count) + " objects ") + "from " +
                   input);
    status = std::max(status, damage_status(*outcome.database, invocation.global));
  }
  return status;
}

}  // namespace

const Command import_command = {
    "import",
    "make a database of a dump, without a report",
    "INPUT... [-o DB]",
    "heapql import app.hprof -o app.db\n"
    "heapql import *.hprof.gz                 # each becomes NAME.db here\n"
    "heapql import app.hprof -o mat.db --sizes=mat --weak=follow   # as Eclipse MAT counts\n",
    import_command_options,
    run_import_command};

}  // namespace analyzer
