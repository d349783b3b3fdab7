#include "formats/valgrind_trace.h"

#include <algorithm>
#include <string>

#include "formats/text_lines.h"

namespace formats::valgrind_trace {
namespace {

/// "name(arguments)" at the start of `text`, which is cut off.
struct Call {
  std::string_view name;
  std::string_view arguments;
};
std::optional<Call> take_call(std::string_view& text) {
  const std::size_t open = text.find('(');
  const std::size_t close = text.find(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open || open == 0)
    return std::nullopt;
  const Call call{text.substr(0, open), text.substr(open + 1, close - open - 1)};
  const auto is_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9');
  };
  if (!std::all_of(call.name.begin(), call.name.end(), is_name)) return std::nullopt;
  text.remove_prefix(close + 1);
  return call;
}

std::optional<std::uint64_t> parse_pointer(std::string_view text) {
  if (text == "0" || text == "(nil)") return 0;
  if (!text.starts_with("0x")) return std::nullopt;
  return parse_number<std::uint64_t>(text.substr(2), 16);
}

/// "16", "2,8", "al 64, size 100", "size 100, al 64".
std::optional<std::uint64_t> parse_size(std::string_view arguments) {
  if (const std::size_t at = arguments.find("size "); at != std::string_view::npos) {
    arguments = arguments.substr(at + 5);
    return parse_number<std::uint64_t>(arguments.substr(0, arguments.find(',')));
  }
  const std::size_t comma = arguments.find(',');
  const std::optional<std::uint64_t> first = parse_number<std::uint64_t>(arguments.substr(0, comma));
  if (!first || comma == std::string_view::npos) return first;
  const std::optional<std::uint64_t> second = parse_number<std::uint64_t>(arguments.substr(comma + 1));
  std::uint64_t product = 0;
  if (!second || __builtin_mul_overflow(*first, *second, &product)) return std::nullopt;
  return product;
}

/// "--PID-- " in front, which is cut off.
std::optional<std::uint64_t> take_process_id(std::string_view& line) {
  if (!line.starts_with("--")) return std::nullopt;
  const std::size_t end = line.find("-- ", 2);
  if (end == std::string_view::npos) return std::nullopt;
  const auto id = parse_number<std::uint64_t>(line.substr(2, end - 2));
  if (id) line.remove_prefix(end + 3);
  return id;
}

std::optional<Event> parse_realloc(const Call& call, std::uint64_t process_id, std::string_view rest) {
  Event event{call.name, process_id};
  const std::size_t comma = call.arguments.find(',');
  if (comma == std::string_view::npos) return std::nullopt;
  const std::optional<std::uint64_t> old = parse_pointer(call.arguments.substr(0, comma));
  const std::optional<std::uint64_t> size = parse_size(call.arguments.substr(comma + 1));
  if (!old || !size) return std::nullopt;
  if (!rest.starts_with(" = ")) {  // what it called instead
    const std::optional<Call> inner = take_call(rest);
    if (!inner) return std::nullopt;
  }
  if (!rest.starts_with(" = ")) {  // realloc(p,0)free(p): valgrind ends the line behind free()
    if (*size != 0 || !rest.empty()) return std::nullopt;
    event.freed = *old;
    return event;
  }
  const std::optional<std::uint64_t> made = parse_pointer(rest.substr(3));
  if (!made) return std::nullopt;
  if (*made == 0 && *size != 0) return event;  // failed: the old block stays
  event.freed = *old;
  event.allocated = *made;
  event.size = *size;
  return event;
}

}  // namespace

bool looks_like(Bytes head) {
  TextLines lines(head);
  while (lines.next()) {
    if (lines.is_whole() && parse_event(lines.line())) return true;
  }
  return false;
}

std::optional<Event> parse_event(std::string_view line) {
  const std::optional<std::uint64_t> process_id = take_process_id(line);
  if (!process_id) return std::nullopt;
  const std::optional<Call> call = take_call(line);
  if (!call) return std::nullopt;
  Event event{call->name, *process_id};
  if (call->name == "realloc") return parse_realloc(*call, *process_id, line);
  if (line.empty()) {
    const std::optional<std::uint64_t> freed = parse_pointer(call->arguments);
    if (!freed) return std::nullopt;
    event.freed = *freed;
    return event;
  }
  if (!line.starts_with(" = ") || call->name == "malloc_usable_size") return std::nullopt;
  const std::optional<std::uint64_t> made = parse_pointer(line.substr(3));
  const std::optional<std::uint64_t> size = parse_size(call->arguments);
  if (!made || !size) return std::nullopt;
  event.allocated = *made;
  event.size = *made == 0 ? 0 : *size;  // it failed: nothing was allocated
  return event;
}

}  // namespace formats::valgrind_trace
