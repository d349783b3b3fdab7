// The table of commands and the options that all of them take.
#include "analyzer/commands/commands.h"

namespace analyzer {
namespace {

namespace po = boost::program_options;

constexpr const Command* commands[] = {
    &analyze_command, &import_command,  &info_command,       &report_command, &query_command,
    &shell_command,   &path_command,    &diff_command,       &trend_command,  &export_command,
    &check_command,   &formats_command, &completion_command, &help_command,
};

}  // namespace

std::span<const Command* const> all_commands() { return commands; }

const Command* find_command(std::string_view name) {
  for (const Command* command : commands) {
    if (command->name == name) return command;
  }
  return nullptr;
}

const po::options_description& global_options() {
  static const po::options_description options = [] {
    po::options_description made;
    made.add_options()("quiet,q", "no progress and no notes; warnings and errors stay")(
        "verbose,v", "say how long each phase took")("color", po::value<std::string>()->value_name("WHEN"),
                                                     "colours: auto, always or never (also: NO_COLOR=1)")(
        "threads", po::value<std::string>()->value_name("N"), "threads to use; the result does not depend on it")(
        "strict", "any damage in the input is an error: report, then exit 3")(
        "no-cache", "do not keep imported dumps in $XDG_CACHE_HOME/heapql")("version,V", "print the version")(
        "help,h", "print help");
    return made;
  }();
  return options;
}

}  // namespace analyzer
