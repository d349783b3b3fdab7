#include "importers/hprof_catalog.h"

#include <algorithm>
#include <numeric>

#include "importers/hprof_objects.h"

namespace importers::hprof {
namespace {

using formats::Bytes;
using formats::hprof::HeapReader;
using formats::hprof::HeapRecord;
using formats::hprof::HeapTag;
using formats::hprof::Record;
using formats::hprof::Tag;

constexpr std::uint32_t max_run_objects = 4096;
constexpr std::uint64_t progress_step = std::uint64_t{16} << 20;

void append_utf8(std::string& text, std::uint32_t code) {
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xC0 | (code >> 6));
    text += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    text += static_cast<char>(0xE0 | (code >> 12));
    text += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    text += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    text += static_cast<char>(0xF0 | (code >> 18));
    text += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    text += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    text += static_cast<char>(0x80 | (code & 0x3F));
  }
}

/// An object whose distance to the next one is of interest.
struct Neighbour {
  enum Kind : std::uint8_t { none, instance, object_array, primitive_array };
  Kind kind = none;
  std::uint32_t at = 0;       ///< class index, or element type
  std::uint64_t payload = 0;  ///< primitive arrays: bytes of elements; object arrays: number of elements
  std::uint64_t address = 0;

  void measure(std::uint64_t gap, Catalog& catalog) const {
    Census& census = kind == primitive_array ? catalog.primitive_arrays[at] : catalog.classes[at].census;
    ++census.gap_count;
    if (kind == object_array) {
      if (gap < 16 + 8 * payload) catalog.compressed_references = true;
      census.min_gap = std::min(census.min_gap, gap - std::min(gap, 4 * payload));
      census.min_wide_gap = std::min(census.min_wide_gap, gap - std::min(gap, 8 * payload));
    } else {
      census.min_gap = std::min(census.min_gap, gap - std::min(gap, payload));
    }
  }
};

/// The walk's state. One object per scan; methods are the cases of the record switch.
class Scanner {
 public:
  Scanner(Catalog& catalog, formats::DamageLog& damage, const ScanOptions& options)
      : catalog_(catalog), damage_(damage), options_(options), id_size_(catalog.header.id_size) {}

  void record(const Record& record);

 private:
  void heap(const Record& record);
  void instance(const HeapRecord& record);
  void object_array(const HeapRecord& record);
  void primitive_array(const HeapRecord& record);
  void class_dump(const HeapRecord& record);
  void other(const HeapRecord& record);
  void object_at(RawId address, const HeapRecord& record);
  void end_run();
  [[nodiscard]] bool wanted() const { return current_dump_ == options_.dump_index; }

  /// Index of the class entry, made on first sight (instances may come before their class).
  std::uint32_t class_index(RawId id) {
    auto& cached = cache_[(id >> 3) & (cache_.size() - 1)];
    if (cached.first == id && cached.second != no_entry) return cached.second;
    const auto [found, is_new] =
        catalog_.class_by_id.try_emplace(id, static_cast<std::uint32_t>(catalog_.classes.size()));
    if (is_new) catalog_.classes.emplace_back().id = id;
    cached = {id, found->second};
    return found->second;
  }

  static constexpr std::uint32_t no_entry = 0xFFFF'FFFFu;

  Catalog& catalog_;
  formats::DamageLog& damage_;
  const ScanOptions& options_;
  unsigned id_size_;
  std::uint32_t current_dump_ = 0;
  bool in_segments_ = false;
  std::uint64_t next_progress_ = 0;
  std::array<std::pair<RawId, std::uint32_t>, 4096> cache_ = [] {
    std::array<std::pair<RawId, std::uint32_t>, 4096> empty;
    empty.fill({0, no_entry});
    return empty;
  }();

  Neighbour previous_;  ///< the object before, for gaps
  RawId first_address_ = 0;
  Run run_;
  std::uint32_t run_objects_ = 0;
};

