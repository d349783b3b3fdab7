// Help texts from the option tables: `-c, --config FILE  what it does`, examples first.
#pragma once

#include <boost/program_options/options_description.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/commands/command.h"

namespace analyzer {

/// One option as help, completion and "did you mean" need it.
struct OptionText {
  std::string long_name;   ///< "config"
  char short_name = 0;     ///< 'c', 0 = none
  std::string value_name;  ///< "FILE", empty = takes no value
  std::string default_value;
  std::string description;
};
[[nodiscard]] std::vector<OptionText> option_texts(const boost::program_options::options_description& options);

/// The table of options, two spaces in, descriptions aligned and wrapped to `width` columns.
[[nodiscard]] std::string option_table(const boost::program_options::options_description& options, std::size_t width);

[[nodiscard]] std::string program_help(std::size_t width);
[[nodiscard]] std::string command_help(const Command& command, std::size_t width);

}  // namespace analyzer
