#include "formats/heap_profile_text.h"

#include <array>
#include <string>

namespace formats::heap_profile_text {
namespace {

constexpr std::string_view heap_magic = "heap profile:";
constexpr std::string_view java_magic = "--- heapz";
constexpr double java_interval = 524288;  // what google/pprof takes it to be: the profile does not say

struct Sister {
  std::string_view magic;
  std::string_view kind;
};
constexpr std::array<Sister, 9> sisters{{
    {"--- contentionz", "contention"},
    {"--- contention:", "contention"},
    {"--- contention\n", "contention"},
    {"--- mutex:", "contention"},
    {"--- threadz", "threads"},
    {"--- Thread", "threads"},
    {"threadcreate profile:", "threads"},
    {"goroutine profile:", "goroutines"},
    {"--- profile", "CPU time"},
}};

struct HeapType {
  std::string_view name;
  Kind kind;
};
constexpr std::array<HeapType, 7> heap_types{{
    {"heapprofile", Kind::exact},
    {"heap", Kind::heap},
    {"heapz_v2", Kind::heap_v2},
    {"heap_v2", Kind::heap_v2},
    {"growthz", Kind::growth},
    {"growth", Kind::growth},
    {"fragmentationz", Kind::growth},
}};

/// "heap profile:" may come after comments and, when names were put in front, after their section.
std::string_view first_line_of_profile(TextLines& lines) {
  while (lines.next()) {
    const std::string_view line = trim(lines.line());
    if (!line.empty() && !line.starts_with('#')) return line;
  }
  return {};
}

/// A number that is right-aligned and ends with `end`, cut off `text`.
bool take_number(std::string_view& text, char end, std::int64_t& number) {
  const std::size_t at = text.find(end);
  if (at == std::string_view::npos) return false;
  const auto parsed = parse_number<std::int64_t>(trim(text.substr(0, at)));
  if (!parsed) return false;
  number = *parsed;
  text.remove_prefix(at + 1);
  return true;
}

/// "7: 114688 [7: 114688] @": cut off `text`.
bool take_figures(std::string_view& text, Figures& figures) {
  std::string_view rest = text;
  if (!take_number(rest, ':', figures.live_count) || !take_number(rest, '[', figures.live_bytes) ||
      !take_number(rest, ':', figures.allocation_count) || !take_number(rest, ']', figures.allocated_bytes)) {
    return false;
  }
  rest = trim(rest);
  if (!rest.starts_with('@')) return false;
  text = trim(rest.substr(1));
  return true;
}

/// "path.go:77", "path.go" → file and line.
std::pair<std::string_view, std::int32_t> split_line(std::string_view place) {
  const std::size_t colon = place.rfind(':');
  if (colon == std::string_view::npos) return {place, 0};
  const auto line = parse_number<std::int32_t>(place.substr(colon + 1));
  if (!line || *line < 0) return {place, 0};
  return {place.substr(0, colon), *line};
}

}  // namespace

bool looks_like(Bytes head) {
  TextLines lines(head);
  const std::string_view line = first_line_of_profile(lines);
  return line.starts_with(heap_magic) || line.starts_with(java_magic) || profile_text::begins_names(line) ||
         !other_kind(head).empty();
}

std::string_view other_kind(Bytes head) {
  TextLines lines(head);
  if (first_line_of_profile(lines).empty()) return {};
  const std::string_view text = as_text(head).substr(static_cast<std::size_t>(lines.offset()));
  for (const Sister& sister : sisters) {
    if (text.starts_with(sister.magic)) return sister.kind;
  }
  return {};
}

Reader::Reader(Bytes file, DamageLog& damage) : lines_(file), damage_(damage) {
  std::string_view line = first_line_of_profile(lines_);
  if (profile_text::begins_names(line)) {
    names_ = profile_text::read_names(lines_);
    line = first_line_of_profile(lines_);
    if (line.starts_with("--- ") && !line.starts_with(java_magic)) line = first_line_of_profile(lines_);  // "--- heap"
  }
  const std::uint64_t at = lines_.offset();
  const std::uint64_t bytes = lines_.next_offset() - at;
  const bool is_known = line.starts_with(java_magic) ? read_java_header() : read_header();
  if (!is_known && !line.empty()) damage_.add(at, bytes, "the profile's first line makes no sense");
}

bool Reader::read_header() {
  std::string_view line = trim(lines_.line());
  if (!line.starts_with(heap_magic)) return false;
  line.remove_prefix(heap_magic.size());
  if (!take_figures(line, header_.total)) return false;
  const std::size_t slash = line.find('/');
  header_.type = line.substr(0, slash);
  bool is_known = false;
  for (const HeapType& type : heap_types) {
    if (type.name != header_.type) continue;
    header_.kind = type.kind;
    is_known = true;
  }
  if (slash != std::string_view::npos && header_.kind != Kind::exact && header_.kind != Kind::growth) {
    const auto period = parse_number<std::uint64_t>(line.substr(slash + 1));
    if (!period) return false;
    header_.mean_interval_bytes = static_cast<double>(*period) / (header_.kind == Kind::heap ? 2 : 1);
  }
  // Where only live blocks are known, their figures are repeated.
  const Figures& total = header_.total;
  header_.has_allocations = header_.kind == Kind::exact || total.live_count != total.allocation_count ||
                            total.live_bytes != total.allocated_bytes;
  return is_known;
}

bool Reader::read_java_header() {
  header_.kind = Kind::java;
  header_.type = "heapz";
  header_.has_allocations = false;
  header_.mean_interval_bytes = java_interval;
  bool is_java = false;
  while (lines_.next()) {
    const std::string_view line = trim(lines_.line());
    const std::size_t equal = line.find('=');
    if (equal == std::string_view::npos || line.find('@') != std::string_view::npos) {
      has_line_ = true;
      return is_java;
    }
    is_java = is_java || (trim(line.substr(0, equal)) == "format" && trim(line.substr(equal + 1)) == "java");
  }
  return is_java;
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
    if (line.starts_with('#')) {
      if (line == "# runtime.MemStats") read_statistics();
      continue;
    }
    if (header_.kind == Kind::java && line.find('@') == std::string_view::npos) {
      read_java_names();
      return false;
    }
    sample.offset = lines_.offset();
    if (parse_sample(line, sample)) {
      read_symbols(sample);
      return true;
    }
    add_damage(lines_.is_whole() ? "line that is no sample" : "sample cut short");
  }
  return false;
}

