#include "formats/memleak.h"

#include <algorithm>

namespace formats::memleak {
namespace {

/// "[11:16:33] Top 2 stacks with outstanding allocations:".
std::optional<Timestamp> parse_heading(std::string_view line) {
  const std::size_t end = line.find(']');
  if (!line.starts_with('[') || end == std::string_view::npos) return std::nullopt;
  if (line.find(" stacks with outstanding allocations") == std::string_view::npos) return std::nullopt;
  return parse_timestamp(line.substr(1, end - 1));
}

/// "80 bytes in 5 allocations from stack".
std::optional<Stack> parse_stack(std::string_view line) {
  Stack stack;
  const auto bytes = parse_number<std::uint64_t>(take_word(line));
  if (take_word(line) != "bytes" || take_word(line) != "in") return std::nullopt;
  const auto count = parse_number<std::uint64_t>(take_word(line));
  if (!bytes || !count || take_word(line) != "allocations") return std::nullopt;
  stack.bytes = *bytes;
  stack.count = *count;
  return stack;
}

/// "addr = 948cd0 size = 16".
std::optional<Block> parse_block(std::string_view line) {
  if (take_word(line) != "addr" || take_word(line) != "=") return std::nullopt;
  std::string_view address_text = take_word(line);
  if (address_text.starts_with("0x")) address_text.remove_prefix(2);
  const auto address = parse_number<std::uint64_t>(address_text, 16);
  if (take_word(line) != "size" || take_word(line) != "=") return std::nullopt;
  const auto size = parse_number<std::uint64_t>(take_word(line));
  if (!address || !size) return std::nullopt;
  return Block{*address, *size};
}

bool is_indented(std::string_view line) { return line.starts_with(' ') || line.starts_with('\t'); }

/// Cuts "+0x6d" or "+71" off.
std::string_view without_offset(std::string_view function) {
  const std::size_t plus = function.rfind('+');
  if (plus == std::string_view::npos || plus == 0) return function;
  std::string_view digits = function.substr(plus + 1);
  const int base = digits.starts_with("0x") ? 16 : 10;
  if (base == 16) digits.remove_prefix(2);
  return parse_number<std::uint64_t>(digits, base) ? function.substr(0, plus) : function;
}

}  // namespace

bool looks_like(Bytes head) {
  TextLines lines(head);
  while (lines.next()) {
    if (parse_heading(lines.line())) return true;
  }
  return false;
}

std::optional<Frame> parse_frame(std::string_view text) {
  text = trim(text);
  if (text.empty()) return std::nullopt;
  Frame frame;
  if (const std::size_t mark = text.find(" [<"); mark != std::string_view::npos) {  // "0 [<000055>] main+0x6d [allocs]"
    const std::size_t end = text.find(">]", mark);
    if (end != std::string_view::npos && parse_number<std::uint32_t>(text.substr(0, mark)))
      text = trim(text.substr(end + 2));
  }
  std::string_view address = text.substr(0, text.find_first_of(" \t"));
  if (address.starts_with("0x") && parse_number<std::uint64_t>(address.substr(2), 16)) {
    text = trim(text.substr(address.size()));
  } else {
    address = {};
  }
  if (text.ends_with(']')) {
    const std::size_t open = text.rfind('[');
    const bool is_all = trim(text.substr(0, open)).empty();
    if (open != std::string_view::npos && !is_all) {
      frame.module = text.substr(open + 1, text.size() - open - 2);
      text = trim(text.substr(0, open));
    }
  }
  frame.function = without_offset(text);
  const bool has_name = !frame.function.empty() && frame.function != "[unknown]";
  if (!has_name && !address.empty()) frame.function = address;
  if (frame.function.empty()) return std::nullopt;
  return frame;
}

std::optional<Report> Reader::next() {
  std::optional<Timestamp> time;
  while (!time && lines_.next()) {
    if (lines_.is_whole()) time = parse_heading(lines_.line());
  }
  if (!time) return std::nullopt;
  Report report;
  report.time = *time;
  std::vector<Block> blocks;  // they stand in front of their stack
  bool in_stack = false;
  while (lines_.next()) {
    const std::string_view line = lines_.line();
    if (parse_heading(line)) {
      lines_.seek(lines_.offset());
      break;
    }
    if (!lines_.is_whole() && is_indented(line)) {
      damage_.add(lines_.offset(), line.size(), "the report breaks off");
    } else {
      read_line(line, report, blocks, in_stack);
    }
  }
  return report;
}

void Reader::read_line(std::string_view line, Report& report, std::vector<Block>& blocks, bool& in_stack) {
  const std::string_view text = trim(line);
  if (auto stack = parse_stack(text)) {
    stack->blocks.swap(blocks);
    report.stacks.push_back(std::move(*stack));
    in_stack = true;
  } else if (const auto block = parse_block(text)) {
    blocks.push_back(*block);
    in_stack = false;
  } else if (text.empty() || !is_indented(line)) {
    in_stack = false;  // the end of it, another program's output, or what memleak says when it ends
  } else if (in_stack) {
    if (const auto frame = parse_frame(text)) report.stacks.back().frames.push_back(*frame);
  } else if (text.find(" bytes in ") != std::string_view::npos || text.starts_with("addr ")) {
    damage_.add(lines_.offset(), lines_.next_offset() - lines_.offset(), "a line of figures that cannot be read");
  }
}

}  // namespace formats::memleak

namespace formats::bpftrace {
namespace {

/// "@st[", "@[" → the name; nothing when the key ends in the same line.
std::optional<std::string_view> parse_opening(std::string_view line) {
  if (!line.starts_with('@')) return std::nullopt;
  const std::size_t open = line.find('[');
  if (open == std::string_view::npos || line.find("]:") != std::string_view::npos) return std::nullopt;
  const std::string_view name = line.substr(1, open - 1);
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (!std::all_of(name.begin(), name.end(), is_word)) return std::nullopt;
  return name;
}

}  // namespace

bool looks_like(Bytes head) {
  TextLines lines(head);
  while (lines.next()) {
    if (!parse_opening(lines.line())) continue;
    return lines.next() && (lines.line().starts_with("    ") || lines.line().starts_with('\t'));
  }
  return false;
}

std::optional<Entry> Reader::next() {
  Entry entry;
  std::optional<std::uint64_t> start;
  while (lines_.next()) {
    const std::string_view line = lines_.line();
    if (const auto name = parse_opening(line)) {
      if (start) damage_.add(*start, lines_.offset() - *start, "an entry of a map without its value");
      entry = {};
      entry.map = *name;
      start = lines_.offset();
    } else if (start && line.starts_with("]:")) {
      const auto value = lines_.is_whole() ? parse_number<std::int64_t>(trim(line.substr(2))) : std::nullopt;
      if (value && *value >= 0) {
        entry.value = *value;
        return entry;
      }
      damage_.add(*start, lines_.next_offset() - *start, "a map's value is no count");
      start.reset();
    } else if (start && !trim(line).empty()) {
      if (const auto frame = memleak::parse_frame(line)) entry.frames.push_back(*frame);
    }
  }
  if (start) damage_.add(*start, lines_.next_offset() - *start, "an entry of a map without its value");
  return std::nullopt;
}

}  // namespace formats::bpftrace
