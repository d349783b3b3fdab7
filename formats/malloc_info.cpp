#include "formats/malloc_info.h"

#include <algorithm>
#include <string>

namespace formats::malloc_info {
namespace {

/// The value of `name="…"` as a number.
std::optional<std::uint64_t> attribute(std::string_view tag, std::string_view name) {
  const std::string start = " " + std::string(name) + "=\"";
  const std::size_t at = tag.find(start);
  if (at == std::string_view::npos) return std::nullopt;
  tag.remove_prefix(at + start.size());
  return parse_number<std::uint64_t>(tag.substr(0, tag.find('"')));
}

/// What glibc counts too much in a line of free chunks: it adds up the size fields of bins as they are, with their
/// three flags (always the one that the chunk before is in use; another one in arenas), which `to` shows. Fast bins
/// have none.
std::uint64_t flags_of(std::uint64_t to) { return to % 8; }
void add_free_chunks(Sample& sample, std::uint64_t& flag_bytes, std::string_view line) {
  const std::uint64_t count = attribute(line, "count").value_or(0);
  if (count == 0) return;
  const std::uint64_t to = attribute(line, "to").value_or(0);
  sample.largest_free_bytes = std::max(sample.largest_free_bytes, to - flags_of(to));
  if (flags_of(to) <= (UINT64_MAX - flag_bytes) / count) flag_bytes += flags_of(to) * count;
}

/// a line of the totals behind the heaps
void add_total(Sample& sample, std::string_view line) {
  const std::uint64_t size = attribute(line, "size").value_or(0);
  const std::uint64_t count = attribute(line, "count").value_or(0);
  if (line.starts_with("<total type=\"mmap\"")) {
    sample.mapped_bytes = size;
    sample.mapped_count = count;
  } else if (line.starts_with("<total type=")) {  // fast, rest
    sample.free_bytes += size;
    sample.free_count += count;
  } else if (line.starts_with("<system type=\"current\"")) {
    sample.system_bytes = size;
  } else if (line.starts_with("<system type=\"max\"")) {
    sample.system_max_bytes = size;
  }
}

}  // namespace

bool looks_like(Bytes head) {
  TextLines lines(head);
  for (int i = 0; i < 10 && lines.next(); ++i) {
    const std::string_view line = trim(lines.line());
    if (line.starts_with("<malloc version=\"")) return true;
    if (!line.empty() && !line.starts_with('#') && !line.starts_with("<?xml") && !parse_timestamp(line)) return false;
  }
  return false;
}

std::optional<Sample> Reader::next() {
  std::optional<Timestamp> time;
  Sample sample;
  std::uint64_t flag_bytes = 0;
  bool inside = false, in_heap = false, has_totals = false;
  while (lines_.next()) {
    const std::string_view line = trim(lines_.line());
    if (line.starts_with("<malloc version=")) {
      if (inside) damage_.add(sample.offset, lines_.offset() - sample.offset, "malloc_info cut short");
      sample = {};
      sample.offset = lines_.offset();
      sample.time = time;
      inside = true;
      in_heap = has_totals = false;
      flag_bytes = 0;
    } else if (!inside) {
      const std::size_t first = line.find_first_not_of("#=- ");
      if (first != std::string_view::npos) {
        if (const std::optional<Timestamp> marker = parse_timestamp(line.substr(first))) time = marker;
      }
    } else if (line.starts_with("<heap ")) {
      in_heap = true;
      ++sample.heap_count;
    } else if (line.starts_with("</heap>")) {
      in_heap = false;
    } else if (line.starts_with("<size ") || line.starts_with("<unsorted ")) {
      add_free_chunks(sample, flag_bytes, line);
    } else if (line.starts_with("</malloc>")) {
      if (has_totals) {
        sample.free_bytes -= std::min(sample.free_bytes, flag_bytes);
        return sample;
      }
      damage_.add(sample.offset, lines_.next_offset() - sample.offset, "malloc_info without totals");
      inside = false;
    } else if (!in_heap) {
      has_totals = has_totals || line.starts_with("<system type=\"current\"");
      add_total(sample, line);
    }
  }
  if (inside) damage_.add(sample.offset, size_ - sample.offset, "malloc_info cut short");
  return std::nullopt;
}

}  // namespace formats::malloc_info
