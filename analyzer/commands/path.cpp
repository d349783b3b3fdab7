// heapql path: why an object is alive.
#include <boost/program_options.hpp>
#include <iostream>

#include "analyzer/commands/commands.h"
#include "analyzer/commands/open_database.h"
#include "analyzer/commands/option_values.h"
#include "analyzer/commands/path_text.h"
#include "analyzer/commands/query_run.h"
#include "analyzer/terminal.h"

namespace analyzer {
namespace {

namespace po = boost::program_options;

po::options_description path_options() {
  po::options_description options;
  options.add_options()("paths,k", po::value<std::string>()->value_name("N"), "show up to N paths (default: 1)");
  options.add_options()("format", po::value<std::string>()->value_name("FORMAT"), "text or json (default: text)");
  options.add_options()("full", "show every step of very long paths");
  return options;
}

int run_path(const Invocation& invocation) {
  if (invocation.arguments.size() != 2) {
    throw UsageError("path needs a database (or dump) and an object", "usage: heapql path INPUT|DB OBJECT [-k N]");
  }
  PathOptions options;
  constexpr std::uint64_t most_paths = 10'000;
  options.paths = count_value(invocation.values, "paths", 1, 1, most_paths);
  options.json = choice(invocation.values, "format", {"text", "json"}) == "json";
  options.full = invocation.values.count("full") != 0;
  const std::unique_ptr<queries::Database> database = open_database(invocation.arguments[0], invocation.global);
  const CancelOnInterrupt cancel;
  database->set_limits(std::chrono::milliseconds{0}, &CancelOnInterrupt::flag());
  try {
    write_paths(*database, invocation.arguments[1], options, std::cout);
  } catch (const queries::QueryError&) {
    if (!CancelOnInterrupt::flag()) throw;
    print_warning(invocation.global, "interrupted");
    return exit_interrupted;
  }
  return exit_ok;
}

}  // namespace

const Command path_command = {"path",
                              "show why an object is alive: its paths from roots",
                              "INPUT|DB OBJECT [-k N]",
                              "heapql path app.db 0x7f0a1c40      # by address\n"
                              "heapql path app.db 1234 -k 5       # five paths to object 1234\n"
                              "heapql path app.db 1234 --format json",
                              path_options,
                              run_path};

}  // namespace analyzer
