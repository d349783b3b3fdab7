#include "formats/xtree.h"

#include <algorithm>

namespace formats::xtree {
namespace {

constexpr std::string_view no_file = "UnknownFile???";

bool take_key(std::string_view& line, std::string_view key) {
  if (!line.starts_with(key)) return false;
  line.remove_prefix(key.size());
  return true;
}

}  // namespace

bool looks_like(Bytes head) {
  TextLines lines(head);
  if (!lines.next() || !lines.line().starts_with("# callgrind format")) return false;
  for (int i = 0; i < 4 && lines.next(); ++i) {
    if (lines.line().starts_with("creator: xtree")) return true;
  }
  return false;
}

Reader::Reader(Bytes bytes, DamageLog& damage) : lines_(bytes), damage_(damage) {
  while (lines_.next()) {
    std::string_view line = lines_.line();
    if (take_key(line, "cmd:")) header_.command = trim(line);
    if (take_key(line, "pid:")) header_.process_id = parse_number<std::uint64_t>(trim(line)).value_or(0);
    if (take_key(line, "events:")) {
      constexpr std::size_t most_events = 256;
      for (std::string_view word = take_word(line); !word.empty() && header_.events.size() < most_events;
           word = take_word(line)) {
        header_.events.push_back(word);
      }
      return;
    }
  }
}

/// "(3) name" defines number 3, "(3)" stands for what it was defined as.
std::optional<std::string_view> Reader::name(std::string_view text, Names& names) {
  const std::size_t close = text.find(')');
  if (!text.starts_with('(') || close == std::string_view::npos) return std::nullopt;
  const auto number = parse_number<std::uint64_t>(text.substr(1, close - 1));
  if (!number) return std::nullopt;
  const std::string_view definition = trim(text.substr(close + 1));
  if (!definition.empty()) return names[*number] = definition;
  const auto found = names.find(*number);
  if (found == names.end()) return std::nullopt;
  return found->second;
}

bool Reader::read_values(std::string_view text, std::vector<std::uint64_t>& values) const {
  values.clear();
  for (std::string_view word = take_word(text); !word.empty(); word = take_word(text)) {
    const auto value = parse_number<std::uint64_t>(word);
    if (!value || values.size() == header_.events.size()) return false;
    values.push_back(*value);
  }
  return values.empty() || values.size() == header_.events.size();
}

/// A line of a path's block. Calls only repeat the next frame and the figures of the path's end.
bool Reader::read_line(std::string_view line, Path& path, bool& is_call_cost) {
  if (take_key(line, "fl=")) {
    const auto file = name(line, files_);
    file_ = file.value_or("");
    return file.has_value();
  }
  if (take_key(line, "fn=")) {
    const auto function = name(line, functions_);
    if (!function) return false;
    path.frames.push_back({*function, file_ == no_file ? std::string_view() : file_, 0});
    return true;
  }
  if (take_key(line, "cfi=")) return name(line, files_).has_value();
  if (take_key(line, "cfn=")) return name(line, functions_).has_value();
  if (take_key(line, "calls=")) {
    is_call_cost = true;
    return true;
  }
  const auto line_number = parse_number<std::int32_t>(take_word(line));
  if (!line_number || *line_number < 0 || path.frames.empty()) return false;
  if (is_call_cost) {
    is_call_cost = false;
    return true;
  }
  path.frames.back().line = *line_number;
  return read_values(line, path.values);
}

std::optional<Path> Reader::next() {
  Path path;
  bool is_call_cost = false;
  bool is_good = true;
  std::uint64_t start = lines_.next_offset();
  const auto is_path = [&] { return is_good && !path.values.empty() && lines_.is_whole(); };
  while (lines_.next()) {
    std::string_view line = lines_.line();
    if (take_key(line, "totals:")) {
      if (!lines_.is_whole() || !read_values(line, totals_)) totals_.clear();
      break;
    }
    if (!line.empty()) {
      is_good = read_line(line, path, is_call_cost) && is_good;
      continue;
    }
    if (is_path()) return path;
    if (!path.frames.empty() || !is_good)
      damage_.add(start, lines_.offset() - start, "a call path that cannot be read");
    path = {};
    is_good = true;
    is_call_cost = false;
    start = lines_.next_offset();
  }
  if (totals_.empty() && !path.frames.empty()) {
    damage_.add(start, lines_.next_offset() - start, "the file breaks off within a call path");
  } else if (totals_.empty()) {
    damage_.add(lines_.next_offset(), 0, "the file ends before its totals");
  }
  return std::nullopt;
}

}  // namespace formats::xtree
