#include "importers/memray_stacks.h"

#include <algorithm>
#include <string>

#include "formats/python_lines.h"
#include "importers/address_frames.h"

namespace importers {
namespace {

using queries::SiteId;
using queries::SiteRow;

std::string_view file_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::int32_t bounded_line(std::int64_t line) {
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(line, 0, 0x7FFF'FFFF));
}

constexpr std::size_t most_native_frames = 512;  // of one stack; deeper ones end there

}  // namespace

void PythonFrames::define_frame(const formats::memray::Record& record) {
  SiteRow row;
  row.function = sites_.text_number(record.function);
  row.file = sites_.text_number(record.file);
  row.line = bounded_line(record.line);
  frames_[record.id] = row;
}

void PythonFrames::define_code(const formats::memray::Record& record) {
  Code& code = codes_[record.id];
  code = {};
  code.function = sites_.text_number(record.function);
  code.file = sites_.text_number(record.file);
  code.first_line = record.line;
  code.line_table = record.line_table;
}

void PythonFrames::define_place(const formats::memray::Record& record) {
  frames_[record.id] = row_of_place(record.code_id, record.instruction_offset);
}

SiteRow PythonFrames::unknown_row() {
  SiteRow row;
  row.function = sites_.text_number("(unknown)");
  return row;
}

SiteRow PythonFrames::row_of_place(std::uint64_t code_id, std::int64_t offset) {
  const auto found = codes_.find(code_id);
  if (found == codes_.end()) return unknown_row();
  Code& code = found->second;
  const auto [line, is_new] = code.lines.try_emplace(offset);
  if (is_new) {
    line->second = bounded_line(formats::python_line(code.line_table, code.first_line, offset, python_version_));
  }
  SiteRow row;
  row.function = code.function;
  row.file = code.file;
  row.line = line->second;
  return row;
}

SiteId PythonFrames::add(SiteId caller, std::uint64_t id) {
  const auto found = frames_.find(id);
  SiteRow row = found == frames_.end() ? unknown_row() : found->second;
  row.parent = caller;
  return sites_.add(row);
}

SiteId PythonFrames::add_place(SiteId caller, std::uint64_t code_id, std::int64_t offset) {
  SiteRow row = row_of_place(code_id, offset);
  row.parent = caller;
  return sites_.add(row);
}

void NativeFrames::clear_segments() {
  segments_.clear();
  modules_.clear();
  known_.clear();  // the same number can mean another module now
  rows_.clear();
}

void NativeFrames::add_segment(std::string_view file, std::uint64_t base, std::uint64_t start, std::uint64_t size) {
  if (size == 0 || start + size < start) return;
  const std::string_view name = file_name(file);
  const bool is_next = !segments_.empty() && segments_.back().base == base && modules_.back().path == file;
  if (!is_next) {
    MappedModule& module = modules_.emplace_back();
    module.path = file;
    module.start = start & ~std::uint64_t{0xFFF};
  }
  modules_.back().end = std::max(modules_.back().end, start + size);
  segments_.push_back({start, start + size, base, sites_.text_number(file), modules_.size() - 1,
                       name.starts_with("libpython") || name.starts_with("python")});
  is_sorted_ = false;
}

const NativeFrames::Segment* NativeFrames::find(std::uint64_t address) {
  const auto by_start = [](const Segment& a, const Segment& b) { return a.start < b.start; };
  if (!is_sorted_) std::stable_sort(segments_.begin(), segments_.end(), by_start);
  is_sorted_ = true;
  Segment key;
  key.start = address;
  const auto after = std::upper_bound(segments_.begin(), segments_.end(), key, by_start);
  if (after == segments_.begin() || address >= std::prev(after)->end) return nullptr;
  return &*std::prev(after);
}

std::vector<SiteRow> NativeFrames::rows_of(std::uint64_t address, const Segment* segment) {
  SiteRow row;
  row.function = sites_.text_number(address_text(address));
  if (segment != nullptr) {
    row.module = segment->module_text;
    std::vector<SiteRow> named = symbols_.rows(modules_[segment->module], address - 1, row.module, sites_);
    std::reverse(named.begin(), named.end());
    if (!named.empty()) return named;
    row.function = sites_.text_number(std::string(file_name(sites_.text(segment->module_text))) + "+" +
                                      address_text(address - segment->base));
  }
  return {row};
}

SiteId NativeFrames::add(SiteId site, std::uint64_t id) {
  const auto [known, is_new] = known_.try_emplace(Key{site, id}, site);
  if (!is_new) return known->second;
  std::vector<SiteRow> rows;  // innermost first
  while (id != 0 && id <= frames_.size() && rows.size() < most_native_frames) {
    const Frame& frame = frames_[static_cast<std::size_t>(id - 1)];
    const Segment* segment = find(frame.address);
    if (segment != nullptr && segment->is_interpreter) break;
    const auto [known_rows, is_new_address] = rows_.try_emplace(frame.address);
    if (is_new_address) known_rows->second = rows_of(frame.address, segment);
    rows.insert(rows.end(), known_rows->second.begin(), known_rows->second.end());
    if (frame.caller >= id) break;  // callers are numbered first; else the file is damaged
    id = frame.caller;
  }
  SiteId inner = site;
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    row->parent = inner;
    inner = sites_.add(*row);
  }
  known->second = inner;
  return inner;
}

}  // namespace importers
