#include "formats/series_table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace formats::series_table {
namespace {

constexpr std::size_t header_lines = 10;  // within which a header is looked for
constexpr std::size_t longest_line = 64 << 10;
constexpr std::size_t most_cells = 1000;

struct NameRow {
  std::string_view word;
  std::string_view name;
};
constexpr NameRow known_names[] = {
    {"rss", "rss_bytes"},
    {"rsz", "rss_bytes"},
    {"res", "rss_bytes"},
    {"resident", "rss_bytes"},
    {"real", "rss_bytes"},
    {"vmrss", "rss_bytes"},
    {"vms", "vms_bytes"},
    {"vsz", "vms_bytes"},
    {"virt", "vms_bytes"},
    {"virtual", "vms_bytes"},
    {"vmsize", "vms_bytes"},
    {"pss", "pss_bytes"},
    {"uss", "uss_bytes"},
    {"private_dirty", "private_dirty_bytes"},
    {"anon", "rss_anon_bytes"},
    {"rss_anon", "rss_anon_bytes"},
    {"rssanon", "rss_anon_bytes"},
    {"swap", "swap_bytes"},
    {"heap", "in_use_bytes"},
    {"heap_used", "in_use_bytes"},
    {"used_heap", "in_use_bytes"},
    {"in_use", "in_use_bytes"},
    {"allocated", "in_use_bytes"},
    {"live", "live_bytes"},
    {"live_after_gc", "live_after_gc_bytes"},
    {"threads", "threads"},
    {"num_threads", "threads"},
};
constexpr std::string_view time_words[] = {"timestamp", "time",     "elapsed", "elapsed_time", "t",
                                           "date",      "datetime", "seconds", "epoch"};

struct UnitRow {
  std::string_view word;
  double scale;
};
constexpr UnitRow byte_units[] = {{"kb", 1024},
                                  {"kib", 1024},
                                  {"k", 1024},
                                  {"mb", 1024.0 * 1024},
                                  {"mib", 1024.0 * 1024},
                                  {"gb", 1024.0 * 1024 * 1024},
                                  {"gib", 1024.0 * 1024 * 1024},
                                  {"bytes", 1},
                                  {"b", 1}};
constexpr UnitRow time_units[] = {{"s", 1}, {"sec", 1}, {"seconds", 1}, {"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}};

/// "Real (MB)" → "real" and "mb"; "rss_kb" → "rss" and "kb"; "RSS" → "rss" and "".
struct HeaderWord {
  std::string name, unit;
};
template <typename Units>
HeaderWord split_unit(std::string_view text, const Units& units) {
  HeaderWord word;
  for (const char c : text) {
    if (c == '"' || c == '#') continue;
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    word.name +=
        lower == '(' || lower == '[' || lower == ')' || lower == ']' || lower == '.' || lower == '-' ? ' ' : lower;
  }
  std::string_view name = trim(word.name);
  const std::size_t last = name.find_last_of(" _");
  if (last != std::string_view::npos) {
    for (const UnitRow& unit : units) {
      if (name.substr(last + 1) != unit.word) continue;
      word.unit = unit.word;
      name = trim(name.substr(0, last));
      break;
    }
  }
  std::string clean;
  for (const char c : name) clean += c == ' ' ? '_' : c;
  word.name = clean;
  return word;
}

template <typename Units>
double scale_of(std::string_view unit, const Units& units, double otherwise) {
  for (const UnitRow& row : units) {
    if (row.word == unit) return row.scale;
  }
  return otherwise;
}

std::vector<std::string_view> split_at(std::string_view line, char delimiter) {
  std::vector<std::string_view> cells;
  while (cells.size() < most_cells) {
    const std::size_t end = std::min(line.find(delimiter), line.size());
    std::string_view cell = trim(line.substr(0, end));
    if (cell.size() >= 2 && cell.front() == '"' && cell.back() == '"') cell = cell.substr(1, cell.size() - 2);
    cells.push_back(cell);
    if (end == line.size()) break;
    line.remove_prefix(end + 1);
  }
  return cells;
}

/// Words; `wide`: what two and more blanks separate ("Elapsed time   CPU (%)").
std::vector<std::string_view> split_at_blanks(std::string_view line, bool wide) {
  std::vector<std::string_view> cells;
  line = trim(line);
  while (!line.empty() && cells.size() < most_cells) {
    std::size_t end = wide ? line.find("  ") : line.find_first_of(" \t");
    end = std::min(end, line.size());
    cells.push_back(trim(line.substr(0, end)));
    line = trim(line.substr(end));
  }
  return cells;
}

std::string_view without_mark(std::string_view line) {
  return line.starts_with('#') ? trim(line.substr(1)) : trim(line);
}

struct Header {
  char delimiter = ',';
  std::size_t cells = 0;
  std::vector<Column> columns;
  std::size_t time_cell = 0, time_cells = 0;
  double time_scale = 1;
  std::optional<std::size_t> process_cell;
};

Header read_cells(const std::vector<std::string_view>& cells) {
  Header header;
  header.cells = cells.size();
  // pidstat and ps count in KiB and write capitals; psutil and the rest mean bytes where they do not say.
  const bool kilobytes = std::any_of(cells.begin(), cells.end(), [](std::string_view cell) {
    return cell == "RSS" || cell == "VSZ" || cell == "RSZ" || cell.starts_with("minflt");
  });
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const HeaderWord time = split_unit(cells[i], time_units);
    if (std::find(std::begin(time_words), std::end(time_words), time.name) != std::end(time_words)) {
      if (header.time_cells != 0) continue;
      header.time_cell = i;
      header.time_cells = 1;
      header.time_scale = scale_of(time.unit, time_units, 1);
      continue;
    }
    const HeaderWord word = split_unit(cells[i], byte_units);
    if (word.name == "pid") header.process_cell = i;
    for (const NameRow& row : known_names) {
      if (row.word != word.name) continue;
      const bool is_count = row.name == "threads";
      header.columns.push_back({i, row.name, is_count ? 1 : scale_of(word.unit, byte_units, kilobytes ? 1024 : 1)});
    }
  }
  return header;
}

/// The header on this line, if it is one: a column of memory under a name we know, and more than a word.
std::optional<Header> parse_header(std::string_view line) {
  line = without_mark(line);
  if (line.size() > longest_line) return std::nullopt;
  for (const char delimiter : {',', ';', '\t'}) {
    if (line.find(delimiter) == std::string_view::npos) continue;
    Header header = read_cells(split_at(line, delimiter));
    header.delimiter = delimiter;
    if (!header.columns.empty()) return header;
  }
  for (const bool wide : {true, false}) {
    std::vector<std::string_view> cells = split_at_blanks(line, wide);
    if (cells.size() < 2) continue;
    // pidstat without -h: the header's first words are the time at which it was written.
    std::size_t time_words_here = 0;
    const auto is_time = [](std::string_view text) {
      const std::optional<Timestamp> time = parse_timestamp(text);
      return time && time->kind == Timestamp::Kind::time_of_day;
    };
    if (is_time(cells[0])) {
      if (wide) continue;  // "01:00:05 PM" is two words, in the rows as well
      time_words_here = cells[1] == "AM" || cells[1] == "PM" ? 2 : 1;
    }
    Header header = read_cells(cells);
    header.delimiter = ' ';
    if (time_words_here != 0) {
      header.time_cell = 0;
      header.time_cells = time_words_here;
    }
    if (!header.columns.empty() && (header.time_cells != 0 || header.columns.size() > 1)) return header;
  }
  return std::nullopt;
}

}  // namespace

bool looks_like(Bytes head) {
  DamageLog damage;
  Reader reader(head, damage);
  return !reader.columns().empty() && reader.next().has_value();
}

Reader::Reader(Bytes bytes, DamageLog& damage) : lines_(bytes), damage_(damage), size_(bytes.size()) { read_header(); }

bool Reader::read_header() {
  for (std::size_t i = 0; i < header_lines && lines_.next(); ++i) {
    std::optional<Header> header = parse_header(lines_.line());
    if (!header) continue;
    delimiter_ = header->delimiter;
    cells_ = header->cells;
    columns_ = std::move(header->columns);
    time_cell_ = header->time_cell;
    time_cells_ = header->time_cells;
    time_scale_ = header->time_scale;
    process_cell_ = header->process_cell;
    return true;
  }
  return false;
}

std::vector<std::string_view> Reader::split(std::string_view line) const {
  return delimiter_ == ' ' ? split_at_blanks(line, false) : split_at(line, delimiter_);
}

std::optional<Row> Reader::next() {
  while (!columns_.empty() && lines_.next()) {
    const std::string_view line = lines_.line();
    if (trim(line).empty() || line.starts_with('#') || line.starts_with("Average") || line.size() > longest_line)
      continue;
    if (line.starts_with("Linux ") || parse_header(line)) continue;  // pidstat begins again
    const std::vector<std::string_view> cells = split(line);
    Row row;
    row.offset = lines_.offset();
    const auto lost = [&](const char* why) { damage_.add(row.offset, lines_.next_offset() - row.offset, why); };
    if (!lines_.is_whole() && cells.size() < cells_) {
      lost("row cut short");
      return std::nullopt;
    }
    std::optional<Timestamp> time;
    if (time_cells_ != 0 && time_cell_ + time_cells_ <= cells.size()) {
      const std::string_view first = cells[time_cell_];
      const std::string_view last = cells[time_cell_ + time_cells_ - 1];
      time = parse_timestamp({first.data(), static_cast<std::size_t>(last.data() + last.size() - first.data())});
    }
    if (time_cells_ != 0 && !time) {
      lost("row without a time");
      continue;
    }
    if (time) row.time = *time;
    if (row.time.kind == Timestamp::Kind::elapsed) row.time.seconds *= time_scale_;
    if (process_cell_ && *process_cell_ < cells.size()) {
      row.process_id = parse_number<std::int64_t>(cells[*process_cell_]).value_or(-1);
    }
    bool has_value = false;
    for (const Column& column : columns_) {
      std::optional<double> value;
      if (column.cell < cells.size()) value = parse_number<double>(cells[column.cell]);
      if (value && (!std::isfinite(*value) || *value < 0)) value.reset();
      has_value = has_value || value.has_value();
      row.values.push_back(value ? *value * column.scale : std::numeric_limits<double>::quiet_NaN());
    }
    if (!has_value) {
      lost("row without a number where the header promises one");
      continue;
    }
    return row;
  }
  return std::nullopt;
}

}  // namespace formats::series_table
