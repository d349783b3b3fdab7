#include "formats/perf_c2c.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "formats/perf_text.h"

namespace formats::perf_c2c {
namespace {

using perf_text::dotted_spans;
using perf_text::known;
using perf_text::parse_address;
using perf_text::parse_percent;
using perf_text::Span;
using perf_text::take_cell;

constexpr std::size_t cut_width = 30;  // of functions and sources without --full-symbols
// perf counts in 32 bits; what is larger is no count, and a double holds what is smaller.
constexpr std::uint64_t max_count = std::uint64_t{1} << 53;
constexpr std::uint64_t max_offset_in_line = 4096;

struct Heading {
  std::string_view name;
  std::string_view group;  // is in the line above; "" = whatever is there
  Meaning meaning;
};

constexpr Heading line_headings[] = {
    {"Index", "", Meaning::index},
    {"Address", "", Meaning::line_address},
    {"Cacheline", "", Meaning::line_address},  // before nodes were printed
    {"Node", "", Meaning::data_nodes},
    {"records", "", Meaning::samples},
    {"Loads", "", Meaning::loads},
    {"Stores", "", Meaning::stores},
    {"Total", "Store Reference", Meaning::stores},  // until 5.10
    {"Lcl", "Load Hitm", Meaning::hitm_local},      // until 5.10
    {"LclHitm", "Load Hitm", Meaning::hitm_local},
    {"Rmt", "Load Hitm", Meaning::hitm_remote},
    {"RmtHitm", "Load Hitm", Meaning::hitm_remote},
    {"Local", "Load Peer", Meaning::peer_local},
    {"Remote", "Load Peer", Meaning::peer_remote},
};

constexpr Heading pareto_headings[] = {
    {"Num", "", Meaning::index},
    {"Rmt", "HITM", Meaning::hitm_remote},
    {"RmtHitm", "", Meaning::hitm_remote},
    {"Lcl", "HITM", Meaning::hitm_local},
    {"LclHitm", "", Meaning::hitm_local},
    {"Rmt", "Peer", Meaning::peer_remote},
    {"Lcl", "Peer", Meaning::peer_local},
    {"L1 Hit", "", Meaning::store_part},
    {"L1 Miss", "", Meaning::store_part},
    {"N/A", "", Meaning::store_part},
    {"Offset", "", Meaning::offset_in_line},
    {"Off", "", Meaning::offset_in_line},
    {"Node", "", Meaning::data_nodes},
    {"Pid", "", Meaning::process},
    {"Tid", "", Meaning::thread},
    {"Code address", "", Meaning::code_address},
    {"rmt hitm", "", Meaning::hitm_remote_cycles},
    {"lcl hitm", "", Meaning::hitm_local_cycles},
    {"rmt peer", "", Meaning::peer_remote_cycles},
    {"lcl peer", "", Meaning::peer_local_cycles},
    {"load", "", Meaning::load_cycles},
    {"records", "", Meaning::samples},
    {"cnt", "", Meaning::cpu_count},
    {"Symbol", "", Meaning::function},
    {"Object", "", Meaning::module},
    {"Source:Line", "", Meaning::source},
};

/// The group of headings above a column: groups are two blanks apart and as wide as their columns.
std::string_view group_over(std::string_view groups, Span span) {
  std::size_t begin = std::min(span.begin, groups.size());
  const std::size_t inside = groups.find_first_not_of(' ', begin);
  if (inside == std::string_view::npos || inside >= span.end) return {};
  begin = groups.rfind("  ", inside);
  begin = begin == std::string_view::npos ? 0 : begin + 2;
  return groups.substr(begin, std::min(groups.find("  ", inside), groups.size()) - begin);
}

template <std::size_t N>
Meaning meaning_of(const Heading (&headings)[N], std::string_view name, std::string_view group) {
  const auto* const found = std::find_if(std::begin(headings), std::end(headings), [&](const Heading& heading) {
    return heading.name == name && group.find(heading.group) != std::string_view::npos;
  });
  return found == std::end(headings) ? Meaning::ignored : found->meaning;
}

bool has(const std::vector<Column>& columns, Meaning meaning) {
  return std::any_of(columns.begin(), columns.end(), [&](const Column& column) { return column.meaning == meaning; });
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  const auto count = parse_number<std::uint64_t>(text);
  return count && *count <= max_count ? count : std::nullopt;
}

/// Where the number goes, or null.
std::optional<std::uint64_t>* count_of(MemoryAccess& access, Meaning meaning) {
  switch (meaning) {
    case Meaning::index: return &access.line;
    case Meaning::samples: return &access.samples;
    case Meaning::loads: return &access.loads.count;
    case Meaning::stores:
    case Meaning::store_part: return &access.stores.count;
    case Meaning::hitm_local: return &access.hitm_local.count;
    case Meaning::hitm_remote: return &access.hitm_remote.count;
    case Meaning::peer_local: return &access.peer_local.count;
    case Meaning::peer_remote: return &access.peer_remote.count;
    case Meaning::cpu_count: return &access.cpu_count;
    default: return nullptr;
  }
}

std::optional<std::uint64_t>* cycles_of(MemoryAccess& access, Meaning meaning) {
  switch (meaning) {
    case Meaning::load_cycles: return &access.loads.mean_cycles;
    case Meaning::hitm_local_cycles: return &access.hitm_local.mean_cycles;
    case Meaning::hitm_remote_cycles: return &access.hitm_remote.mean_cycles;
    case Meaning::peer_local_cycles: return &access.peer_local.mean_cycles;
    case Meaning::peer_remote_cycles: return &access.peer_remote.mean_cycles;
    default: return nullptr;
  }
}

/// "22239:julia".
bool read_thread(std::string_view cell, MemoryAccess& access) {
  const std::size_t colon = cell.find(':');
  const auto id = parse_number<std::int64_t>(cell.substr(0, colon));
  if (!id || *id < 0) return false;
  access.thread_id = *id;
  if (colon != std::string_view::npos) access.thread_name = trim(cell.substr(colon + 1));
  return true;
}

/// "file.c:12"; perf writes "function+18" or "module[bdf]" where there is no line.
std::string_view source_of(std::string_view cell) {
  const std::size_t colon = cell.rfind(':');
  if (colon == std::string_view::npos || !parse_number<std::uint32_t>(cell.substr(colon + 1))) return {};
  return known(cell);
}

/// One cell behind the percentages, cut off `rest`. False: there is none, or it is not what its column says.
bool read_cell(const Column& column, std::uint64_t line_address, std::string_view& rest, MemoryAccess& access) {
  const Meaning meaning = column.meaning;
  if (meaning == Meaning::cpu_nodes) {
    access.cpu_nodes = known(trim(rest));
    rest = {};
    return true;
  }
  const bool is_text = meaning == Meaning::thread || meaning == Meaning::function || meaning == Meaning::module ||
                       meaning == Meaning::source;
  const std::string_view cell = is_text ? take_cell(rest) : take_word(rest);
  if (cell.empty()) return false;
  if (auto* const count = count_of(access, meaning)) return (*count = parse_count(cell)).has_value();
  if (auto* const cycles = cycles_of(access, meaning)) {
    const auto mean = parse_count(cell);
    if (mean && *mean != 0) *cycles = mean;  // of no samples the mean is written as 0
    return mean.has_value();
  }
  const bool may_be_cut = column.width == cut_width && cell.size() + 1 >= cut_width;  // or at a blank
  switch (meaning) {
    case Meaning::offset_in_line: {
      const auto offset = parse_address(cell);
      if (!offset || *offset >= max_offset_in_line) return false;
      if (line_address > std::numeric_limits<std::uint64_t>::max() - *offset) return false;
      access.address = line_address + *offset;
      return true;
    }
    case Meaning::line_address: return (access.address = parse_address(cell)).has_value();
    case Meaning::code_address: return (access.code_address = parse_address(cell)).has_value();
    case Meaning::data_nodes: access.data_nodes = known(cell); return true;
    case Meaning::process: {
      const auto id = parse_number<std::int64_t>(cell);
      access.process_id = id.value_or(-1);
      return id.has_value();
    }
    case Meaning::thread: return read_thread(cell, access);
    case Meaning::function:
      access.function = perf_text::function_name(cell);
      access.texts_may_be_cut |= may_be_cut;
      return true;
    case Meaning::module: access.module = known(cell); return true;
    case Meaning::source:
      access.source = source_of(cell);
      access.texts_may_be_cut |= may_be_cut && !access.source.empty();
      return true;
    default: return true;
  }
}

bool is_rule(std::string_view line, char of) {
  const std::string_view text = trim(line);
  return text.size() >= 10 && text.find_first_not_of(of) == std::string_view::npos;
}

}  // namespace

std::optional<std::vector<Column>> parse_columns(std::string_view groups, std::string_view names,
                                                 std::string_view dots) {
  const std::vector<Span> spans = dotted_spans(dots);
  std::vector<std::string_view> texts;
  texts.reserve(spans.size());
  for (const Span& span : spans) texts.push_back(perf_text::heading_in(names, span));
  const bool is_pareto =
      std::any_of(texts.begin(), texts.end(), [](std::string_view text) { return text == "Offset" || text == "Off"; });
  std::vector<Column> columns;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    const std::string_view group = group_over(groups, spans[i]);
    Column column;
    column.width = spans[i].end - spans[i].begin;
    column.meaning =
        is_pareto ? meaning_of(pareto_headings, texts[i], group) : meaning_of(line_headings, texts[i], group);
    // The nodes of the CPUs are last; "Node{cpu list}" is wider than its dots.
    if (is_pareto && i + 1 == spans.size() && texts[i].starts_with("Node")) column.meaning = Meaning::cpu_nodes;
    columns.push_back(column);
  }
  const bool is_ours = is_pareto ? has(columns, Meaning::offset_in_line) && has(columns, Meaning::cpu_count)
                                 : has(columns, Meaning::index) && has(columns, Meaning::line_address);
  if (!is_ours) return std::nullopt;
  return columns;
}

