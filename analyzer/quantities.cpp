#include "analyzer/quantities.h"

#include <charconv>
#include <cmath>

namespace analyzer {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Takes the leading decimal number off `text`: digits with at most one point, no sign, no exponent. Digit groups may
/// be parted by ',' or '_'.
std::optional<double> take_number(std::string_view& text) {
  std::string digits;
  bool point = false;
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c >= '0' && c <= '9') {
      digits += c;
    } else if (c == '.' && !point) {
      point = true;
      digits += c;
    } else if ((c == ',' || c == '_') && !digits.empty() && !point) {
      continue;
    } else {
      break;
    }
  }
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  text.remove_prefix(at);
  return value;
}

}  // namespace

std::optional<double> parse_number(std::string_view text) {
  text = trimmed(text);
  const std::optional<double> value = take_number(text);
  return value && text.empty() ? value : std::nullopt;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  text = trimmed(text);
  const std::optional<double> number = take_number(text);
  if (!number) return std::nullopt;
  std::string unit;
  for (const char c : trimmed(text)) unit += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  constexpr std::string_view prefixes = "kmgtp";
  double factor = 1;
  if (!unit.empty() && unit != "b" && unit != "byte" && unit != "bytes") {
    const std::size_t power = prefixes.find(unit[0]);
    const std::string_view rest = std::string_view(unit).substr(1);
    if (power == std::string_view::npos || !(rest.empty() || rest == "b" || rest == "i" || rest == "ib"))
      return std::nullopt;
    factor = std::pow(1024.0, static_cast<double>(power + 1));
  }
  const double bytes = *number * factor;
  if (!(bytes < 9.2e18)) return std::nullopt;
  return static_cast<std::uint64_t>(std::llround(bytes));
}

std::optional<double> parse_percent(std::string_view text) {
  text = trimmed(text);
  if (text.empty() || text.back() != '%') return std::nullopt;
  text.remove_suffix(1);
  return parse_number(text);
}

std::string format_decimal(double value, int digits) {
  char buffer[64];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed, digits);
  if (error != std::errc{}) return "?";
  std::string text(buffer, end);
  if (text.find('.') != std::string::npos) {
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
  }
  return text == "-0" ? "0" : text;
}

std::string format_size(double bytes) {
  constexpr std::string_view units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::size_t unit = 0;
  // 1023.95 would be printed as "1024.0".
  while (unit + 1 < std::size(units) && std::fabs(bytes) >= (unit == 0 ? 1024.0 : 1023.95)) {
    bytes /= 1024;
    ++unit;
  }
  if (unit == 0) return format_decimal(bytes, 0) + " B";
  char buffer[64];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, bytes, std::chars_format::fixed, 1);
  return (error == std::errc{} ? std::string(buffer, end) : "?") + ' ' + std::string(units[unit]);
}

std::string format_count(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, 1, ',');
  return text;
}

}  // namespace analyzer
