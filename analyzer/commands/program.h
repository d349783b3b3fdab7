// The program: finds the command, parses the command line once, runs, and turns every exception into an exit status.
#pragma once

#include <string>
#include <vector>

#include "analyzer/commands/command.h"

namespace analyzer {

inline constexpr std::string_view program_version = "0.1.0";

/// `arguments` without the program's name. Never throws; returns an ExitStatus.
[[nodiscard]] int run_program(const std::vector<std::string>& arguments) noexcept;

/// A command line taken apart, before anything runs.
struct CommandLine {
  const Command* command = nullptr;  ///< nullptr: only --help or --version (or nothing) was given
  GlobalOptions global;
  bool help = false;
  bool version = false;
  boost::program_options::variables_map values;
  std::vector<std::string> arguments;
};

/// Finds the command (skipping values of options; no command = analyze), then one parse. Throws UsageError.
[[nodiscard]] CommandLine parse_command_line(const std::vector<std::string>& arguments);

/// 'NAME is neither a command nor a file', with the nearest command; better words for commands of later versions.
[[nodiscard]] UsageError unknown_command(const std::string& name);

}  // namespace analyzer
