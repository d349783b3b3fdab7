#include "analyzer/commands/program.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <filesystem>
#include <iostream>
#include <new>
#include <thread>

#include "analyzer/commands/commands.h"
#include "analyzer/commands/option_help.h"
#include "analyzer/commands/option_values.h"
#include "analyzer/commands/suggestions.h"
#include "analyzer/terminal.h"
#include "importers/import_job.h"
#include "queries/database.h"
#include "queries/store.h"

namespace analyzer {
namespace {

namespace po = boost::program_options;

constexpr std::string_view default_command = "analyze";
constexpr std::string_view positional_name = "argument";

/// Commands of the design that are not there yet: known, so that the answer is better than "unknown command".
constexpr std::string_view later_commands[] = {"simulate"};

/// Every option of every command: what may stand before the command's name.
const std::vector<OptionText>& all_options() {
  static const std::vector<OptionText> options = [] {
    std::vector<OptionText> all = option_texts(global_options());
    for (const Command* command : all_commands()) {
      const std::vector<OptionText> own = option_texts(command->options());
      all.insert(all.end(), own.begin(), own.end());
    }
    return all;
  }();
  return options;
}

/// "--set", "--set=x", "-c" → that option of any command; nullptr = of none.
const OptionText* find_option(std::string_view token) {
  for (const OptionText& option : all_options()) {
    if (token.substr(0, 2) == "--" ? token.substr(2, token.find('=') - 2) == option.long_name
                                   : option.short_name != 0 && token[1] == option.short_name) {
      return &option;
    }
  }
  return nullptr;
}

/// true when the next token is this one's value: "--set", "-c", "-qc", but not "--set=x" and "-cx".
bool takes_next_token(std::string_view token) {
  if (token.substr(0, 2) == "--") {
    const OptionText* option = find_option(token);
    return option != nullptr && !option->value_name.empty() && token.find('=') == std::string_view::npos;
  }
  for (std::size_t i = 1; i < token.size(); ++i) {
    const OptionText* option = find_option(std::string{'-', token[i]});
    if (option != nullptr && !option->value_name.empty()) return i + 1 == token.size();
  }
  return false;
}

/// Index of the first token that is neither an option nor the value of one; size() when there is none.
std::size_t first_word(const std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& token = arguments[i];
    if (token == "--") return i + 1 < arguments.size() ? i + 1 : arguments.size();
    if (token.size() < 2 || token[0] != '-') return i;
    if (takes_next_token(token)) ++i;
  }
  return arguments.size();
}

/// A word that is no command is an input of `analyze` when it can be a file; a plain word that is no file is a typo.
bool may_be_input(const std::string& word) {
  if (word == "-" || word.find_first_of("./") != std::string::npos) return true;
  std::error_code ignored;
  return std::filesystem::exists(word, ignored);
}

po::options_description hidden_options() {
  po::options_description hidden;
  hidden.add_options()(positional_name.data(), po::value<std::vector<std::string>>());
  return hidden;
}

/// "--foo" as typed → an error that names the nearest option of this command.
UsageError unknown_option(const std::string& typed, const Command* command, const po::options_description& options) {
  std::vector<std::string> names;
  for (const OptionText& option : option_texts(options)) names.push_back("--" + option.long_name);
  const std::string help = command == nullptr ? "heapql --help" : "heapql " + std::string(command->name) + " --help";
  return UsageError("unknown option '" + typed + "'" + did_you_mean(typed, names), "all options: " + help);
}

po::variables_map parse_options(const Command* command, const std::vector<std::string>& arguments,
                                const po::options_description& visible) {
  po::options_description all;
  all.add(visible).add(hidden_options());
  po::positional_options_description positional;
  positional.add(positional_name.data(), -1);
  po::variables_map values;
  try {
    // Prefix guessing off: `--conf` must not silently become whatever option exists today.
    constexpr int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(arguments).options(all).positional(positional).style(style).run(), values);
    po::notify(values);
  } catch (const po::unknown_option& error) {
    throw unknown_option(error.get_option_name(), command, visible);
  } catch (const po::error& error) {
    throw UsageError(
        error.what(),
        command == nullptr ? "" : "usage: heapql " + std::string(command->name) + ' ' + std::string(command->usage));
  }
  return values;
}

