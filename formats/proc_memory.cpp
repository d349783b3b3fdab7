#include "formats/proc_memory.h"

#include <algorithm>
#include <string>

namespace formats::proc_memory {
namespace {

constexpr std::size_t sniffed_lines = 60;

struct FigureRow {
  std::string_view key;
  std::string_view name;
};
constexpr FigureRow status_rows[] = {
    {"VmRSS", "rss_bytes"},           {"RssAnon", "rss_anon_bytes"}, {"RssFile", "rss_file_bytes"},
    {"RssShmem", "rss_shared_bytes"}, {"VmHWM", "rss_peak_bytes"},   {"VmSize", "vms_bytes"},
    {"VmSwap", "swap_bytes"},         {"VmData", "data_bytes"},      {"VmPTE", "page_table_bytes"},
};
constexpr FigureRow smaps_rows[] = {
    {"Rss", "rss_bytes"},
    {"Pss", "pss_bytes"},
    {"Anonymous", "rss_anon_bytes"},
    {"Private_Dirty", "private_dirty_bytes"},
    {"Private_Clean", "private_clean_bytes"},
    {"Shared_Dirty", "shared_dirty_bytes"},
    {"Shared_Clean", "shared_clean_bytes"},
    {"Size", "vms_bytes"},
    {"Swap", "swap_bytes"},
};

void add_figure(Sample& sample, std::string_view name, std::uint64_t value) {
  for (Figure& figure : sample.figures) {
    if (figure.name != name) continue;
    figure.value += value;
    return;
  }
  sample.figures.push_back({name, value});
}

/// "   6728 kB" → bytes. Nothing else is a size: a line that was cut has no unit.
std::optional<std::uint64_t> parse_kilobytes(std::string_view text) {
  const std::optional<std::uint64_t> number = parse_number<std::uint64_t>(take_word(text));
  constexpr std::uint64_t most = std::uint64_t{1} << 53;
  if (!number || *number > most || trim(text) != "kB") return std::nullopt;
  return *number * 1024;
}

struct KeyValue {
  std::string_view key, value;
};
std::optional<KeyValue> split_key(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0 || line.substr(0, colon).find(' ') != std::string_view::npos) {
    return std::nullopt;
  }
  return KeyValue{line.substr(0, colon), line.substr(colon + 1)};
}

struct MappingHeader {
  std::uint64_t start = 0;
  std::string_view path;
};
/// "555e15b50000-555e15b51000 r--p 00000000 fe:00 11315600   /opt/app/grow"
std::optional<MappingHeader> parse_mapping(std::string_view line) {
  const std::string_view range = take_word(line);
  const std::size_t dash = range.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto start = parse_number<std::uint64_t>(range.substr(0, dash), 16);
  const auto end = parse_number<std::uint64_t>(range.substr(dash + 1), 16);
  const std::string_view permissions = take_word(line);
  if (!start || !end || *end < *start || permissions.size() != 4) return std::nullopt;
  for (int i = 0; i < 3; ++i) take_word(line);  // offset, device, inode
  return MappingHeader{*start, trim(line)};
}

std::string_view rss_by_path(std::string_view path) {
  if (path == "[heap]") return "rss_heap_bytes";
  if (path.starts_with("[stack")) return "rss_stack_bytes";
  if (path.empty() || path.starts_with("[anon")) return "rss_unnamed_bytes";
  return path.starts_with('/') ? "rss_mapped_file_bytes" : "rss_other_bytes";
}

/// A line of nothing but the time, behind marks as people put before it.
std::optional<Timestamp> parse_marker(std::string_view line) {
  const std::size_t first = line.find_first_not_of("#=-@ \t");
  if (first == std::string_view::npos) return std::nullopt;
  return parse_timestamp(line.substr(first, line.find_last_not_of("=-@ \t") + 1 - first));
}

std::optional<Kind> sniff(Bytes bytes) {
  TextLines lines(bytes);
  bool has_name = false, has_mapping = false, is_rollup = false;
  for (std::size_t i = 0; i < sniffed_lines && lines.next(); ++i) {
    const std::string_view line = lines.line();
    if (const std::optional<MappingHeader> mapping = parse_mapping(line)) {
      has_mapping = true;
      is_rollup = is_rollup || mapping->path == "[rollup]";
    } else if (line.starts_with("Name:\t")) {
      has_name = true;
    } else if (has_mapping && (line.starts_with("Rss:") || line.starts_with("Size:"))) {
      return is_rollup ? Kind::smaps_rollup : Kind::smaps;
    } else if (has_name && (line.starts_with("VmSize:") || line.starts_with("VmRSS:") || line.starts_with("VmPeak:"))) {
      return Kind::status;
    } else if (!has_name && !has_mapping && !line.empty() && !parse_marker(line)) {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace

bool looks_like(Bytes head) { return sniff(head).has_value(); }

Reader::Reader(Bytes bytes, DamageLog& damage) : lines_(bytes), damage_(damage), size_(bytes.size()) {
  kind_ = sniff(bytes).value_or(Kind::status);
}

bool Reader::begins_sample(std::string_view line) const {
  if (kind_ == Kind::status) return line.starts_with("Name:\t");
  const std::optional<MappingHeader> mapping = parse_mapping(line);
  if (!mapping) return false;
  return kind_ == Kind::smaps_rollup || mapping->start < previous_start_;
}

void Reader::add_mapping(std::string_view header) {
  const std::optional<MappingHeader> mapping = parse_mapping(header);
  if (!mapping) return;
  previous_start_ = mapping->start;
  path_ = mapping->path;
}

void Reader::add(Sample& sample, std::string_view line) {
  if (kind_ != Kind::status && parse_mapping(line)) {
    add_mapping(line);
    ++sample.mapping_count;
    return;
  }
  const std::optional<KeyValue> pair = split_key(line);
  if (!pair) return;
  if (kind_ == Kind::status) {
    if (pair->key == "Name") sample.program = trim(pair->value);
    if (pair->key == "Pid") sample.process_id = parse_number<std::int64_t>(trim(pair->value)).value_or(-1);
    if (pair->key == "Threads") {
      if (const auto count = parse_number<std::uint64_t>(trim(pair->value))) add_figure(sample, "threads", *count);
    }
  }
  const auto add_row = [&](const auto& rows) {
    for (const FigureRow& row : rows) {
      if (row.key != pair->key) continue;
      const std::optional<std::uint64_t> bytes = parse_kilobytes(pair->value);
      if (!bytes) {
        cut_line_ = true;
        return;
      }
      add_figure(sample, row.name, *bytes);
      if (kind_ == Kind::smaps && row.key == "Rss") add_figure(sample, rss_by_path(path_), *bytes);
    }
  };
  if (kind_ == Kind::status) {
    add_row(status_rows);
  } else {
    add_row(smaps_rows);
  }
}

/// Whether the sample can be believed.
bool Reader::finish(Sample& sample, bool at_end) {
  const bool was_cut = cut_line_ || (at_end && !lines_.is_whole());
  // The last mapping of a process is the kernel's, the same in every sample: another one at the end means a cut.
  const bool lost_mappings = kind_ == Kind::smaps && at_end && !last_path_.empty() && path_ != last_path_;
  last_path_ = path_;
  path_ = {};
  previous_start_ = 0;
  cut_line_ = false;
  if (sample.figures.empty() && !was_cut) return false;  // nothing in it, nothing lost
  if (!was_cut && !lost_mappings) return true;
  damage_.add(sample.offset, (at_end ? size_ : lines_.offset()) - sample.offset,
              was_cut ? "sample cut short or with a size that is none" : "sample without its last mappings");
  return false;
}

std::optional<Sample> Reader::next() {
  Sample sample;
  bool started = false;
  while (lines_.next()) {
    const std::string_view line = lines_.line();
    const std::optional<Timestamp> marker = parse_marker(line);
    if (started && (marker || begins_sample(line))) {
      if (finish(sample, false)) {
        lines_.seek(lines_.offset());
        return sample;
      }
      sample = {};
      started = false;
    }
    if (marker) {
      sample.time = marker;
      continue;
    }
    if (!started) sample.offset = lines_.offset();
    if (!line.empty()) started = true;
    add(sample, line);
  }
  if (started && finish(sample, true)) return sample;
  return std::nullopt;
}

}  // namespace formats::proc_memory
