#include "formats/jemalloc_profile.h"

#include <string>

namespace formats::jemalloc_profile {
namespace {

constexpr std::string_view magic = "heap_v2/";

/// A number that ends with `end`, cut off `text`.
bool take_number(std::string_view& text, char end, std::int64_t& number) {
  const std::size_t at = text.find(end);
  if (at == std::string_view::npos) return false;
  const auto parsed = parse_number<std::int64_t>(trim(text.substr(0, at)));
  if (!parsed) return false;
  number = *parsed;
  text.remove_prefix(at + 1);
  return true;
}

/// "t*: 13: 6688 [0: 0]" or "t3: … [0: 0] name". `thread` is "*" or a number.
bool parse_figures(std::string_view line, std::string_view& thread, Figures& figures, std::string_view& name) {
  line = trim(line);
  if (!line.starts_with('t')) return false;
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return false;
  thread = line.substr(1, colon - 1);
  line.remove_prefix(colon + 1);
  if (!take_number(line, ':', figures.live_count) || !take_number(line, '[', figures.live_bytes) ||
      !take_number(line, ':', figures.allocation_count) || !take_number(line, ']', figures.allocated_bytes)) {
    return false;
  }
  name = trim(line);
  return true;
}

/// Skips a section of names; the current line is then the profile's first.
bool find_first_line(TextLines& lines, profile_text::Names* names) {
  if (!lines.next()) return false;
  if (profile_text::begins_names(lines.line())) {
    profile_text::Names skipped = profile_text::read_names(lines);
    if (names != nullptr) *names = std::move(skipped);
    if (!lines.next()) return false;
    if (lines.line().starts_with("--- heap") && !lines.next()) return false;
  }
  return true;
}

}  // namespace

bool looks_like(Bytes head) { return as_text(head).starts_with(magic); }

bool follows_names(Bytes file) {
  TextLines lines(file);
  return find_first_line(lines, nullptr) && lines.line().starts_with(magic);
}

Reader::Reader(Bytes file, DamageLog& damage) : lines_(file), damage_(damage) {
  if (find_first_line(lines_, &names_)) read_header();
}

void Reader::read_header() {
  std::string_view line = lines_.line();
  std::optional<std::uint64_t> interval;
  if (line.starts_with(magic)) interval = parse_number<std::uint64_t>(trim(line.substr(magic.size())));
  if (interval) {
    header_.mean_interval_bytes = static_cast<double>(*interval);
  } else {
    add_damage("the profile's first line makes no sense");
  }
  while (lines_.next()) {
    line = lines_.line();
    if (line.starts_with('@') || profile_text::begins_mapped_files(line)) {
      has_line_ = true;
      break;
    }
    if (trim(line).empty()) continue;
    Thread thread;
    std::string_view id;
    if (!parse_figures(line, id, thread.figures, thread.name)) {
      add_damage("line that makes no sense");
    } else if (id == "*") {
      header_.total = thread.figures;
    } else if (const auto number = parse_number<std::uint64_t>(id)) {
      thread.id = *number;
      header_.threads.push_back(thread);
    }
  }
  header_.has_allocations = header_.total.allocation_count != 0 || header_.total.allocated_bytes != 0;
}

bool Reader::next(Sample& sample) {
  while (has_line_ || lines_.next()) {
    has_line_ = false;
    const std::string_view line = trim(lines_.line());
    if (line.empty()) continue;
    if (profile_text::begins_mapped_files(line)) {
      mapped_files_ = profile_text::read_mapped_files(lines_);
      return false;
    }
    sample.offset = lines_.offset();
    sample.addresses.clear();
    if (!line.starts_with('@') || !profile_text::read_addresses(line.substr(1), sample.addresses)) {
      add_damage("line that makes no sense");
    } else if (read_figures(sample)) {
      return true;
    }
  }
  return false;
}

/// The lines after a call path: of all threads, and of each.
bool Reader::read_figures(Sample& sample) {
  const std::uint64_t path_bytes = lines_.next_offset() - lines_.offset();
  bool has_total = false;
  while (lines_.next()) {
    const std::string_view line = lines_.line();
    Figures figures;
    std::string_view thread;
    std::string_view name;
    if (!trim(line).starts_with('t') || !parse_figures(line, thread, figures, name)) {
      has_line_ = true;
      break;
    }
    if (thread != "*") continue;
    sample.figures = figures;
    has_total = true;
  }
  if (!has_total) damage_.add(sample.offset, path_bytes, "call path without figures");
  return has_total;
}

void Reader::add_damage(std::string_view what) {
  damage_.add(lines_.offset(), lines_.next_offset() - lines_.offset(), std::string(what));
}

}  // namespace formats::jemalloc_profile
