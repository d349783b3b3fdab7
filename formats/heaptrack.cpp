#include "formats/heaptrack.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "formats/text_lines.h"

namespace formats::heaptrack {
namespace {

constexpr std::array<std::uint8_t, 256> digit_table() {
  std::array<std::uint8_t, 256> table{};
  for (std::uint8_t& digit : table) digit = 0xff;
  for (std::uint8_t i = 0; i < 10; ++i) table[static_cast<std::size_t>('0') + i] = i;
  for (std::uint8_t i = 0; i < 6; ++i) table[static_cast<std::size_t>('a') + i] = static_cast<std::uint8_t>(10 + i);
  return table;
}

std::optional<std::uint64_t> take_hex(std::string_view& text) {
  return parse_number<std::uint64_t>(take_word(text), 16);
}

template <typename Number>
std::optional<Number> take_small(std::string_view& text) {
  const std::optional<std::uint64_t> number = take_hex(text);
  if (!number || *number > static_cast<std::uint64_t>(std::numeric_limits<Number>::max())) return std::nullopt;
  return static_cast<Number>(*number);
}

/// A line that heaptrack could have written, judged alone. `is_cut`: the head ends within it.
bool is_line(std::string_view line, bool is_cut) {
  constexpr std::string_view tags = "vXxISAsitam+-cR#";
  constexpr std::string_view numeric = "Iitac+-R";
  if (line.empty()) return true;
  if (tags.find(line.front()) == std::string_view::npos) return false;
  if (line.size() == 1) return is_cut || line == "A" || line == "#";
  if (line[1] != ' ') return false;
  if (numeric.find(line.front()) == std::string_view::npos) return true;
  line.remove_prefix(1);
  while (!line.empty()) {
    const bool is_last = is_cut && line.find(' ', 1) == std::string_view::npos;
    if (!take_hex(line) && !is_last) return trim(line).empty();  // trailing blank
  }
  return true;
}

/// A command line may have line ends in its arguments. heaptrack writes the page size next ("I 1000 5e298d"): what lies
/// before that is the command's, if any of it is no line of the format.
std::size_t size_of_command(std::string_view text) {
  bool has_others = false;
  for (std::size_t at = text.find('\n'); at != std::string_view::npos && ++at < text.size();) {
    const std::size_t end = text.find('\n', at);
    const std::string_view line = text.substr(at, end - at);
    if (line.starts_with("I ") && is_line(line, false)) return has_others ? at - 1 : text.find('\n');
    has_others = has_others || !is_line(line, false);
    at = end;
  }
  return std::min(text.find('\n'), text.size());
}

}  // namespace

const std::array<std::uint8_t, 256> Reader::digits = digit_table();

bool looks_like(Bytes head) {
  const std::string_view text = as_text(head.first(std::min<std::size_t>(head.size(), 4096)));
  const std::string_view first = text.substr(0, text.find('\n'));
  const bool has_version = first.starts_with("v ") && parse_version(first.substr(2));
  if (!has_version && !first.starts_with("X ") && !first.starts_with("x ")) return false;
  const std::string_view second = text.substr(std::min(first.size() + 1, text.size()));
  if (has_version && second.starts_with("X ")) return true;  // then comes whatever the command is
  std::size_t lines = 0;
  bool has_more = false;  // than a version and a command, which other texts might have too
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    if (!is_line(line, end == text.size())) return false;
    has_more =
        has_more || (!line.empty() && std::string_view("Iitacm+-R").find(line.front()) != std::string_view::npos);
    ++lines;
    at = end + 1;
  }
  return lines >= 2 && (has_more || has_version);
}

bool Reader::refill() {
  const std::string_view window = windows_.next();
  if (!window.empty()) {
    begin_ = at_ = window.data();
    end_ = at_ + window.size();
    return true;
  }
  if (const std::size_t cut = windows_.remainder().size(); cut != 0) {
    damage_.add(windows_.offset(), cut, "ends within a line");
  }
  begin_ = at_ = end_ = nullptr;
  return false;
}

void Reader::damaged_line(const char* start, std::string what) {
  const void* const found = std::memchr(start, '\n', static_cast<std::size_t>(end_ - start));
  at_ = static_cast<const char*>(found) + 1;
  damage_.add(offset_of(start), static_cast<std::uint64_t>(at_ - start), std::move(what));
}

void Reader::reject(const Line& line, std::string what) {
  damage_.add(line.offset, offset_of(at_) - line.offset, std::move(what));
}

