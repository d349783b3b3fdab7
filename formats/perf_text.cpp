#include "formats/perf_text.h"

namespace formats::perf_text {

std::string_view without_offset(std::string_view text) {
  const std::size_t plus = text.rfind("+0x");
  if (plus == std::string_view::npos || plus == 0) return text;
  return parse_address(text.substr(plus + 1)) ? text.substr(0, plus) : text;
}

Place parse_place(std::string_view text) {
  const std::size_t close = text.rfind(')');
  if (close == std::string_view::npos) return {function_name(without_offset(trim(text))), {}};
  text = text.substr(0, close);
  // "(/tmp/app (deleted))" is the name of a file.
  constexpr std::string_view deleted = " (deleted)";
  const std::size_t searched = text.ends_with(deleted) ? text.size() - deleted.size() : text.size();
  const std::size_t open = text.starts_with('(') ? 0 : text.substr(0, searched).rfind(" (");
  if (open == std::string_view::npos) return {function_name(without_offset(trim(text))), {}};
  const std::string_view module = trim(text.substr(open));
  return {function_name(without_offset(trim(text.substr(0, open)))), known(module.substr(1))};
}

std::vector<Span> dotted_spans(std::string_view dots) {
  constexpr std::size_t max_columns = 64;
  std::vector<Span> spans;
  if (!dots.starts_with('#') || dots.find_first_not_of(" .", 1) != std::string_view::npos) return {};
  for (std::size_t at = dots.find('.'); at != std::string_view::npos; at = dots.find('.', at)) {
    if (spans.size() == max_columns) return {};
    const std::size_t end = std::min(dots.find(' ', at), dots.size());
    spans.push_back({at, end});
    at = end;
  }
  return spans;
}

std::string_view heading_in(std::string_view headings, Span span) {
  const std::size_t begin = std::min(span.begin, headings.size());
  return trim(headings.substr(begin, span.end - begin));
}

}  // namespace formats::perf_text