bool Reader::parse_sample(std::string_view line, Sample& sample) const {
  sample.figures = {};
  sample.addresses.clear();
  sample.symbols.clear();
  if (header_.kind != Kind::java) {
    return take_figures(line, sample.figures) && profile_text::read_addresses(line, sample.addresses);
  }
  const auto bytes = parse_number<std::int64_t>(take_word(line));
  if (!bytes || !take_number(line, '@', sample.figures.live_count)) return false;
  sample.figures.live_bytes = *bytes;
  return profile_text::read_addresses(line, sample.addresses);
}

/// "#\t0x4b4bc9\tmain.request+0x69\t\t/srv/main.go:10", as many as there are.
void Reader::read_symbols(Sample& sample) {
  while (lines_.next()) {
    std::string_view line = lines_.line();
    if (!line.starts_with("#\t")) {
      has_line_ = true;
      return;
    }
    line.remove_prefix(2);
    if (!take_word(line).starts_with("0x")) continue;
    line = trim(line);
    const std::size_t tab = line.find('\t');
    SymbolLine symbol;
    symbol.text = line;
    symbol.function = trim(line.substr(0, tab));
    if (const std::size_t plus = symbol.function.rfind("+0x"); plus != std::string_view::npos) {
      symbol.function = symbol.function.substr(0, plus);
    }
    if (tab != std::string_view::npos) std::tie(symbol.file, symbol.line) = split_line(trim(line.substr(tab)));
    if (!symbol.function.empty()) sample.symbols.push_back(symbol);
  }
}

void Reader::read_statistics() {
  while (lines_.next()) {
    const std::string_view line = lines_.line();
    if (!line.starts_with("# ")) {
      has_line_ = true;
      return;
    }
    const std::size_t equal = line.find(" = ");
    if (equal == std::string_view::npos) continue;
    statistics_.emplace_back(trim(line.substr(2, equal - 2)), trim(line.substr(equal + 3)));
  }
}

/// " 0x0000003f com.example.Cache.put (Cache.java:13)": ids of the samples, from the current line on.
void Reader::read_java_names() {
  do {
    std::string_view line = trim(lines_.line());
    const std::string_view id = take_word(line);
    if (!id.starts_with("0x")) continue;
    const auto number = parse_number<std::uint64_t>(id.substr(2), 16);
    if (number && !trim(line).empty()) names_.of.try_emplace(*number, trim(line));
  } while (lines_.next());
}

void Reader::add_damage(std::string_view what) {
  damage_.add(lines_.offset(), lines_.next_offset() - lines_.offset(), std::string(what));
}

}  // namespace formats::heap_profile_text
