#include "formats/mtrace.h"

#include <algorithm>
#include <string>

#include "formats/text_lines.h"

namespace formats::mtrace {
namespace {

std::optional<std::uint64_t> parse_pointer(std::string_view text) {
  if (text == "(nil)" || text == "0") return 0;
  if (!text.starts_with("0x")) return std::nullopt;
  return parse_number<std::uint64_t>(text.substr(2), 16);
}

/// The last word, which is cut off with the blank before it.
std::string_view take_last_word(std::string_view& text) {
  const std::size_t blank = text.rfind(' ');
  const std::string_view word = blank == std::string_view::npos ? text : text.substr(blank + 1);
  text = blank == std::string_view::npos ? std::string_view() : text.substr(0, blank);
  return word;
}

}  // namespace

bool looks_like(Bytes head) {
  std::string_view text = as_text(head);
  if (text.starts_with("= Start")) return true;
  // A part of a trace, or one whose recorder has no mark.
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos || !text.starts_with("@ ")) return false;
  const std::optional<Event> event = parse_event(text.substr(0, end));
  return event && parse_caller(event->caller);
}

std::optional<Event> parse_event(std::string_view line) {
  Event event;
  if (line == "= Start" || line == "= End") return event;
  const std::string_view last = take_last_word(line);
  std::string_view before = take_last_word(line);
  std::string_view op = before;
  std::string_view address = last;
  if (before != "-" && before != "<") {
    const std::optional<std::uint64_t> size = parse_pointer(last);
    if (!size) return std::nullopt;
    event.size = *size;
    address = before;
    op = take_last_word(line);
  }
  const std::optional<std::uint64_t> parsed = parse_pointer(address);
  if (!parsed || op.size() != 1) return std::nullopt;
  event.address = *parsed;
  switch (op.front()) {
    case '+':
    case '>': event.op = Op::allocated; break;
    case '-':
    case '<': event.op = Op::freed; break;
    case '!': event.op = Op::failed; break;
    default: return std::nullopt;
  }
  event.is_realloc = op.front() != '+' && op.front() != '-';
  if (line.starts_with("@ ")) {
    event.caller = line.substr(2);
  } else if (!line.empty()) {
    return std::nullopt;
  }
  return event;
}

std::optional<Caller> parse_caller(std::string_view text) {
  if (!text.ends_with(']')) return std::nullopt;
  const std::size_t bracket = text.rfind('[');
  if (bracket == std::string_view::npos) return std::nullopt;
  Caller caller;
  const std::optional<std::uint64_t> address = parse_pointer(text.substr(bracket + 1, text.size() - bracket - 2));
  if (!address) return std::nullopt;
  caller.address = *address;
  text = text.substr(0, bracket);
  if (text.ends_with(')')) {
    const std::size_t open = text.rfind(":(");
    if (open == std::string_view::npos) return std::nullopt;
    const std::string_view symbol = text.substr(open + 2, text.size() - open - 3);
    caller.function = symbol.substr(0, symbol.rfind('+'));
    text = text.substr(0, open + 1);
  }
  if (text.ends_with(':')) text.remove_suffix(1);
  caller.module = text;
  return caller;
}

}  // namespace formats::mtrace