bool looks_like(Bytes head) {
  constexpr std::string_view titles[] = {"Global Shared Cache Line Event Information", "Shared Data Cache Line Table",
                                         "Shared Cache Line Distribution Pareto"};
  std::array<std::string_view, 2> headings;
  TextLines lines(head);
  while (lines.next()) {
    const std::string_view text = trim(lines.line());
    if (std::find(std::begin(titles), std::end(titles), text) != std::end(titles)) return true;
    if (!text.starts_with('#')) continue;
    if (parse_columns(headings[0], headings[1], text)) return true;
    headings = {headings[1], text};
  }
  return false;
}

std::optional<MemoryAccess> Reader::next() {
  while (lines_.next()) {
    const std::string_view line = lines_.line();
    const std::string_view text = trim(line);
    if (text.starts_with('#')) {
      read_heading(text);
    } else if (is_rule(line, '=')) {
      columns_.clear();
    } else if (text.empty()) {
      in_callchain_ = false;
    } else if (!columns_.empty() && text.size() != line.size()) {  // rows are indented
      if (!lines_.is_whole()) {
        lose("the report breaks off");
      } else if (auto access = read_row(line)) {
        access->offset = lines_.offset();
        return access;
      }
    }
  }
  return std::nullopt;
}

void Reader::lose(const char* what) { damage_.add(lines_.offset(), lines_.next_offset() - lines_.offset(), what); }

