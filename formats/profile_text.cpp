#include "formats/profile_text.h"

#include <algorithm>

namespace formats::profile_text {
namespace {

std::optional<std::uint64_t> parse_address(std::string_view word) {
  if (word.starts_with("0x") || word.starts_with("0X")) word.remove_prefix(2);
  return parse_number<std::uint64_t>(word, 16);
}

/// "5621fabbd000-5621fabbe000" at the front of `line`, which is cut off.
bool take_range(std::string_view& line, MappedRange& range) {
  std::string_view rest = line;
  std::string_view word = take_word(rest);
  const bool is_brief = word.ends_with(':');
  if (is_brief) word.remove_suffix(1);
  const std::size_t dash = word.find('-');
  if (dash == std::string_view::npos) return false;
  const auto start = parse_address(word.substr(0, dash));
  const auto end = parse_address(word.substr(dash + 1));
  if (!start || !end || *start >= *end) return false;
  range.start = *start;
  range.end = *end;
  if (!is_brief) {
    take_word(rest);  // permissions
    const auto offset = parse_address(take_word(rest));
    if (!offset) return false;
    range.offset = *offset;
    take_word(rest);  // device
    take_word(rest);  // inode
  }
  line = trim(rest);
  return true;
}

}  // namespace

bool read_addresses(std::string_view text, std::vector<std::uint64_t>& addresses) {
  for (std::string_view word = take_word(text); !word.empty(); word = take_word(text)) {
    const auto address = parse_address(word);
    if (!address) return false;
    addresses.push_back(*address);
  }
  return true;
}

const MappedRange* MappedFiles::find(std::uint64_t address) const {
  auto range = std::upper_bound(ranges.begin(), ranges.end(), address,
                                [](std::uint64_t at, const MappedRange& one) { return at < one.start; });
  if (range == ranges.begin()) return nullptr;
  --range;
  return address < range->end ? &*range : nullptr;
}

bool begins_mapped_files(std::string_view line) {
  line = trim(line);
  return line == "MAPPED_LIBRARIES:" || line == "--- Memory map: ---";
}

MappedFiles read_mapped_files(TextLines& lines) {
  MappedFiles files;
  while (lines.next()) {
    std::string_view line = trim(lines.line());
    MappedRange range;
    if (take_range(line, range)) {
      range.path = line;
      if (!line.empty()) files.ranges.push_back(range);
    } else if (const std::size_t equal = line.find('='); equal != std::string_view::npos) {
      files.variables.emplace_back(line.substr(0, equal), line.substr(equal + 1));
    }
  }
  std::stable_sort(files.ranges.begin(), files.ranges.end(),
                   [](const MappedRange& a, const MappedRange& b) { return a.start < b.start; });
  return files;
}

bool begins_names(std::string_view line) { return line == "--- symbol" || line == "--- symbolz"; }

Names read_names(TextLines& lines) {
  Names names;
  while (lines.next()) {
    std::string_view line = trim(lines.line());
    if (line == "---") break;
    if (line.starts_with("binary=")) {
      names.program = line.substr(7);
      continue;
    }
    const auto address = parse_address(take_word(line));
    if (address && !trim(line).empty()) names.of.try_emplace(*address, trim(line));
  }
  return names;
}

}  // namespace formats::profile_text
