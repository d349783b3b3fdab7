#include "formats/tcmalloc_spans.h"

#include <algorithm>
#include <iterator>
#include <set>

namespace formats::tcmalloc {
namespace {

class Reader {
 public:
  Reader(const ProcessImage& image, const Statics& statics, DamageLog& damage)
      : image_(image), memory_(image), statics_(statics), damage_(damage) {}

  Spans read() {
    std::set<std::uint64_t> read;
    std::uint64_t next = 0;  // first page not read yet
    const std::uint64_t leaf_bytes = statics_.page_size.leaf_entries() * 8;
    for (const auto& [root, leaf] : statics_.leaves) {
      const auto above = read.lower_bound(leaf);  // leaves do not overlap: what is read stays within the image
      if (above != read.end() && *above - leaf < leaf_bytes) continue;
      if (above != read.begin() && leaf - *std::prev(above) < leaf_bytes) continue;
      read.insert(above, leaf);
      found_.leaves.push_back({leaf, leaf + leaf_bytes});
      const Bytes bytes = image_.at(leaf);
      const std::uint64_t first = root << statics_.page_size.leaf_bits();
      for (std::uint64_t page = std::max(next, first); page < first + statics_.page_size.leaf_entries();) {
        const auto header = load_le<std::uint64_t>(&bytes[static_cast<std::size_t>((page - first) * 8)]);
        const std::uint64_t length = header == 0 ? 0 : read_span(header, page);
        page += length == 0 ? 1 : length;
        next = page;
      }
    }
    return std::move(found_);
  }

 private:
  void broken(std::uint64_t address, std::uint64_t bytes, const std::string& what) {
    add_broken(image_, damage_, address, bytes, what);
  }

  /// Returns its pages; 0 when there is no span that begins at `page`.
  std::uint64_t read_span(std::uint64_t header, std::uint64_t page) {
    const auto bits = memory_.load<std::uint32_t>(header + bits_at);
    if (memory_.word(header) != page || !page_of_entry(memory_, header, page, statics_.page_size) || !bits) {
      broken(header, span_bytes,
             "page map has " + hex_text(header) + " for the page at " + hex_text(page << statics_.page_size.shift) +
                 ", no span that begins there");
      return 0;
    }
    const std::uint64_t length = memory_.word(header + 8).value_or(0);
    Span span;
    span.header = header;
    span.start = page << statics_.page_size.shift;
    span.end = (page + length) << statics_.page_size.shift;
    span.referenced = static_cast<std::uint16_t>(*bits & 0xFFFF);
    span.size_class = static_cast<std::uint8_t>(*bits >> 16);
    const unsigned location = *bits >> 24 & 3;
    if (location > 2 || span.size_class >= statics_.sizes.size()) {
      broken(header, span_bytes, "span at " + hex_text(span.start) + " is damaged: left out");
      return length;
    }
    span.location = static_cast<Location>(location);
    if (span.location == Location::in_use && span.size_class != 0) {
      span.object_size = static_cast<std::uint32_t>(statics_.sizes[span.size_class]);
      const std::uint64_t count = (span.end - span.start) / span.object_size;
      if (count == 0 || count > 0xFFFF) {
        broken(header, span_bytes, "span at " + hex_text(span.start) + " has no room for its class: left out");
        return length;
      }
      span.count = static_cast<std::uint32_t>(count);
    }
    found_.all.push_back(span);
    return length;
  }

  const ProcessImage& image_;
  HeapMemory memory_;
  const Statics& statics_;
  DamageLog& damage_;
  Spans found_;
};

}  // namespace

void add_broken(const ProcessImage& image, DamageLog& damage, std::uint64_t address, std::uint64_t bytes,
                const std::string& what) {
  add_damage_at(image, damage, address, bytes, "tcmalloc: " + what);
}

Spans read_spans(const ProcessImage& image, const Statics& statics, DamageLog& damage) {
  return Reader(image, statics, damage).read();
}

FreeObjects find_free(HeapMemory& memory, const Span& span) {
  FreeObjects free;
  free.is_free.resize(span.count);
  std::uint64_t link_at = span.header + objects_at;
  const auto stop = [&](std::string_view why) {
    free.broken_at = link_at;
    free.broken = why;
    return free;
  };
  for (;;) {
    const auto object = memory.word(link_at);
    if (!object) return stop("lies in bytes that the core lacks");
    if (*object == 0) return free;
    const std::uint64_t offset = *object - span.start;
    const std::uint64_t index = offset / span.object_size;
    if (*object < span.start || index >= span.count) return stop("leaves its span");
    if (index * span.object_size != offset) return stop("points between two objects");
    if (free.is_free[static_cast<std::size_t>(index)]) return stop("comes to an object that it had before");
    free.is_free[static_cast<std::size_t>(index)] = true;
    ++free.count;
    link_at = *object;
  }
}

}  // namespace formats::tcmalloc
