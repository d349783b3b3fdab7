#include "formats/perf_mem.h"

#include <algorithm>

#include "formats/perf_data_source.h"
#include "formats/perf_text.h"

namespace formats::perf_mem {
namespace {

using perf_text::known;
using perf_text::parse_address;
using perf_text::parse_percent;
using perf_text::take_cell;

struct Heading {
  std::string_view name;
  Meaning meaning;
};

constexpr Heading dump_headings[] = {
    {"PID", Meaning::process},
    {"TID", Meaning::thread},
    {"IP", Meaning::code_address},
    {"ADDR", Meaning::address},
    {"LOCAL WEIGHT", Meaning::weight},
    {"DSRC", Meaning::data_source},
    {"SYMBOL", Meaning::module_and_function},
};

constexpr Heading report_headings[] = {
    {"Samples", Meaning::samples},      {"Local Weight", Meaning::weight},
    {"Symbol", Meaning::function},      {"Memory access", Meaning::memory_level},
    {"Shared Object", Meaning::module}, {"Data Symbol", Meaning::variable},
    {"Snoop", Meaning::snoop},          {"Data Object", Meaning::variable_module},
};

template <std::size_t N>
Meaning meaning_of(const Heading (&headings)[N], std::string_view name) {
  const auto* const found = std::find_if(std::begin(headings), std::end(headings),
                                         [&](const Heading& heading) { return heading.name == name; });
  return found == std::end(headings) ? Meaning::ignored : found->meaning;
}

bool has(const std::vector<Meaning>& columns, Meaning meaning) {
  return std::find(columns.begin(), columns.end(), meaning) != columns.end();
}

/// "# PID, TID, IP, ADDR, LOCAL WEIGHT, DSRC, SYMBOL"; nothing: it is none.
std::vector<Meaning> parse_dump_columns(std::string_view line) {
  if (!line.starts_with("# PID, TID, IP, ADDR, ") || !line.ends_with(", SYMBOL")) return {};
  constexpr std::size_t max_columns = 16;
  std::vector<Meaning> columns;
  line.remove_prefix(1);
  while (!line.empty() && columns.size() < max_columns) {
    const std::size_t comma = std::min(line.find(','), line.size());
    columns.push_back(meaning_of(dump_headings, trim(line.substr(0, comma))));
    line.remove_prefix(std::min(comma + 1, line.size()));
  }
  if (columns.back() != Meaning::module_and_function || !has(columns, Meaning::data_source)) return {};
  return columns;
}

std::vector<Meaning> parse_report_columns(std::string_view names, std::string_view dots) {
  std::vector<Meaning> columns;
  for (const perf_text::Span& span : perf_text::dotted_spans(dots))
    columns.push_back(meaning_of(report_headings, perf_text::heading_in(names, span)));
  if (!has(columns, Meaning::variable)) return {};
  return columns;
}

/// perf writes the address of the first row as "0x016%lx", a mistake of its format string: "0x01655c8971f0090". No
/// number that it writes begins with 0.
std::optional<std::uint64_t> parse_data_address(std::string_view text) {
  constexpr std::string_view mistake = "0x016";
  if (text.size() > mistake.size() && text.starts_with(mistake))
    return parse_number<std::uint64_t>(text.substr(mistake.size()), 16);
  return parse_address(text);
}

/// What a row of the dump says of its sample.
struct DumpRow {
  MemoryAccess access;
  PerfDataSource source;
  std::uint64_t weight = 0;  // 0: none
};

/// False: the cell is not what its column says.
bool read_dump_cell(Meaning meaning, std::string_view cell, DumpRow& row) {
  switch (meaning) {
    case Meaning::process:
    case Meaning::thread: {
      const auto id = parse_number<std::int64_t>(cell);
      (meaning == Meaning::process ? row.access.process_id : row.access.thread_id) = id.value_or(-1);
      return id.has_value();
    }
    case Meaning::code_address: return (row.access.code_address = parse_address(cell)).has_value();
    case Meaning::address: {
      const auto address = parse_data_address(cell);
      if (address && *address != 0) row.access.address = address;  // 0: the processor gave none
      return address.has_value();
    }
    case Meaning::weight: {
      const auto weight = parse_number<std::uint64_t>(cell);
      row.weight = weight.value_or(0);
      return weight.has_value();
    }
    case Meaning::data_source: {
      const auto word = parse_address(cell);
      row.source = decode_data_source(word.value_or(0));
      return word.has_value();
    }
    case Meaning::module_and_function: {
      const std::size_t colon = cell.find(':');
      if (colon == std::string_view::npos) return false;
      row.access.module = known(cell.substr(0, colon));
      row.access.function = known(cell.substr(colon + 1));
      return true;
    }
    default: return !cell.empty();
  }
}

/// "[.] 0x000055c8971f0080", "[.] counters+0x8", "[.] 0000000000000000": nothing is known.
void read_variable(std::string_view cell, MemoryAccess& access) {
  const std::string_view name = perf_text::without_level(cell);
  if (const auto address = parse_address(name)) {
    if (*address != 0) access.address = address;
  } else if (name.find_first_not_of('0') != std::string_view::npos) {
    access.variable = known(name);
  }
}

}  // namespace

bool looks_like(Bytes head) {
  std::string_view heading;
  TextLines lines(head);
  while (lines.next()) {
    const std::string_view text = trim(lines.line());
    if (!text.starts_with('#')) continue;
    if (!parse_dump_columns(text).empty() || !parse_report_columns(heading, text).empty()) return true;
    heading = text;
  }
  return false;
}

std::optional<MemoryAccess> Reader::next() {
  while (lines_.next()) {
    const std::string_view line = lines_.line();
    const std::string_view text = trim(line);
    if (text.starts_with('#')) {
      read_heading(text);
    } else if (text.empty()) {
      in_callchain_ = false;
    } else if (table_ != Table::none) {
      auto access = lines_.is_whole() ? read_row(line) : std::nullopt;
      if (access) {
        access->offset = lines_.offset();
        return access;
      }
      if (!in_callchain_ || !lines_.is_whole())
        damage_.add(lines_.offset(), lines_.next_offset() - lines_.offset(), "a row that does not fit its headings");
    }
  }
  return std::nullopt;
}

void Reader::read_heading(std::string_view line) {
  if (line.starts_with("# Samples:")) {
    table_ = Table::none;
    const auto names = [line](std::string_view event) { return line.find(event) != std::string_view::npos; };
    const std::size_t quote = line.find('\'');
    event_name_ = quote == std::string_view::npos ? std::string_view() : line.substr(quote + 1);
    event_name_ = event_name_.substr(0, event_name_.find('\''));
    event_ = names("mem-loads") ? Event::loads : names("mem-stores") ? Event::stores : Event::unknown;
  } else if (auto dump = parse_dump_columns(line); !dump.empty()) {
    columns_ = std::move(dump);
    table_ = Table::dump;
  } else if (auto report = parse_report_columns(heading_, line); !report.empty()) {
    columns_ = std::move(report);
    table_ = Table::report;
  } else if (!perf_text::dotted_spans(line).empty()) {
    table_ = Table::none;  // another table
  }
  heading_ = line;
  in_callchain_ = false;
}

std::optional<MemoryAccess> Reader::read_row(std::string_view line) {
  if (table_ == Table::dump) return read_dump_row(line);
  std::string_view rest = line;
  const std::string_view first = take_word(rest);
  if (first.starts_with('|') || first.starts_with("---")) in_callchain_ = true;
  if (!parse_percent(first)) return std::nullopt;
  in_callchain_ = false;
  return read_report_row(line);
}

std::optional<MemoryAccess> Reader::read_dump_row(std::string_view line) const {
  line = trim(line);
  // By blanks, or by what -x says: it is what is behind the first number.
  const std::size_t separator_at = line.find_first_not_of("-0123456789");
  if (separator_at == std::string_view::npos) return std::nullopt;
  const char separator = line[separator_at];
  const bool is_blank = separator == ' ' || separator == '\t';
  DumpRow row;
  for (const Meaning meaning : columns_) {
    std::string_view cell = trim(line);  // the last one may have the separator in it
    if (meaning != Meaning::module_and_function && is_blank) {
      cell = take_word(line);
    } else if (meaning != Meaning::module_and_function) {
      const std::size_t end = std::min(line.find(separator), line.size());
      cell = trim(line.substr(0, end));
      line.remove_prefix(std::min(end + 1, line.size()));
    }
    if (!read_dump_cell(meaning, cell, row)) return std::nullopt;
  }
  count_sample(row.source, row.weight, row.access);
  return row.access;
}

std::optional<MemoryAccess> Reader::read_report_row(std::string_view line) const {
  MemoryAccess access;
  access.event = event_name_;
  std::optional<std::uint64_t> weight;
  std::optional<std::string_view> snoop;
  bool has_variable = false;
  for (const Meaning meaning : columns_) {
    const std::string_view cell = take_cell(line);
    if (cell.empty()) break;  // the last columns may be blank
    switch (meaning) {
      case Meaning::samples:
        access.samples = parse_number<std::uint64_t>(cell);
        if (!access.samples) return std::nullopt;
        break;
      case Meaning::weight:
        weight = parse_number<std::uint64_t>(cell);
        if (!weight) return std::nullopt;
        break;
      case Meaning::memory_level: access.memory_level = known(cell); break;
      case Meaning::function: access.function = perf_text::function_name(cell); break;
      case Meaning::module: access.module = known(cell); break;
      case Meaning::variable:
        read_variable(cell, access);
        has_variable = true;
        break;
      case Meaning::variable_module: access.variable_module = known(cell); break;
      case Meaning::snoop: snoop = cell; break;
      default: break;
    }
  }
  if (!has_variable) return std::nullopt;
  const auto say = [&](AccessCount& kind, bool is_it) {
    if (!access.samples) return;
    kind.count = is_it ? *access.samples : 0;
    if (is_it && weight.value_or(0) != 0) kind.mean_cycles = weight;
  };
  if (event_ != Event::unknown) {
    say(access.loads, event_ == Event::loads);
    if (access.samples) access.stores.count = event_ == Event::stores ? *access.samples : 0;
  }
  if (snoop) {
    const bool is_hitm = snoop->find("HitM") != std::string_view::npos && event_ != Event::stores;
    const auto says = [&](std::string_view level) { return access.memory_level.find(level) != std::string_view::npos; };
    const bool is_remote = says("Remote");
    say(access.hitm_remote, is_hitm && is_remote);
    say(access.hitm_local, is_hitm && !is_remote && (says("L3") || says("LLC") || says("Any cache")));
  }
  return access;
}

}  // namespace formats::perf_mem
