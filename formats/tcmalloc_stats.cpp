#include "formats/tcmalloc_stats.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace formats::tcmalloc_stats {
namespace {

constexpr auto none = std::string_view::npos;

struct Figure {
  std::string_view label;
  std::uint64_t Sample::*value;
};
/// The first begins a sample, the last ends it.
constexpr std::array<Figure, 10> figures{{
    {"Bytes in use by application", &Sample::in_use_bytes},
    {"Bytes in page heap freelist", &Sample::page_free_bytes},
    {"Bytes in central cache freelist", &Sample::cached_bytes},
    {"Bytes in per-CPU cache freelist", &Sample::cached_bytes},
    {"Bytes in transfer cache freelist", &Sample::cached_bytes},
    {"Bytes in thread cache freelists", &Sample::cached_bytes},
    {"Bytes in malloc metadata", &Sample::metadata_bytes},
    {"Actual memory used (physical + swap)", &Sample::resident_bytes},
    {"Bytes released to OS (aka unmapped)", &Sample::retained_bytes},
    {"Virtual address space used", &Sample::mapped_bytes},
}};

/// "MALLOC: +  679936 (    0.6 MiB) Bytes in page heap freelist": which figure, and its value.
struct Line {
  const Figure* figure = nullptr;
  std::uint64_t value = 0;
};
std::optional<Line> parse(std::string_view text) {
  constexpr std::string_view begin = "MALLOC:";
  if (!text.starts_with(begin)) return std::nullopt;
  text.remove_prefix(begin.size());
  const std::size_t digits = text.find_first_not_of(" +=");
  const std::size_t open = text.find(" (");
  const std::size_t close = text.find(") ");
  if (digits == none || open == none || close == none || open <= digits || close < open) return std::nullopt;
  const std::optional<std::uint64_t> value = parse_number<std::uint64_t>(text.substr(digits, open - digits));
  const std::string_view label = trim(text.substr(close + 2));
  const auto* figure = std::find_if(figures.begin(), figures.end(), [&](const Figure& f) { return f.label == label; });
  if (!value || figure == figures.end()) return std::nullopt;
  return Line{figure, *value};
}

}  // namespace

bool looks_like(Bytes head) {
  TextLines lines(head);
  while (lines.next()) {
    const std::optional<Line> line = parse(trim(lines.line()));
    if (line && line->figure == figures.data()) return true;
  }
  return false;
}

std::optional<Sample> Reader::next() {
  std::optional<Timestamp> time;
  Sample sample;
  bool inside = false;
  const auto cut = [&](std::uint64_t end) {
    if (inside) damage_.add(sample.offset, end - sample.offset, "tcmalloc statistics cut short");
  };
  while (lines_.next()) {
    const std::string_view text = trim(lines_.line());
    const std::optional<Line> line = parse(text);
    if (!line) {
      const std::size_t first = text.find_first_not_of("#=- ");
      if (inside || first == none) continue;
      if (const std::optional<Timestamp> marker = parse_timestamp(text.substr(first))) time = marker;
      continue;
    }
    if (line->figure == &figures.front()) {
      cut(lines_.offset());
      sample = {};
      sample.offset = lines_.offset();
      sample.time = time;
      time.reset();
      inside = true;
    }
    if (!inside) continue;
    std::uint64_t& sum = sample.*line->figure->value;
    if (__builtin_add_overflow(sum, line->value, &sum)) sum = UINT64_MAX;
    if (line->figure == &figures.back()) return sample;
  }
  cut(size_);
  return std::nullopt;
}

}  // namespace formats::tcmalloc_stats
