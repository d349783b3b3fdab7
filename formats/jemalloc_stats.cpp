#include "formats/jemalloc_stats.h"

#include <algorithm>
#include <array>

#include "formats/text_lines.h"

namespace formats::jemalloc_stats {
namespace {

constexpr std::string_view json_begin = "{\"jemalloc\":";
constexpr std::string_view text_begin = "___ Begin jemalloc statistics ___";
constexpr auto none = std::string_view::npos;

struct Figure {
  std::string_view json, text;
  std::uint64_t Sample::*value;
};
constexpr std::array<Figure, 6> figures{{
    {"\"allocated\":", "Allocated: ", &Sample::allocated_bytes},
    {"\"active\":", "active: ", &Sample::active_bytes},
    {"\"metadata\":", "metadata: ", &Sample::metadata_bytes},
    {"\"resident\":", "resident: ", &Sample::resident_bytes},
    {"\"mapped\":", "mapped: ", &Sample::mapped_bytes},
    {"\"retained\":", "retained: ", &Sample::retained_bytes},
}};

std::optional<std::uint64_t> number_at(std::string_view text) {
  const std::size_t first = std::min(text.find_first_not_of(" \t\n\r"), text.size());
  const std::size_t end = text.find_first_not_of("0123456789", first);
  if (end == none) return std::nullopt;  // the input ends within it
  return parse_number<std::uint64_t>(text.substr(first, end - first));
}

/// The totals in `body`, one document's text. `json`: "stats":{"allocated":…, pretty-printed or not.
bool read_totals(std::string_view body, bool json, Sample& sample) {
  if (json) {
    std::size_t stats = none;
    for (std::size_t at = body.find("\"stats\":"); at != none; at = body.find("\"stats\":", at + 1)) {
      const std::size_t brace = body.find_first_not_of(" \t\n\r", at + 8);
      if (brace == none || body[brace] != '{') continue;  // config.stats: true
      stats = brace;
      break;
    }
    if (stats == none) return false;
    const std::size_t close = body.find('}', stats);
    body = body.substr(stats, close == none ? close : close + 1 - stats);
  } else {
    const std::size_t line = body.find("\nAllocated: ");
    if (line == none) return false;
    body = body.substr(line + 1);
    body = body.substr(0, body.find('\n') + 1);
  }
  for (const Figure& figure : figures) {
    const std::string_view key = json ? figure.json : figure.text;
    const std::size_t at = body.find(key);
    const std::optional<std::uint64_t> value = at == none ? std::nullopt : number_at(body.substr(at + key.size()));
    if (value) {
      sample.*figure.value = *value;
    } else if (figure.value == &Sample::allocated_bytes) {
      return false;  // the others came later, or go one day
    }
  }
  return true;
}

/// The time on a line of its own among the text between two documents: the last one.
std::optional<Timestamp> time_in(std::string_view between) {
  std::optional<Timestamp> time;
  TextLines lines(std::as_bytes(std::span(between.data(), between.size())));
  while (lines.next()) {
    const std::size_t first = lines.line().find_first_not_of("#=- ");
    if (first == none) continue;
    if (const std::optional<Timestamp> marker = parse_timestamp(lines.line().substr(first))) time = marker;
  }
  return time;
}

}  // namespace

bool looks_like(Bytes head) {
  const std::string_view text = as_text(head);
  for (const std::string_view begin : {json_begin, text_begin}) {
    const std::size_t at = text.find(begin);
    if (at != none && (at == 0 || text[at - 1] == '\n')) return true;
  }
  return false;
}

std::optional<Sample> Reader::next() {
  while (at_ < text_.size()) {
    const std::size_t json = text_.find(json_begin, at_);
    const std::size_t plain = text_.find(text_begin, at_);
    const std::size_t begin = std::min(json, plain);
    if (begin == none) break;
    const std::size_t end =
        std::min({text_.find(json_begin, begin + 1), text_.find(text_begin, begin + 1), text_.size()});
    Sample sample;
    sample.offset = begin;
    sample.time = time_in(text_.substr(at_, begin - at_));
    const std::string_view body = text_.substr(begin, end - begin);
    const bool is_json = begin == json;
    // The next document's time stands behind this one.
    const std::size_t close = is_json ? body.rfind('}') : body.rfind("--- End jemalloc statistics ---");
    at_ = begin + (close == none || close == 0 ? body.size() : close + 1);
    if (read_totals(body, is_json, sample)) return sample;
    damage_.add(begin, body.size(), "jemalloc statistics cut short");
  }
  at_ = text_.size();
  return std::nullopt;
}

}  // namespace formats::jemalloc_stats