void Reader::read_heading(std::string_view line) {
  if (auto columns = parse_columns(headings_[0], headings_[1], line)) {
    columns_ = std::move(*columns);
    is_pareto_ = has(columns_, Meaning::offset_in_line);
    has_totals_ = false;
    in_callchain_ = false;
  } else if (!dotted_spans(line).empty()) {
    columns_.clear();  // another table
  }
  headings_ = {headings_[1], line};
}

std::optional<MemoryAccess> Reader::read_row(std::string_view line) {
  std::string_view rest = line;
  const std::string_view first = take_word(rest);
  if (first.starts_with('|') || (first.starts_with("---") && !is_rule(line, '-'))) in_callchain_ = true;
  std::optional<MemoryAccess> access;
  if (!is_pareto_) {
    access = read_line_row(line);
  } else if (is_rule(line, '-')) {
    has_totals_ = false;  // until the next line
    return std::nullopt;
  } else if (first.ends_with('%')) {
    if (!has_totals_) {
      lose("accesses of a cache line whose totals cannot be read");
      return std::nullopt;
    }
    access = read_access_row(line);
  } else if (read_totals(line)) {
    // The rule below them.
    if (lines_.next() && !is_rule(lines_.line(), '-')) lines_.seek(lines_.offset());
    return std::nullopt;
  }
  if (access) {
    in_callchain_ = false;
  } else if (!in_callchain_) {
    lose("a row that does not fit its headings");
  }
  return access;
}

std::optional<MemoryAccess> Reader::read_line_row(std::string_view line) {
  MemoryAccess access;
  access.address_is_line_only = true;
  for (const Column& column : columns_) {
    if (!read_cell(column, 0, line, access)) return std::nullopt;
  }
  if (!trim(line).empty()) return std::nullopt;
  return access;
}

/// "0  9834  2269  109036  468  0x602180": perf's number of the line is there even where it has no heading.
bool Reader::read_totals(std::string_view line) {
  std::size_t totals = 0;
  for (const Column& column : columns_) {
    if (column.meaning == Meaning::offset_in_line) break;
    if (column.meaning != Meaning::index) ++totals;
  }
  const auto index = parse_count(take_word(line));
  if (!index) return false;
  totals_.clear();
  while (totals_.size() < totals) {
    const auto total = parse_count(take_word(line));
    if (!total) return false;
    totals_.push_back(*total);
  }
  const auto address = parse_address(take_word(line));
  if (!address || !trim(line).empty()) return false;
  line_index_ = index;
  line_address_ = *address;
  has_totals_ = true;
  return true;
}

std::optional<MemoryAccess> Reader::read_access_row(std::string_view line) {
  MemoryAccess access;
  access.line = line_index_;
  access.counts_are_estimates = true;
  std::size_t percentages = 0;
  bool is_behind = false;  // the percentages
  for (const Column& column : columns_) {
    if (column.meaning == Meaning::offset_in_line) is_behind = true;
    if (is_behind) {
      if (!read_cell(column, line_address_, line, access)) return std::nullopt;
    } else if (column.meaning != Meaning::index) {  // its cells are empty
      const auto percent = parse_percent(take_word(line));
      if (!percent) return std::nullopt;
      const double share = *percent / 100 * static_cast<double>(totals_[percentages++]);
      auto* const count = count_of(access, column.meaning);
      if (count != nullptr) *count = count->value_or(0) + static_cast<std::uint64_t>(std::llround(share));
    }
  }
  if (!trim(line).empty()) return std::nullopt;
  // What is no store is a load: perf's records are the sum of both, of those with a level.
  if (access.samples && access.stores.count)
    access.loads.count = *access.samples - std::min(*access.samples, *access.stores.count);
  return access;
}

}  // namespace formats::perf_c2c
