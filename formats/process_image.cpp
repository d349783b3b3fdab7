#include "formats/process_image.h"

#include <algorithm>

namespace formats {
namespace {

using Range = ProcessImage::Range;

/// Splits `range` where files begin and end. Files are sorted and do not overlap; `next` is the first that can matter.
void split_by_file(Range range, const std::vector<elf::FileMapping>& files, std::size_t& next,
                   std::vector<Range>& out) {
  const auto put = [&](std::uint64_t end, std::int32_t file) {
    Range part = range;
    part.end = end;
    part.file = file;
    if (part.size() != 0) out.push_back(part);
    if (range.data != nullptr) range.data += end - range.start;
    range.start = end;
  };
  while (next < files.size() && files[next].end <= range.start) ++next;
  for (std::size_t i = next; i < files.size() && files[i].start < range.end; ++i) {
    if (files[i].start > range.start) put(files[i].start, -1);
    put(std::min(files[i].end, range.end), static_cast<std::int32_t>(i));
    if (range.start == range.end) return;
  }
  put(range.end, -1);
}

/// gdb writes no program header at all for file-backed pages that it leaves out (the kernel writes one without bytes).
/// They are there all the same, and a module's file may have their bytes; their permissions are not known.
void add_unlisted(const std::vector<elf::FileMapping>& files, std::vector<Range>& ranges) {
  const std::size_t listed = ranges.size();
  std::size_t next = 0;
  std::uint64_t at = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    at = std::max(at, files[i].start);
    const auto put = [&](std::uint64_t end) {
      if (at >= end) return;
      Range range;
      range.start = at;
      range.end = end;
      range.file = static_cast<std::int32_t>(i);
      range.readable = true;
      range.executable = true;
      ranges.push_back(range);
    };
    while (next < listed && ranges[next].end <= at) ++next;
    for (; next < listed && ranges[next].start < files[i].end; ++next) {
      put(ranges[next].start);
      at = std::max(at, ranges[next].end);
    }
    put(files[i].end);
    at = std::max(at, files[i].end);
    if (next > 0) --next;  // a range may hold the next file too
  }
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.start < b.start; });
}

}  // namespace

ProcessImage::ProcessImage(const elf::Core& core) : core_(&core) {
  std::size_t next = 0;
  for (const elf::Segment& segment : core.segments) {
    Range range;
    range.readable = segment.readable;
    range.writable = segment.writable;
    range.executable = segment.executable;
    range.start = segment.address;
    if (!segment.bytes.empty()) {
      range.end = range.start + segment.bytes.size();
      range.data = segment.bytes.data();
      split_by_file(range, core.files, next, ranges_);
      range.start = range.end;
      range.data = nullptr;
    }
    range.end = segment.address + segment.size;
    if (range.start != range.end) split_by_file(range, core.files, next, ranges_);
  }
  add_unlisted(core.files, ranges_);
  index_ranges();
}

const Range* ProcessImage::find(std::uint64_t address) const {
  // Without branches on the outcome, which no processor can predict: addresses come in any order.
  std::size_t first = 0;
  for (std::size_t count = starts_.size(); count > 1;) {
    const std::size_t half = count / 2;
    first += static_cast<std::size_t>(starts_[first + half] <= address) * half;
    count -= half;
  }
  if (ranges_.empty()) return nullptr;
  const Range& range = ranges_[first];
  return address >= range.start && address < range.end ? &range : nullptr;
}

void ProcessImage::index_ranges() {
  starts_.resize(ranges_.size());
  std::transform(ranges_.begin(), ranges_.end(), starts_.begin(), [](const Range& range) { return range.start; });
}

Bytes ProcessImage::at(std::uint64_t address) const {
  const Range* range = find(address);
  if (range == nullptr || !range->present()) return {};
  return range->bytes().subspan(static_cast<std::size_t>(address - range->start));
}

bool ProcessImage::read(std::uint64_t address, void* to, std::size_t size) const {
  auto* out = static_cast<std::byte*>(to);
  while (size != 0) {
    const Bytes from = at(address);
    if (from.empty()) return false;
    const std::size_t part = std::min(size, from.size());
    std::memcpy(out, from.data(), part);
    out += part;
    address += part;
    size -= part;
  }
  return true;
}

std::optional<std::string> ProcessImage::text(std::uint64_t address, std::size_t limit) const {
  std::string text;
  while (text.size() < limit) {
    const Bytes from = at(address);
    if (from.empty()) return std::nullopt;
    const std::string_view part = as_text(from.first(std::min(from.size(), limit - text.size())));
    const std::size_t end = part.find('\0');
    text.append(part.substr(0, end));
    if (end != std::string_view::npos) return text;
    address += part.size();
  }
  return std::nullopt;
}

std::uint64_t ProcessImage::fill(std::uint64_t address, Bytes bytes) {
  if (bytes.size() > ~std::uint64_t{0} - address) return 0;
  const std::uint64_t end = address + bytes.size();
  std::uint64_t filled = 0;
  std::vector<Range> ranges;
  ranges.reserve(ranges_.size() + 2);
  for (const Range& range : ranges_) {
    const std::uint64_t from = std::max(range.start, address);
    const std::uint64_t to = std::min(range.end, end);
    if (range.present() || from >= to) {
      ranges.push_back(range);
      continue;
    }
    const auto put = [&](std::uint64_t first, std::uint64_t last, const std::byte* data) {
      if (first == last) return;
      Range part = range;
      part.start = first;
      part.end = last;
      part.data = data;
      part.filled = data != nullptr;
      ranges.push_back(part);
    };
    put(range.start, from, nullptr);
    put(from, to, bytes.data() + (from - address));
    put(to, range.end, nullptr);
    filled += to - from;
  }
  ranges_ = std::move(ranges);
  index_ranges();
  return filled;
}

}  // namespace formats
