// What a command of the program is, what it is given, and the few types that all commands share.
//
// To add a command: one file here that defines `const Command NAME_command = {…}`, its declaration in commands.h, one
// row in command_table.cpp. Help, completion and "did you mean" follow from the table.
#pragma once

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/variables_map.hpp>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace analyzer {

/// The exit status of the program (contract: design, "Command line").
enum ExitStatus : int {
  exit_ok = 0,
  exit_gate_failed = 1,        ///< only `check`
  exit_usage = 2,              ///< wrong command line or configuration, wrong SQL
  exit_input = 3,              ///< input unreadable, unsupported, damaged beyond use; any damage with --strict
  exit_not_evaluated = 4,      ///< a configured rule could not be evaluated
  exit_internal = 5,           ///< our bug
  exit_interrupted = 128 + 2,  ///< SIGINT
};

/// The command line or a configuration file is wrong: exit 2. `hint` is shown on a line of its own.
struct UsageError : std::runtime_error {
  explicit UsageError(const std::string& message, std::string hint_text = {})
      : std::runtime_error(message), hint(std::move(hint_text)) {}
  std::string hint;
};

enum class ColorMode : std::uint8_t { automatic, always, never };

/// Options that every command takes, before or after its name.
struct GlobalOptions {
  bool quiet = false;                      ///< no progress, no notes; errors stay
  bool verbose = false;                    ///< times of the phases
  ColorMode color = ColorMode::automatic;  ///< NO_COLOR is honoured by terminal.h
  unsigned threads = 1;                    ///< from --threads, else the cores of the machine, at most 8
  bool strict = false;                     ///< any damage → exit 3 after reporting
  bool no_cache = false;
};

struct Invocation {
  const GlobalOptions& global;
  const boost::program_options::variables_map& values;  ///< the command's own options
  std::vector<std::string> arguments;                   ///< positional, in order
};

struct Command {
  std::string_view name;
  std::string_view summary;   ///< one line
  std::string_view usage;     ///< "INPUT... [-o DB]", without program and command
  std::string_view examples;  ///< lines of "command  # what it does"; shown first in the help
  boost::program_options::options_description (*options)();
  int (*run)(const Invocation&);  ///< returns an ExitStatus
};

/// In the order of the help.
[[nodiscard]] std::span<const Command* const> all_commands();
[[nodiscard]] const Command* find_command(std::string_view name);
/// --quiet, --verbose, … --help.
[[nodiscard]] const boost::program_options::options_description& global_options();

}  // namespace analyzer
