// heapql help [COMMAND]
#include <iostream>

#include "analyzer/commands/commands.h"
#include "analyzer/commands/option_help.h"
#include "analyzer/commands/program.h"
#include "analyzer/terminal.h"

namespace analyzer {
namespace {

int run_help(const Invocation& invocation) {
  const std::size_t width = std::min<std::size_t>(terminal_width(Stream::output), 110);
  if (invocation.arguments.empty()) {
    std::cout << program_help(width);
    return exit_ok;
  }
  for (const std::string& name : invocation.arguments) {
    const Command* command = find_command(name);
    if (command == nullptr) throw unknown_command(name);
    std::cout << command_help(*command, width);
  }
  return exit_ok;
}

}  // namespace

const Command help_command = {"help",
                              "explain the program or one command",
                              "[COMMAND]...",
                              "heapql help check      # options, examples and exit statuses of `check`",
                              [] { return boost::program_options::options_description(); },
                              run_help};

}  // namespace analyzer