void Scanner::record(const Record& record) {
  if (options_.progress && record.offset >= next_progress_) {
    options_.progress(record.offset, catalog_.file.size());
    next_progress_ = record.offset + progress_step;
  }
  switch (record.tag) {
    case Tag::string:
      if (const auto string = formats::hprof::parse_string(record.body, id_size_))
        catalog_.strings[string->id] = string->utf8;
      break;
    case Tag::load_class:
      if (const auto loaded = formats::hprof::parse_load_class(record.body, id_size_)) {
        const std::uint32_t at = class_index(loaded->class_id);
        catalog_.classes[at].name_id = loaded->name_id;
        catalog_.classes[at].loaded = true;
        catalog_.class_by_serial[loaded->serial] = at;
      }
      break;
    case Tag::stack_frame:
      if (const auto frame = formats::hprof::parse_stack_frame(record.body, id_size_))
        catalog_.frames[frame->id] = *frame;
      break;
    case Tag::stack_trace:
      if (const auto trace = formats::hprof::parse_stack_trace(record.body, id_size_))
        catalog_.traces.push_back(*trace);
      break;
    case Tag::start_thread:
      if (const auto thread = formats::hprof::parse_start_thread(record.body, id_size_)) {
        catalog_.threads.push_back({thread->thread_serial, thread->object_id, thread->stack_serial, thread->name_id});
      }
      break;
    case Tag::heap_dump:
      heap(record);
      ++current_dump_;
      break;
    case Tag::heap_dump_segment:
      if (record.continues && !in_segments_ && current_dump_ > 0) {  // of the 0x0c before it, which is counted already
        --current_dump_;
        heap(record);
        ++current_dump_;
        break;
      }
      in_segments_ = true;
      heap(record);
      break;
    case Tag::heap_dump_end:
      if (in_segments_) ++current_dump_;
      in_segments_ = false;
      break;
    default: break;  // nothing in the others that the graph needs
  }
  catalog_.dump_count = current_dump_ + (in_segments_ ? 1 : 0);
}

void Scanner::heap(const Record& record) {
  if (!wanted()) return;
  catalog_.has_heap_dump = true;
  previous_ = {};
  HeapReader reader(record.body, static_cast<std::uint64_t>(record.body.data() - catalog_.file.data()), id_size_,
                    damage_);
  HeapRecord sub;
  while (reader.next(sub)) {
    switch (sub.tag) {
      case HeapTag::instance_dump: instance(sub); break;
      case HeapTag::object_array_dump: object_array(sub); break;
      case HeapTag::primitive_array_dump: primitive_array(sub); break;
      default: other(sub); break;
    }
    if (options_.progress && sub.offset >= next_progress_) {
      options_.progress(sub.offset, catalog_.file.size());
      next_progress_ = sub.offset + progress_step;
    }
  }
  end_run();
}

/// Bookkeeping that every object has: gap of the object before, run, address.
void Scanner::object_at(RawId address, const HeapRecord& record) {
  if (previous_.kind != Neighbour::none) {
    if (address > previous_.address) {
      previous_.measure(address - previous_.address, catalog_);
    } else {
      ++catalog_.descents;
    }
  }
  if (run_objects_ == 0 || address <= run_.last_address || run_objects_ >= max_run_objects ||
      run_.end != record.offset) {
    end_run();
    run_ = {address, address, record.offset, record.offset};
  }
  ++run_objects_;
  run_.last_address = address;
  run_.end = record.offset + 1 + record.body.size();

  if (catalog_.object_records++ == 0) first_address_ = address;
  const std::uint64_t distance = address > first_address_ ? address - first_address_ : first_address_ - address;
  if (catalog_.address_gcd != 8 || (distance & 7) != 0) catalog_.address_gcd = std::gcd(catalog_.address_gcd, distance);
  if (options_.addresses) catalog_.addresses.add(address);
}

void Scanner::end_run() {
  if (run_objects_ != 0) catalog_.runs.push_back(run_);
  run_objects_ = 0;
}

