// The few pieces of JSON that gates write themselves.
#pragma once

#include <string>
#include <string_view>

namespace analyzer {

/// The text as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD, so the document always parses.
[[nodiscard]] std::string json_string(std::string_view text);
/// A number with all its digits: whole ones without point. Not finite: null.
[[nodiscard]] std::string json_number(double value);

}  // namespace analyzer
