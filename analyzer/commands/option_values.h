// Values of options: taken from the parsed command line, checked, with errors that say what is allowed.
#pragma once

#include <boost/program_options/variables_map.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace analyzer {

/// The option's value, which must be one of `allowed`; the first of them when the option is absent. Throws UsageError.
[[nodiscard]] std::string choice(const boost::program_options::variables_map& values, const std::string& option,
                                 const std::vector<std::string>& allowed);

/// A whole number in [least, most]; `otherwise` when the option is absent. Throws UsageError.
[[nodiscard]] std::uint64_t count_value(const boost::program_options::variables_map& values, const std::string& option,
                                        std::uint64_t otherwise, std::uint64_t least, std::uint64_t most);

/// The option's value, or "" when absent.
[[nodiscard]] std::string text_value(const boost::program_options::variables_map& values, const std::string& option);

}  // namespace analyzer
