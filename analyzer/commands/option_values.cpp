#include "analyzer/commands/option_values.h"

#include <algorithm>
#include <charconv>

#include "analyzer/commands/command.h"
#include "analyzer/commands/suggestions.h"

namespace analyzer {

std::string text_value(const boost::program_options::variables_map& values, const std::string& option) {
  const auto found = values.find(option);
  return found == values.end() ? std::string{} : found->second.as<std::string>();
}

std::string choice(const boost::program_options::variables_map& values, const std::string& option,
                   const std::vector<std::string>& allowed) {
  if (values.count(option) == 0) return allowed.front();
  std::string value = text_value(values, option);
  if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return value;
  std::string list;
  for (const std::string& name : allowed) list += (list.empty() ? "" : ", ") + name;
  throw UsageError("--" + option + ": '" + value + "' is not possible" + did_you_mean(value, allowed),
                   "possible values: " + list);
}

std::uint64_t count_value(const boost::program_options::variables_map& values, const std::string& option,
                          std::uint64_t otherwise, std::uint64_t least, std::uint64_t most) {
  if (values.count(option) == 0) return otherwise;
  const std::string text = text_value(values, option);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most) {
    throw UsageError("--" + option + ": '" + text + "' is not a whole number from " + std::to_string(least) + " to " +
                     std::to_string(most));
  }
  return value;
}

}  // namespace analyzer
