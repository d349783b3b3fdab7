#include "formats/heapcheck.h"

#include <string>

#include "formats/text_lines.h"

namespace formats::heapcheck {
namespace {

constexpr std::string_view active = "Perftools heap leak checker is active";
constexpr std::string_view check_magic = "Leak check ";
constexpr std::string_view leak_magic = "Leak of ";

/// "10000 bytes in 50 objects…": cut off `text`.
bool take_totals(std::string_view& text, std::int64_t& bytes, std::int64_t& count) {
  const auto byte_number = parse_number<std::int64_t>(take_word(text));
  if (!byte_number || take_word(text) != "bytes" || take_word(text) != "in") return false;
  const auto object_number = parse_number<std::int64_t>(take_word(text));
  if (!object_number || !take_word(text).starts_with("object")) return false;
  bytes = *byte_number;
  count = *object_number;
  return true;
}

/// "Leak check _main_ detected leaks of 10000 bytes in 50 objects"; also "No leaks found for check …" is of a check.
bool parse_check(std::string_view line, Report& report) {
  if (!line.starts_with(check_magic)) return false;
  line.remove_prefix(check_magic.size());
  const std::string_view name = take_word(line);
  if (take_word(line) != "detected" || take_word(line) != "leaks" || take_word(line) != "of") return false;
  Report found;
  found.name = name;
  found.is_complete = take_totals(line, found.bytes, found.object_count);
  const bool is_complete = found.is_complete;
  if (is_complete) report = std::move(found);
  return is_complete || report.is_complete;
}

/// "\t@ 56478243b209 function".
bool parse_frame(std::string_view line, Frame& frame) {
  if (take_word(line) != "@") return false;
  std::string_view word = take_word(line);
  if (word.starts_with("0x")) word.remove_prefix(2);
  const auto address = parse_number<std::uint64_t>(word, 16);
  if (!address) return false;
  frame.address = *address;
  frame.function = trim(line);
  return true;
}

}  // namespace

bool looks_like(Bytes head) {
  const std::string_view text = as_text(head);
  if (text.substr(0, 256).find(active) != std::string_view::npos) return true;
  const std::size_t check = text.find(check_magic);
  return check != std::string_view::npos && (check == 0 || text[check - 1] == '\n') &&
         text.substr(check, 512).find(" detected leaks of ") != std::string_view::npos;
}

Report read(Bytes file, DamageLog& damage) {
  Report report;
  TextLines lines(file);
  bool in_leak = false;
  while (lines.next()) {
    std::string_view line = lines.line();
    Frame frame;
    if (in_leak && parse_frame(line, frame)) {
      report.leaks.back().frames.push_back(frame);
      continue;
    }
    in_leak = false;
    if (parse_check(line, report) || !line.starts_with(leak_magic)) continue;
    line.remove_prefix(leak_magic.size());
    Leak leak;
    in_leak = take_totals(line, leak.bytes, leak.object_count);
    if (in_leak) {
      report.leaks.push_back(leak);
    } else {
      damage.add(lines.offset(), lines.next_offset() - lines.offset(), "leak that makes no sense");
    }
  }
  return report;
}

}  // namespace formats::heapcheck