GlobalOptions global_values(const po::variables_map& values) {
  GlobalOptions global;
  global.quiet = values.count("quiet") != 0;
  global.verbose = values.count("verbose") != 0;
  global.strict = values.count("strict") != 0;
  global.no_cache = values.count("no-cache") != 0;
  const std::string color = choice(values, "color", {"auto", "always", "never"});
  global.color = color == "always" ? ColorMode::always : color == "never" ? ColorMode::never : ColorMode::automatic;
  constexpr unsigned most_threads = 256;
  const unsigned cores = std::clamp(std::thread::hardware_concurrency(), 1u, 8u);
  global.threads = static_cast<unsigned>(count_value(values, "threads", cores, 1, most_threads));
  return global;
}

void print_error(const GlobalOptions& global, std::string_view message, std::string_view hint = {}) {
  const Style style(wants_color(global.color, Stream::error));
  std::cout.flush();
  std::cerr << "heapql: " << style.red << "error:" << style.reset << ' ' << printable(message) << '\n';
  if (!hint.empty()) std::cerr << "heapql: " << printable(hint) << '\n';
}

int run_command_line(const CommandLine& line) {
  const std::size_t width = std::min<std::size_t>(terminal_width(Stream::output), 110);
  if (line.version) {
    std::cout << "heapql " << program_version << '\n';
    return exit_ok;
  }
  if (line.command == nullptr) {
    (line.help ? std::cout : std::cerr) << program_help(width);
    return line.help ? exit_ok : exit_usage;
  }
  if (line.help) {
    std::cout << command_help(*line.command, width);
    return exit_ok;
  }
  return line.command->run({line.global, line.values, line.arguments});
}

}  // namespace

UsageError unknown_command(const std::string& name) {
  if (std::find(std::begin(later_commands), std::end(later_commands), name) != std::end(later_commands)) {
    return UsageError("the command '" + name + "' is not in this version (" + std::string(program_version) + ")",
                      "commands: heapql help");
  }
  std::vector<std::string> names;
  for (const Command* command : all_commands()) names.emplace_back(command->name);
  return UsageError("'" + name + "' is neither a command nor a file" + did_you_mean(name, names),
                    "commands: heapql help");
}

CommandLine parse_command_line(const std::vector<std::string>& arguments) {
  CommandLine line;
  std::vector<std::string> rest = arguments;
  const std::size_t word = first_word(arguments);
  const bool after_dashes = word > 0 && word < arguments.size() && arguments[word - 1] == "--";
  if (word < arguments.size()) {
    if (!after_dashes) line.command = find_command(arguments[word]);
    if (line.command != nullptr) {
      rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(word));
    } else if (after_dashes || may_be_input(arguments[word])) {
      line.command = find_command(default_command);
    } else {
      // `--colr never check`: the option is the mistake, not the value that looks like a command.
      for (std::size_t i = 0; i < word; ++i) {
        if (arguments[i].substr(0, 2) != "--" || find_option(arguments[i]) != nullptr) continue;
        throw unknown_option(arguments[i], find_command(default_command), global_options());
      }
      throw unknown_command(arguments[word]);
    }
  }
  po::options_description visible;
  if (line.command != nullptr) visible.add(line.command->options());
  visible.add(global_options());
  line.values = parse_options(line.command, rest, visible);
  line.global = global_values(line.values);
  line.help = line.values.count("help") != 0;
  line.version = line.values.count("version") != 0;
  if (const auto found = line.values.find(std::string(positional_name)); found != line.values.end()) {
    line.arguments = found->second.as<std::vector<std::string>>();
  }
  return line;
}

int run_program(const std::vector<std::string>& arguments) noexcept {
  CommandLine line;
  try {
    std::ios::sync_with_stdio(false);
    line = parse_command_line(arguments);
    const int status = run_command_line(line);
    if (!std::cout.flush()) throw queries::StoreError("standard output: cannot write (disk full?)");
    return status;
  } catch (const UsageError& error) {
    print_error(line.global, error.what(), error.hint);
    return exit_usage;
  } catch (const queries::QueryError& error) {
    print_error(line.global, error.what());
    return exit_usage;
  } catch (const formats::InputError& error) {
    print_error(line.global, error.what());
    return exit_input;
  } catch (const queries::StoreError& error) {
    print_error(line.global, error.what());
    return exit_input;
  } catch (const std::bad_alloc&) {
    print_error(line.global, "not enough memory for this input",
                "a heap of N objects needs about 30 N bytes of memory beside the file itself");
    return exit_input;
  } catch (const std::exception& error) {
    print_error(line.global, std::string("internal error: ") + error.what(),
                "this is a bug in heapql " + std::string(program_version) +
                    ": please report it, with the command line and what `heapql info` says of the input");
    return exit_internal;
  }
}

}  // namespace analyzer