void Scanner::instance(const HeapRecord& record) {
  const auto dump = formats::hprof::parse_instance_dump(record.body, id_size_);
  object_at(dump.id, record);
  const std::uint32_t at = class_index(dump.class_id);
  ClassEntry& entry = catalog_.classes[at];
  ++entry.census.count;
  entry.census.payload_bytes += dump.fields.size();
  entry.max_payload = std::max(entry.max_payload, static_cast<std::uint32_t>(dump.fields.size()));
  catalog_.instance_bytes += dump.fields.size();
  previous_ = {Neighbour::instance, at, 0, dump.id};
}

void Scanner::object_array(const HeapRecord& record) {
  const auto dump = formats::hprof::parse_object_array(record.body, id_size_);
  object_at(dump.id, record);
  const std::uint32_t at = class_index(dump.class_id);
  ClassEntry& entry = catalog_.classes[at];
  entry.is_array_class = true;
  ++entry.census.count;
  entry.census.payload_bytes += dump.elements.size();
  entry.census.length += dump.length;
  ++entry.census.length_residue[dump.length & 15];
  catalog_.reference_slots += dump.length;
  previous_ = {Neighbour::object_array, at, dump.length, dump.id};
}

void Scanner::primitive_array(const HeapRecord& record) {
  const auto dump = formats::hprof::parse_primitive_array(record.body, id_size_);
  object_at(dump.id, record);
  const unsigned type = dump.type & 15u;  // HeapReader accepted only existing element types
  Census& census = catalog_.primitive_arrays[type];
  ++census.count;
  census.payload_bytes += dump.elements.size();
  census.length += dump.length;
  ++census.length_residue[dump.length & 15];
  const std::uint64_t bytes = std::uint64_t{dump.length} * formats::hprof::size_of(dump.type, id_size_);
  previous_ = {Neighbour::primitive_array, type, bytes, dump.id};
}

void Scanner::class_dump(const HeapRecord& record) {
  const auto dump = formats::hprof::parse_class_dump(record.body, id_size_);
  ClassEntry& entry = catalog_.classes[class_index(dump.id)];
  previous_ = {};  // a class object's size is not measured by gaps
  if (options_.addresses && !entry.dumped) catalog_.addresses.add(dump.id);
  if (catalog_.object_records++ == 0) first_address_ = dump.id;
  const std::uint64_t distance = dump.id > first_address_ ? dump.id - first_address_ : first_address_ - dump.id;
  if (catalog_.address_gcd != 8 || (distance & 7) != 0) catalog_.address_gcd = std::gcd(catalog_.address_gcd, distance);
  if (entry.dumped) return;  // a second dump of the class in the same file: the first stands
  entry.dumped = true;
  entry.super_id = dump.super_id;
  entry.loader_id = dump.loader_id;
  entry.dumped_instance_size = dump.instance_size;
  entry.dump_offset = record.offset;
  entry.dump = record.body;
  entry.fields.reserve(dump.field_count);
  formats::ByteReader fields(dump.fields);
  for (unsigned i = 0; i < dump.field_count && fields.ok(); ++i) {
    entry.fields.push_back(formats::hprof::read_field(fields, id_size_));
  }
}

void Scanner::other(const HeapRecord& record) {
  if (record.tag == HeapTag::class_dump) {
    class_dump(record);
  } else if (record.tag == HeapTag::heap_dump_info) {
    catalog_.is_art = true;
  } else if (record.tag == HeapTag::primitive_array_nodata) {
    primitive_array(record);
  } else if (formats::hprof::is_root(record.tag)) {
    const auto root = formats::hprof::parse_root(record, id_size_);
    if (root.tag == HeapTag::root_thread_object) {
      catalog_.threads.push_back({root.thread_serial, root.id, root.stack_serial, 0});
    }
    catalog_.roots.push_back(root);
  }
}

}  // namespace