bool Reader::read_other(Line& line) {
  const char* const start = at_;
  switch (*start) {
    case 'a':
    case 'c':
    case 'R':
    case 't':
    case 'I': return read_numbers(line);
    case '\n': ++at_; return false;
    case 'v':
    case 'X':
    case 'x':
    case 'S':
    case 's':
    case 'i':
    case 'm':
    case 'A':
    case '#': break;
    default: damaged_line(start, "no line of heaptrack's"); return false;
  }
  const void* const found = std::memchr(start, '\n', static_cast<std::size_t>(end_ - start));
  const char* end = static_cast<const char*>(found);
  if (*start == 'X') end = start + size_of_command({start, static_cast<std::size_t>(end_ - start)});
  at_ = end + 1;
  line.offset = offset_of(start);
  line.count = 0;
  line.text = {start + 1, static_cast<std::size_t>(end - start - 1)};
  if (line.text.starts_with(' ')) line.text.remove_prefix(1);
  if (*start != '#') return true;
  if (line.text.starts_with("strings: ")) has_end_mark_ = true;
  return false;
}

std::string Version::text() const {
  return std::to_string(heaptrack >> 16) + "." + std::to_string((heaptrack >> 8) & 0xff) + "." +
         std::to_string(heaptrack & 0xff);
}

std::optional<Version> parse_version(std::string_view text) {
  Version version;
  const std::optional<std::uint32_t> heaptrack = take_small<std::uint32_t>(text);
  if (!heaptrack || *heaptrack < 0x10000 || *heaptrack > 0xffffff) return std::nullopt;
  version.heaptrack = *heaptrack;
  if (!trim(text).empty()) {
    const std::optional<std::uint32_t> format = take_small<std::uint32_t>(text);
    if (!format || !trim(text).empty()) return std::nullopt;
    version.format = *format;
  }
  return version;
}

std::optional<std::string_view> parse_string(std::string_view text, unsigned format) {
  if (format < 3) return text;
  const std::size_t blank = std::min(text.find(' '), text.size());
  const std::optional<std::uint64_t> size = parse_number<std::uint64_t>(text.substr(0, blank), 16);
  const std::string_view string = text.substr(std::min(blank + 1, text.size()));
  if (!size || *size != string.size()) return std::nullopt;
  return string;
}

std::string_view parse_suppression(std::string_view text) {
  constexpr std::string_view prefix = "leak:";
  if (!text.starts_with(prefix)) text = parse_string(text, 3).value_or(text);
  text = trim(text);
  if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  return text;
}

std::optional<InstructionPointer> parse_instruction_pointer(std::string_view text) {
  InstructionPointer pointer;
  const std::optional<std::uint64_t> address = take_hex(text);
  const std::optional<std::uint32_t> module = take_small<std::uint32_t>(text);
  if (!address || !module) return std::nullopt;
  pointer.address = *address;
  pointer.module = *module;
  while (!trim(text).empty()) {
    Frame frame;
    const std::optional<std::uint32_t> function = take_small<std::uint32_t>(text);
    if (!function) return std::nullopt;
    frame.function = *function;
    if (!trim(text).empty()) {
      const std::optional<std::uint32_t> file = take_small<std::uint32_t>(text);
      const std::optional<std::int32_t> line = take_small<std::int32_t>(text);
      if (!file || !line) return std::nullopt;
      frame.file = *file;
      frame.line = *line;
    }
    pointer.frames.push_back(frame);
  }
  return pointer;
}

std::optional<ModuleLine> parse_module(std::string_view text, unsigned format) {
  ModuleLine module;
  if (format >= 3) {  // the length of the path, then the path, which may have blanks
    const std::optional<std::uint64_t> size = take_hex(text);
    if (!size || *size >= text.size()) return std::nullopt;
    module.path = text.substr(1, static_cast<std::size_t>(*size));
    text.remove_prefix(1 + static_cast<std::size_t>(*size));
  } else {
    module.path = take_word(text);
  }
  if (module.path.empty()) return std::nullopt;
  if (module.path == "-" && trim(text).empty()) {
    module.clears = true;
    return module;
  }
  const std::optional<std::uint64_t> base = take_hex(text);
  if (!base) return std::nullopt;
  module.base = *base;
  while (!trim(text).empty()) {
    const std::optional<std::uint64_t> address = take_hex(text);
    const std::optional<std::uint64_t> size = take_hex(text);
    if (!address || !size) return std::nullopt;
    module.segments.push_back({*address, *size});
  }
  return module;
}

}  // namespace formats::heaptrack
