// Reads everything an HPROF file holds through every function of formats/hprof.h, and adds up where its bytes went.
// Used by the tests and by the fuzz target.
#pragma once

#include <array>
#include <cstdint>

#include "formats/hprof.h"

namespace tests {

struct HprofWalk {
  bool has_header = false;
  std::array<std::uint64_t, 256> records{};      ///< top-level records by tag
  std::array<std::uint64_t, 256> sub_records{};  ///< heap sub-records by tag
  std::uint64_t objects = 0;                     ///< instances, arrays and class dumps
  std::uint64_t roots = 0;
  std::uint64_t used_bytes = 0;  ///< used_bytes + damage.bytes() = the file's size, always
  std::uint64_t checksum = 0;    ///< of every field read, so that no read is optimised away
  formats::DamageLog damage;
};

namespace hprof_walk_detail {

using formats::ByteReader;
using formats::Bytes;
using formats::load_u8;
using namespace formats::hprof;

inline std::uint64_t sum_of(Bytes bytes) {
  std::uint64_t sum = 0;
  for (const std::byte byte : bytes) sum = sum * 31 + static_cast<std::uint64_t>(byte);
  return sum;
}

inline std::uint64_t read_top_level(const Record& record, unsigned id_size) {
  switch (record.tag) {
    case Tag::string:
      if (const auto parsed = parse_string(record.body, id_size)) return parsed->id + sum_of(parsed->utf8);
      break;
    case Tag::load_class:
      if (const auto parsed = parse_load_class(record.body, id_size)) return parsed->class_id + parsed->name_id;
      break;
    case Tag::unload_class:
      if (const auto parsed = parse_unload_class(record.body)) return *parsed;
      break;
    case Tag::stack_frame:
      if (const auto parsed = parse_stack_frame(record.body, id_size)) return parsed->id + parsed->class_serial;
      break;
    case Tag::stack_trace:
      if (const auto parsed = parse_stack_trace(record.body, id_size)) {
        std::uint64_t sum = parsed->serial;
        for (std::uint32_t frame = 0; frame < parsed->count; ++frame) {
          sum += formats::hprof::load_id(parsed->frame_ids.data() + std::size_t{frame} * id_size, id_size);
        }
        return sum;
      }
      break;
    case Tag::alloc_sites:
      if (const auto parsed = parse_alloc_sites(record.body)) {
        std::uint64_t sum = parsed->count;
        for (std::uint32_t site = 0; site < parsed->count; ++site) {
          sum += parse_alloc_site(parsed->entries.subspan(std::size_t{site} * 25, 25)).allocated_instances;
        }
        return sum;
      }
      break;
    case Tag::heap_summary:
      if (const auto parsed = parse_heap_summary(record.body)) return parsed->live_bytes;
      break;
    case Tag::start_thread:
      if (const auto parsed = parse_start_thread(record.body, id_size)) return parsed->object_id;
      break;
    case Tag::end_thread:
      if (const auto parsed = parse_end_thread(record.body)) return *parsed;
      break;
    case Tag::cpu_samples:
      if (const auto parsed = parse_cpu_samples(record.body)) return parsed->total + sum_of(parsed->entries);
      break;
    case Tag::control_settings:
      if (const auto parsed = parse_control_settings(record.body)) return parsed->flags;
      break;
    default: break;
  }
  return 0;
}

inline std::uint64_t read_class(Bytes body, unsigned id_size) {
  const ClassDump dump = parse_class_dump(body, id_size);
  std::uint64_t sum = dump.id + dump.super_id + dump.instance_size;
  ByteReader constants(dump.constants);
  for (unsigned left = dump.constant_count; left != 0; --left) sum += read_constant(constants, id_size).bits;
  ByteReader statics(dump.statics);
  for (unsigned left = dump.static_count; left != 0; --left) sum += read_static(statics, id_size).bits;
  ByteReader fields(dump.fields);
  for (unsigned left = dump.field_count; left != 0; --left) sum += read_field(fields, id_size).type;
  // HeapReader promised that all of them are there, and nothing else.
  if (!constants.ok() || !statics.ok() || !fields.ok() ||
      constants.remaining() + statics.remaining() + fields.remaining() != 0) {
    __builtin_trap();
  }
  return sum;
}

inline std::uint64_t read_sub_record(const HeapRecord& record, unsigned id_size) {
  switch (record.tag) {
    case HeapTag::class_dump: return read_class(record.body, id_size);
    case HeapTag::instance_dump: {
      const InstanceDump dump = parse_instance_dump(record.body, id_size);
      return dump.id + dump.class_id + sum_of(dump.fields);
    }
    case HeapTag::object_array_dump: {
      const ObjectArrayDump dump = parse_object_array(record.body, id_size);
      if (dump.elements.size() != std::size_t{dump.length} * id_size) __builtin_trap();
      return dump.id + dump.class_id + sum_of(dump.elements);
    }
    case HeapTag::primitive_array_dump: {
      const PrimitiveArrayDump dump = parse_primitive_array(record.body, id_size);
      if (dump.elements.size() != std::size_t{dump.length} * size_of(dump.type, id_size)) __builtin_trap();
      return dump.id + sum_of(dump.elements);
    }
    case HeapTag::primitive_array_nodata: return parse_primitive_array(record.body, id_size).length;
    case HeapTag::heap_dump_info: return parse_heap_dump_info(record.body, id_size).name_id;
    default: return parse_root(record, id_size).id;
  }
}

}  // namespace hprof_walk_detail

[[nodiscard]] inline HprofWalk walk_hprof(formats::Bytes file) {
  using namespace hprof_walk_detail;
  HprofWalk walk;
  const std::optional<Header> header = read_header(file);
  if (!header) return walk;
  walk.has_header = true;
  walk.used_bytes = header->size;
  Reader reader(file, *header, walk.damage);
  std::uint64_t end = header->size;
  while (const std::optional<Record> record = reader.next()) {
    ++walk.records[static_cast<std::uint8_t>(record->tag)];
    walk.used_bytes += record->offset >= end ? 9 : 0;  // a segment whose header is lost has none
    end = record->offset + 9 + record->body.size();
    if (record->tag != Tag::heap_dump && record->tag != Tag::heap_dump_segment) {
      walk.checksum += read_top_level(*record, header->id_size);
      walk.used_bytes += record->body.size();
      continue;
    }
    HeapReader heap(record->body, record->offset + 9, header->id_size, walk.damage);
    HeapRecord sub_record;
    while (heap.next(sub_record)) {
      ++walk.sub_records[static_cast<std::uint8_t>(sub_record.tag)];
      if (is_root(sub_record.tag)) {
        ++walk.roots;
      } else if (sub_record.tag != HeapTag::heap_dump_info) {
        ++walk.objects;
      }
      walk.used_bytes += 1 + sub_record.body.size();
      walk.checksum += read_sub_record(sub_record, header->id_size);
    }
  }
  return walk;
}

}  // namespace tests