void measure_gaps_by_address(Catalog& catalog) {
  const auto reset = [](Census& census) {
    census.min_gap = census.min_wide_gap = std::numeric_limits<std::uint64_t>::max();
    census.gap_count = 0;
  };
  for (ClassEntry& entry : catalog.classes) reset(entry.census);
  for (Census& census : catalog.primitive_arrays) reset(census);
  catalog.compressed_references = false;
  const unsigned id_size = catalog.header.id_size;
  Neighbour previous;
  ObjectWalk(catalog).for_each([&](RawId address, const HeapRecord& record) {
    if (previous.kind != Neighbour::none) previous.measure(address - previous.address, catalog);
    previous = {};
    if (record.tag == HeapTag::instance_dump) {
      const auto dump = formats::hprof::parse_instance_dump(record.body, id_size);
      previous = {Neighbour::instance, catalog.class_by_id.at(dump.class_id), 0, address};
    } else if (record.tag == HeapTag::object_array_dump) {
      const auto dump = formats::hprof::parse_object_array(record.body, id_size);
      previous = {Neighbour::object_array, catalog.class_by_id.at(dump.class_id), dump.length, address};
    } else if (record.tag != HeapTag::class_dump) {
      const auto dump = formats::hprof::parse_primitive_array(record.body, id_size);
      const std::uint64_t bytes = std::uint64_t{dump.length} * formats::hprof::size_of(dump.type, id_size);
      previous = {Neighbour::primitive_array, dump.type & 15u, bytes, address};
    }
  });
}

std::string from_modified_utf8(Bytes bytes) {
  std::string text;
  text.reserve(bytes.size());
  const auto byte = [&](std::size_t at) { return at < bytes.size() ? formats::load_u8(&bytes[at]) : 0u; };
  const auto continues = [&](std::size_t at) { return (byte(at) & 0xC0) == 0x80; };
  for (std::size_t i = 0; i < bytes.size();) {
    const std::uint32_t lead = byte(i);
    if (lead < 0x80) {
      text += static_cast<char>(lead);
      ++i;
    } else if ((lead & 0xE0) == 0xC0 && continues(i + 1)) {
      append_utf8(text, ((lead & 0x1F) << 6) | (byte(i + 1) & 0x3F));
      i += 2;
    } else if ((lead & 0xF0) == 0xE0 && continues(i + 1) && continues(i + 2)) {
      std::uint32_t code = ((lead & 0x0F) << 12) | ((byte(i + 1) & 0x3F) << 6) | (byte(i + 2) & 0x3F);
      i += 3;
      if (code >= 0xD800 && code < 0xDC00 && byte(i) == 0xED && continues(i + 1) && continues(i + 2)) {
        const std::uint32_t low = 0xD000u | ((byte(i + 1) & 0x3F) << 6) | (byte(i + 2) & 0x3F);
        if (low >= 0xDC00 && low < 0xE000) {
          code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
          i += 3;
        }
      }
      append_utf8(text, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);
    } else {
      append_utf8(text, 0xFFFD);
      ++i;
    }
  }
  return text;
}

constexpr std::size_t longest_name = 65'535;  // JVM specification §4.4.7

std::size_t Catalog::text_bytes(RawId string_id) const {
  const auto found = strings.find(string_id);
  return found == strings.end() ? 0 : std::min(found->second.size(), longest_name);
}

std::string Catalog::text(RawId string_id) const {
  const auto found = strings.find(string_id);
  return found == strings.end() ? std::string() : from_modified_utf8(found->second.first(text_bytes(string_id)));
}

Catalog scan(Bytes file, const formats::hprof::Header& header, formats::DamageLog& damage, const ScanOptions& options) {
  Catalog catalog;
  catalog.header = header;
  catalog.file = file;
  catalog.is_art = header.version == "JAVA PROFILE 1.0.3";
  formats::hprof::Reader reader(file, header, damage);
  if (options.addresses && options.system_loader) catalog.addresses.add(0);
  Scanner scanner(catalog, damage, options);
  while (const auto record = reader.next()) scanner.record(*record);
  if (options.addresses) catalog.addresses.freeze();
  // One descent in 64 objects: what follows an object in the file is often not its neighbour.
  if (!catalog.is_art && catalog.descents * 64 > catalog.object_records) measure_gaps_by_address(catalog);
  if (options.progress) options.progress(file.size(), file.size());
  return catalog;
}

}  // namespace importers::hprof
