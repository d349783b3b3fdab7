// Plausibility of HPROF bytes. The rules are stricter than the readers': what they refuse is only skipped while lost.
#include "formats/hprof_recovery.h"

#include <algorithm>
#include <array>

#include "formats/hprof.h"

namespace formats::hprof {
namespace {

constexpr std::size_t record_header = 9;  // u1 tag, u4 time, u4 length

// Sub-records that are an id or two and a few u4.
struct Shape {
  HeapTag tag;
  std::uint8_t ids;
  std::uint8_t other_bytes;
};
constexpr Shape shapes[] = {
    {HeapTag::root_jni_global, 2, 0},        {HeapTag::root_jni_local, 1, 8},
    {HeapTag::root_java_frame, 1, 8},        {HeapTag::root_native_stack, 1, 4},
    {HeapTag::root_sticky_class, 1, 0},      {HeapTag::root_thread_block, 1, 4},
    {HeapTag::root_monitor_used, 1, 0},      {HeapTag::root_thread_object, 1, 8},
    {HeapTag::root_interned_string, 1, 0},   {HeapTag::root_finalizing, 1, 0},
    {HeapTag::root_debugger, 1, 0},          {HeapTag::root_reference_cleanup, 1, 0},
    {HeapTag::root_vm_internal, 1, 0},       {HeapTag::root_jni_monitor, 1, 8},
    {HeapTag::root_unreachable, 1, 0},       {HeapTag::root_unknown, 1, 0},
    {HeapTag::primitive_array_nodata, 1, 9}, {HeapTag::heap_dump_info, 1, 4},
};

constexpr std::array<std::array<std::uint8_t, 256>, 2> make_fixed_sizes() {
  std::array<std::array<std::uint8_t, 256>, 2> sizes{};
  for (const Shape& shape : shapes) {
    for (unsigned wide = 0; wide < 2; ++wide) {
      sizes[wide][static_cast<std::uint8_t>(shape.tag)] =
          static_cast<std::uint8_t>(1 + shape.ids * (wide ? 8 : 4) + shape.other_bytes);
    }
  }
  return sizes;
}
constexpr auto fixed_sizes = make_fixed_sizes();

// No heap lives in the top sixteenth of the address space or at 0, and old agents' ids are small numbers.
bool id_like(std::uint64_t id, unsigned id_size) {
  return id != 0 && (id_size == 8 ? (id >> 56) == 0 : id < 0xFFFF'FF00u);
}
// HotSpot writes 1, agents number their traces from 1, ART from 0.
bool serial_like(std::uint32_t serial) { return serial < (1u << 24); }

bool is_heap_tag(std::uint8_t tag) {
  return tag == static_cast<std::uint8_t>(Tag::heap_dump) || tag == static_cast<std::uint8_t>(Tag::heap_dump_segment);
}

// true when the body of a record that is not a heap dump has the size its tag and counts prescribe.
bool body_like(Tag tag, const std::byte* body, std::uint32_t size, unsigned id_size) {
  switch (tag) {
    case Tag::string: return size >= id_size && id_like(load_id(body, id_size), id_size);
    case Tag::load_class: return size == 8 + 2 * id_size && load_be32(body) != 0;
    case Tag::unload_class:
    case Tag::end_thread: return size == 4;
    case Tag::stack_frame: return size == 4 * id_size + 8;
    case Tag::stack_trace:
      return size >= 12 && (size - 12) % id_size == 0 && load_be32(body + 8) == (size - 12) / id_size;
    case Tag::alloc_sites: return size >= 34 && (size - 34) % 25 == 0 && load_be32(body + 30) == (size - 34) / 25;
    case Tag::heap_summary: return size == 24;
    case Tag::start_thread: return size == 8 + 4 * id_size;
    case Tag::cpu_samples: return size >= 8 && (size - 8) % 8 == 0 && load_be32(body + 4) == (size - 8) / 8;
    case Tag::control_settings: return size == 6;
    case Tag::heap_dump_end: return size == 0;
    case Tag::heap_dump:
    case Tag::heap_dump_segment: break;
  }
  return false;
}

}  // namespace

bool is_known_tag(std::uint8_t tag) {
  return (tag >= 0x01 && tag <= 0x07) || (tag >= 0x0a && tag <= 0x0e) || tag == 0x1c || tag == 0x2c;
}

unsigned fixed_sub_record_size(std::uint8_t tag, unsigned id_size) { return fixed_sizes[id_size == 8][tag]; }

std::uint64_t measure_class_dump(Bytes body, std::size_t at, unsigned id_size, std::uint64_t& entries) {
  ByteReader reader(body.subspan(at));
  reader.skip(1 + 7 * std::uint64_t{id_size} + 8);
  const auto skip_entries = [&](unsigned before_type, bool has_value) {
    for (std::uint32_t left = reader.u16(); left != 0 && reader.ok(); --left) {
      ++entries;
      reader.skip(before_type);
      const unsigned size = size_of(reader.u8(), id_size);
      if (size == 0) return false;
      if (has_value) reader.skip(size);
    }
    return reader.ok();
  };
  const bool ok = skip_entries(2, true) && skip_entries(id_size, true) && skip_entries(id_size, false);
  return ok ? reader.position() : 0;
}

std::uint64_t plausible_sub_record(Bytes body, std::size_t at, unsigned id_size, ScanBudget& budget) {
  const std::size_t left = body.size() - at;
  const std::byte* record = body.data() + at;
  const std::uint8_t tag = load_u8(record);
  const std::size_t array_header = 1 + id_size + 4 + 4;  // up to the class id or the element type
  std::uint64_t size = 0;
  switch (static_cast<HeapTag>(tag)) {
    case HeapTag::instance_dump: {
      const std::size_t fixed = 1 + 2 * id_size + 8;
      if (left < fixed || !serial_like(load_be32(record + 1 + id_size)) ||
          !id_like(load_id(record + 5 + id_size, id_size), id_size)) {
        return 0;
      }
      size = fixed + std::uint64_t{load_be32(record + fixed - 4)};
      break;
    }
    case HeapTag::object_array_dump: {
      const std::size_t fixed = array_header + id_size;
      if (left < fixed || !serial_like(load_be32(record + 1 + id_size)) ||
          !id_like(load_id(record + array_header, id_size), id_size)) {
        return 0;
      }
      size = fixed + std::uint64_t{load_be32(record + 5 + id_size)} * id_size;
      break;
    }
    case HeapTag::primitive_array_dump: {
      const std::size_t fixed = array_header + 1;
      if (left < fixed || !serial_like(load_be32(record + 1 + id_size))) return 0;
      const unsigned element = size_of(load_u8(record + array_header), 0);
      if (element == 0) return 0;
      size = fixed + std::uint64_t{load_be32(record + 5 + id_size)} * element;
      break;
    }
    case HeapTag::class_dump: {
      if (budget.entries == 0) return 0;
      std::uint64_t entries = 1;
      size = measure_class_dump(body, at, id_size, entries);
      budget.entries -= std::min(budget.entries, entries);
      break;
    }
    case HeapTag::heap_dump_info: {  // its id is a name; its type is what tells it from 0xfe bytes
      size = fixed_sub_record_size(tag, id_size);
      if (left < size) return 0;
      const std::uint32_t type = load_be32(record + 1);
      return type == 0 || type == 'A' || type == 'Z' || type == 'I' ? size : 0;
    }
    default: size = fixed_sub_record_size(tag, id_size); break;
  }
  if (size == 0 || size > left) return 0;
  return id_like(load_id(record + 1, id_size), id_size) ? size : 0;
}

bool sub_records_from(Bytes body, std::size_t at, unsigned id_size, ScanBudget& budget) {
  constexpr int enough = 5;
  const std::size_t begin = at;
  for (int count = 0; count < enough; ++count) {
    if (at == body.size()) {
      // A lone root is too little to tell from the tail of an array: nine bytes fit by chance.
      return count > 1 || (count == 1 && fixed_sub_record_size(load_u8(body.data() + begin), id_size) == 0);
    }
    const std::uint64_t size = plausible_sub_record(body, at, id_size, budget);
    if (size == 0) return false;
    at += static_cast<std::size_t>(size);
  }
  return true;
}

std::size_t find_sub_records(Bytes body, std::size_t from, unsigned id_size, ScanBudget& budget) {
  for (std::size_t at = from; at < body.size(); ++at) {
    if (sub_records_from(body, at, id_size, budget)) return at;
  }
  return body.size();
}

bool records_from(Bytes file, std::uint64_t at, unsigned id_size, ScanBudget& budget) {
  constexpr int enough = 3;
  for (int count = 0; count < enough;) {
    if (at == file.size()) return count > 0;
    const std::uint64_t left = file.size() - at;
    if (left < record_header) return false;
    const std::byte* header = file.data() + at;
    const std::uint8_t tag = load_u8(header);
    const std::uint32_t length = load_be32(header + 5);
    if (is_heap_tag(tag)) {
      // The length may be 0 or beyond the end where the writer died: what it holds decides.
      const std::uint64_t body_size = length == 0 ? left - record_header : std::min<std::uint64_t>(length, left - 9);
      const Bytes body = file.subspan(at + record_header, body_size);
      const bool one_root = !body.empty() && plausible_sub_record(body, 0, id_size, budget) == body.size();
      if (!one_root && !sub_records_from(body, 0, id_size, budget)) return false;
      if (length == 0 || length > left - record_header) return true;
      count += 2;  // its content has already been seen to parse
    } else {
      if (!is_known_tag(tag) || length > left - record_header) return false;
      if (!body_like(static_cast<Tag>(tag), header + record_header, length, id_size)) return false;
      ++count;
    }
    at += record_header + length;
  }
  return true;
}

std::uint64_t find_records(Bytes file, std::uint64_t from, unsigned id_size, ScanBudget& budget) {
  for (std::uint64_t at = from; at < file.size(); ++at) {
    if (is_known_tag(load_u8(file.data() + at)) && records_from(file, at, id_size, budget)) return at;
  }
  return file.size();
}

}  // namespace formats::hprof
