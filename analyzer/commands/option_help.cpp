#include "analyzer/commands/option_help.h"

#include <algorithm>
#include <boost/program_options/cmdline.hpp>

#include "analyzer/commands/program.h"

namespace analyzer {
namespace {

namespace po = boost::program_options;

/// Words of `text`, wrapped to `width`; every line but the first is indented by `indent`.
std::string wrapped(std::string_view text, std::size_t width, std::size_t indent) {
  std::string result;
  std::size_t column = indent;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::size_t length = end - at;
    if (column > indent && column + 1 + length > width) {
      result += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      result += ' ';
      ++column;
    }
    result += text.substr(at, length);
    column += length;
    at = end + 1;
  }
  return result;
}

std::string example_lines(std::string_view examples) {
  std::string result;
  for (std::size_t at = 0; at < examples.size();) {
    const std::size_t end = std::min(examples.find('\n', at), examples.size());
    if (end > at) result += "  " + std::string(examples.substr(at, end - at)) + '\n';
    at = end + 1;
  }
  return result;
}

}  // namespace

std::vector<OptionText> option_texts(const po::options_description& options) {
  std::vector<OptionText> result;
  for (const auto& option : options.options()) {
    OptionText text;
    text.long_name = option->long_name();
    const std::string canonical = option->canonical_display_name(po::command_line_style::allow_dash_for_short);
    if (canonical.size() == 2 && canonical[0] == '-' && canonical[1] != '-') text.short_name = canonical[1];
    if (option->semantic()->max_tokens() > 0) {
      // Boost appends the default as "NAME (=value)".
      text.value_name = option->format_parameter();
      const std::size_t at = text.value_name.find(" (=");
      if (at != std::string::npos) {
        text.default_value = text.value_name.substr(at + 3, text.value_name.size() - at - 4);
        text.value_name.resize(at);
      }
    }
    text.description = option->description();
    result.push_back(std::move(text));
  }
  return result;
}

std::string option_table(const po::options_description& options, std::size_t width) {
  const std::vector<OptionText> texts = option_texts(options);
  std::vector<std::string> left;
  std::size_t left_width = 0;
  for (const OptionText& text : texts) {
    std::string name = text.short_name != 0 ? std::string{'-', text.short_name, ',', ' '} : std::string(4, ' ');
    name += "--" + text.long_name;
    if (!text.value_name.empty()) name += ' ' + text.value_name;
    left_width = std::max(left_width, name.size());
    left.push_back(std::move(name));
  }
  left_width = std::min<std::size_t>(left_width, 30);
  const std::size_t indent = 2 + left_width + 2;
  std::string result;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    result += "  " + left[i];
    if (left[i].size() > left_width) {
      result += '\n' + std::string(indent, ' ');
    } else {
      result += std::string(left_width - left[i].size() + 2, ' ');
    }
    std::string description = texts[i].description;
    if (!texts[i].default_value.empty()) description += " (default: " + texts[i].default_value + ')';
    result += wrapped(description, std::max(width, indent + 20), indent) + '\n';
  }
  return result;
}

std::string program_help(std::size_t width) {
  std::string result = "heapql " + std::string(program_version) +
                       " - what fills this heap, and what keeps it alive\n\n"
                       "Examples:\n"
                       "  heapql app.hprof                            # leak suspects, in one screen\n"
                       "  heapql app.hprof.gz -o app.db               # the same, and keep the database\n"
                       "  heapql report app.db --type histogram       # one of the reports\n"
                       "  heapql query app.db \"select * from histogram limit 10\"\n"
                       "  heapql check app.hprof --max-suspects 0     # exit status 1 when something leaks\n\n"
                       "Usage: heapql [COMMAND] INPUT... [OPTION]...     (no command: analyze)\n\n"
                       "Commands:\n";
  std::size_t name_width = 0;
  for (const Command* command : all_commands()) name_width = std::max(name_width, command->name.size());
  for (const Command* command : all_commands()) {
    result += "  " + std::string(command->name) + std::string(name_width - command->name.size() + 2, ' ') +
              wrapped(command->summary, width, name_width + 4) + '\n';
  }
  result += "\nOptions of every command:\n" + option_table(global_options(), width);
  result +=
      "\nExit status: 0 fine, 1 a gate rule failed (check), 2 usage or configuration, 3 input unreadable,\n"
      "4 a rule could not be evaluated, 5 internal error, 130 interrupted.\n"
      "More: heapql help COMMAND\n";
  return result;
}

std::string command_help(const Command& command, std::size_t width) {
  std::string result = "heapql " + std::string(command.name) + " - " + std::string(command.summary) + "\n\n";
  if (!command.examples.empty()) result += "Examples:\n" + example_lines(command.examples) + '\n';
  result += "Usage: heapql " + std::string(command.name) + ' ' + std::string(command.usage) + '\n';
  const po::options_description options = command.options();
  if (!options.options().empty()) result += "\nOptions:\n" + option_table(options, width);
  result += "\nOptions of every command:\n" + option_table(global_options(), width);
  return result;
}

}  // namespace analyzer
