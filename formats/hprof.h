// HPROF, the heap dump format of HotSpot and ART: bytes → records. Big-endian; a header, then top-level records, some
// of which (0x0c, 0x1c) hold heap sub-records back to back.
//
// Specification: JDK source, src/hotspot/share/services/heapDumper.cpp (1.0.1, 1.0.2) and the hprof manual of JDK 6;
// ART: art/runtime/hprof/hprof.cc (1.0.3). Quirks that real writers left are listed at the functions that survive them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "formats/bytes.h"
#include "formats/damage_log.h"

namespace formats::hprof {

/// true for "JAVA PROFILE 1.0.1", "1.0.2", "1.0.3" followed by NUL.
[[nodiscard]] bool looks_like(Bytes head);

struct Header {
  std::string_view version;        ///< "JAVA PROFILE 1.0.2"
  unsigned id_size = 0;            ///< 4 or 8
  std::uint64_t timestamp_ms = 0;  ///< since the Unix epoch
  std::uint64_t size = 0;          ///< bytes of the header = offset of the first record
};
/// nullopt: not HPROF, or cut inside the header, or an identifier size other than 4 and 8.
[[nodiscard]] std::optional<Header> read_header(Bytes file);

/// Top-level record tags.
enum class Tag : std::uint8_t {
  string = 0x01,
  load_class = 0x02,
  unload_class = 0x03,
  stack_frame = 0x04,
  stack_trace = 0x05,
  alloc_sites = 0x06,
  heap_summary = 0x07,
  start_thread = 0x0a,
  end_thread = 0x0b,
  heap_dump = 0x0c,
  cpu_samples = 0x0d,
  control_settings = 0x0e,
  heap_dump_segment = 0x1c,
  heap_dump_end = 0x2c,
};

struct Record {
  Tag tag{};
  std::uint64_t offset = 0;  ///< of the tag byte in the file
  Bytes body;              ///< of a heap dump: shortened to what is there when the file ends early (damage was logged)
  bool continues = false;  ///< found without a header of its own: more of the heap dump or segment before it
};

/// Walks the top-level records. Survives: a length of 0 on a heap dump that is not empty (the writer died: runs to the
/// end), lengths that wrapped at 4 GiB, lengths beyond the end, unknown tags (skipped by length), an overwritten
/// stretch (resumes at the next plausible record header). Every byte not used is in the damage log. After a heap dump a
/// stretch without a header is returned as one more segment, body at offset + 9 as ever, for HeapReader to search.
/// Other records cut by the end of the file are dropped. Linear in the file's size, whatever it holds.
class Reader {
 public:
  Reader(Bytes file, const Header& header, DamageLog& damage);
  [[nodiscard]] std::optional<Record> next();
  [[nodiscard]] std::uint64_t position() const { return position_; }

 private:
  /// true when a record header, or the end of the file, is at `at`.
  [[nodiscard]] bool leads_on(std::uint64_t at);
  [[nodiscard]] bool chain_at(std::uint64_t at);
  [[nodiscard]] std::uint64_t find_chain(std::uint64_t from);
  Record heap_record(Tag tag, std::uint64_t length);
  /// Moves to `good`; what lies between is damage, or a last heap segment without a header.
  std::optional<Record> pass_gap(std::uint64_t good);

  Bytes file_;
  Header header_;
  DamageLog* damage_;
  std::uint64_t position_;
  std::uint64_t resume_at_ = 0;  ///< end of a stretch already known to be bad
  std::uint64_t class_entries_;  ///< ScanBudget left
  bool after_heap_ = false;
};

// ---- bodies of top-level records; nullopt = the body is too short ----

struct StringRecord {
  std::uint64_t id = 0;
  Bytes utf8;  ///< modified UTF-8, no terminator
};
struct LoadClass {
  std::uint32_t serial = 0;
  std::uint64_t class_id = 0;
  std::uint32_t stack_serial = 0;
  std::uint64_t name_id = 0;
};
struct StackFrame {
  std::uint64_t id = 0;
  std::uint64_t method_name_id = 0;
  std::uint64_t signature_id = 0;
  std::uint64_t source_file_id = 0;
  std::uint32_t class_serial = 0;
  std::int32_t line = 0;
};
struct StackTrace {
  std::uint32_t serial = 0;
  std::uint32_t thread_serial = 0;
  std::uint32_t count = 0;  ///< frames that are really there
  Bytes frame_ids;          ///< count * id_size bytes
};
struct StartThread {
  std::uint32_t thread_serial = 0;
  std::uint64_t object_id = 0;
  std::uint32_t stack_serial = 0;
  std::uint64_t name_id = 0;
  std::uint64_t group_name_id = 0;
  std::uint64_t parent_group_name_id = 0;
};
struct HeapSummary {
  std::uint32_t live_bytes = 0;
  std::uint32_t live_instances = 0;
  std::uint64_t allocated_bytes = 0;
  std::uint64_t allocated_instances = 0;
};
[[nodiscard]] std::optional<StringRecord> parse_string(Bytes body, unsigned id_size);
[[nodiscard]] std::optional<LoadClass> parse_load_class(Bytes body, unsigned id_size);
[[nodiscard]] std::optional<std::uint32_t> parse_unload_class(Bytes body);
[[nodiscard]] std::optional<StackFrame> parse_stack_frame(Bytes body, unsigned id_size);
[[nodiscard]] std::optional<StackTrace> parse_stack_trace(Bytes body, unsigned id_size);
[[nodiscard]] std::optional<StartThread> parse_start_thread(Bytes body, unsigned id_size);
[[nodiscard]] std::optional<std::uint32_t> parse_end_thread(Bytes body);
[[nodiscard]] std::optional<HeapSummary> parse_heap_summary(Bytes body);
struct AllocSites {
  std::uint16_t flags = 0;
  std::uint32_t cutoff_ratio_bits = 0;
  std::uint32_t live_bytes = 0, live_instances = 0;
  std::uint64_t allocated_bytes = 0, allocated_instances = 0;
  std::uint32_t count = 0;  ///< entries that are really there
  Bytes entries;            ///< count * 25 bytes
};
struct AllocSite {
  bool is_array = false;
  std::uint32_t class_serial = 0, stack_serial = 0, live_bytes = 0, live_instances = 0, allocated_bytes = 0,
                allocated_instances = 0;
};
struct CpuSamples {
  std::uint32_t total = 0;
  std::uint32_t count = 0;  ///< entries that are really there
  Bytes entries;            ///< count * (u4 samples, u4 stack trace serial)
};
struct ControlSettings {
  std::uint32_t flags = 0;
  std::uint16_t stack_depth = 0;
};
[[nodiscard]] std::optional<AllocSites> parse_alloc_sites(Bytes body);
[[nodiscard]] AllocSite parse_alloc_site(Bytes entry);  ///< entry = 25 bytes
[[nodiscard]] std::optional<CpuSamples> parse_cpu_samples(Bytes body);
[[nodiscard]] std::optional<ControlSettings> parse_control_settings(Bytes body);

// ---- heap sub-records ----

enum class HeapTag : std::uint8_t {
  root_jni_global = 0x01,
  root_jni_local = 0x02,
  root_java_frame = 0x03,
  root_native_stack = 0x04,
  root_sticky_class = 0x05,
  root_thread_block = 0x06,
  root_monitor_used = 0x07,
  root_thread_object = 0x08,
  class_dump = 0x20,
  instance_dump = 0x21,
  object_array_dump = 0x22,
  primitive_array_dump = 0x23,
  root_interned_string = 0x89,  // ART from here
  root_finalizing = 0x8a,
  root_debugger = 0x8b,
  root_reference_cleanup = 0x8c,
  root_vm_internal = 0x8d,
  root_jni_monitor = 0x8e,
  root_unreachable = 0x90,
  primitive_array_nodata = 0xc3,
  heap_dump_info = 0xfe,
  root_unknown = 0xff,
};

/// Basic types (field types, array element types).
enum class Type : std::uint8_t {
  object = 2,
  boolean = 4,
  character = 5,
  float32 = 6,
  float64 = 7,
  int8 = 8,
  int16 = 9,
  int32 = 10,
  int64 = 11,
};
/// Bytes of a value in the file; 0 for a type that does not exist.
[[nodiscard]] constexpr unsigned size_of(std::uint8_t type, unsigned id_size) {
  constexpr std::uint8_t sizes[12] = {0, 0, 0, 0, 1, 2, 4, 8, 1, 2, 4, 8};
  return type == 2 ? id_size : type < 12 ? sizes[type] : 0;
}
/// JVM descriptor letter: L Z C F D B S I J; '?' for a type that does not exist.
[[nodiscard]] constexpr char letter_of(std::uint8_t type) {
  constexpr char letters[13] = "??L?ZCFDBSIJ";
  return type < 12 ? letters[type] : '?';
}

struct HeapRecord {
  HeapTag tag{};
  std::uint64_t offset = 0;  ///< of the sub-record's tag byte in the file
  Bytes body;                ///< after the tag, exactly this sub-record
};

/// Walks the sub-records of one 0x0c or 0x1c body. Where the bytes stop making sense (unknown tag, counts beyond the
/// body) it logs damage and resumes at the next place from which several sub-records in a row parse, or ends.
/// A sub-record cut short by the end of the body is damage too. O(1) per record but for class dumps.
class HeapReader {
 public:
  HeapReader(Bytes body, std::uint64_t body_offset, unsigned id_size, DamageLog& damage)
      : body_(body), base_(body_offset), id_size_(id_size), damage_(&damage) {}
  /// false at the end.
  [[nodiscard]] inline bool next(HeapRecord& record);
  [[nodiscard]] std::uint64_t offset() const { return base_ + position_; }

 private:
  /// Size of the sub-record that starts at `at` (tag included); 0 = unknown tag or does not fit into the body.
  [[nodiscard]] std::uint64_t class_dump_size(std::size_t at) const;
  [[nodiscard]] std::uint64_t other_size(std::size_t at) const;
  /// Logs what is wrong at position_ and moves to the next plausible sub-record; false = none.
  bool recover();
  [[nodiscard]] inline std::uint64_t size_at(std::size_t at) const;

  Bytes body_;
  std::uint64_t base_;
  unsigned id_size_;
  DamageLog* damage_;
  std::size_t position_ = 0;
  std::uint64_t class_entries_ = 0;  ///< ScanBudget left, once damage was met
  bool budget_set_ = false;
};

struct InstanceDump {
  std::uint64_t id = 0;
  std::uint32_t stack_serial = 0;
  std::uint64_t class_id = 0;
  Bytes fields;  ///< own class first, then its supers
};
struct ObjectArrayDump {
  std::uint64_t id = 0;
  std::uint32_t stack_serial = 0;
  std::uint64_t class_id = 0;
  std::uint32_t length = 0;
  Bytes elements;  ///< length * id_size
};
struct PrimitiveArrayDump {
  std::uint64_t id = 0;
  std::uint32_t stack_serial = 0;
  std::uint8_t type = 0;
  std::uint32_t length = 0;
  Bytes elements;  ///< empty for primitive_array_nodata
};
/// Any root sub-record. Absent parts are 0 / no_frame.
struct RootRecord {
  static constexpr std::uint32_t no_frame = 0xFFFF'FFFFu;
  HeapTag tag{};
  std::uint64_t id = 0;
  std::uint64_t jni_reference = 0;
  std::uint32_t thread_serial = 0;  ///< valid if has_thread
  std::uint32_t stack_serial = 0;   ///< of a thread object
  std::uint32_t frame = no_frame;   ///< 0 = innermost
  bool has_thread = false;
};
struct HeapDumpInfo {
  std::uint32_t heap_type = 0;  ///< 0 default, 'A' app, 'Z' zygote, 'I' image
  std::uint64_t name_id = 0;
};
struct ClassDump {
  std::uint64_t id = 0;
  std::uint32_t stack_serial = 0;
  std::uint64_t super_id = 0, loader_id = 0, signers_id = 0, protection_domain_id = 0;
  std::uint32_t instance_size = 0;
  std::uint16_t constant_count = 0, static_count = 0, field_count = 0;
  Bytes constants;  ///< constant_count × (u2 index, u1 type, value)
  Bytes statics;    ///< static_count × (id name, u1 type, value)
  Bytes fields;     ///< field_count × (id name, u1 type)
};

/// These need a HeapRecord of the right tag from HeapReader, which has checked all sizes: they cannot fail.
[[nodiscard]] inline InstanceDump parse_instance_dump(Bytes body, unsigned id_size);
[[nodiscard]] inline ObjectArrayDump parse_object_array(Bytes body, unsigned id_size);
[[nodiscard]] inline PrimitiveArrayDump parse_primitive_array(Bytes body, unsigned id_size);
[[nodiscard]] RootRecord parse_root(const HeapRecord& record, unsigned id_size);
[[nodiscard]] HeapDumpInfo parse_heap_dump_info(Bytes body, unsigned id_size);
[[nodiscard]] ClassDump parse_class_dump(Bytes body, unsigned id_size);
/// true for every root tag, ART's included.
[[nodiscard]] bool is_root(HeapTag tag);

/// One value of ClassDump::statics or ::constants, one declaration of ::fields. Iterate with a ByteReader.
struct StaticField {
  std::uint64_t name_id = 0;
  std::uint8_t type = 0;
  std::uint64_t bits = 0;  ///< the value, zero-extended; an object's id, a float's bits
};
[[nodiscard]] StaticField read_static(ByteReader& statics, unsigned id_size);
struct Constant {
  std::uint16_t pool_index = 0;
  std::uint8_t type = 0;
  std::uint64_t bits = 0;
};
[[nodiscard]] Constant read_constant(ByteReader& constants, unsigned id_size);
struct FieldDeclaration {
  std::uint64_t name_id = 0;
  std::uint8_t type = 0;
};
[[nodiscard]] FieldDeclaration read_field(ByteReader& fields, unsigned id_size);

[[nodiscard]] inline std::uint64_t load_id(const std::byte* at, unsigned id_size) {
  return id_size == 8 ? load_be64(at) : load_be32(at);
}

// ---- the hot path, inline: a walk over a mapped dump runs at memory speed ----

inline std::uint64_t HeapReader::size_at(std::size_t at) const {
  const std::size_t left = body_.size() - at;
  const std::byte* record = body_.data() + at;
  const std::size_t id = id_size_;
  std::uint64_t size = 0;
  switch (static_cast<HeapTag>(load_u8(record))) {
    case HeapTag::instance_dump: {
      const std::size_t fixed = 1 + id + 4 + id + 4;
      if (left < fixed) return 0;
      size = fixed + std::uint64_t{load_be32(record + fixed - 4)};
      break;
    }
    case HeapTag::object_array_dump: {
      const std::size_t fixed = 1 + id + 4 + 4 + id;
      if (left < fixed) return 0;
      size = fixed + std::uint64_t{load_be32(record + 1 + id + 4)} * id;
      break;
    }
    case HeapTag::primitive_array_dump: {
      const std::size_t fixed = 1 + id + 4 + 4 + 1;
      if (left < fixed) return 0;
      const unsigned element = size_of(load_u8(record + fixed - 1), 0);
      if (element == 0) return 0;
      size = fixed + std::uint64_t{load_be32(record + 1 + id + 4)} * element;
      break;
    }
    case HeapTag::class_dump: return class_dump_size(at);
    default: return other_size(at);
  }
  return size <= left ? size : 0;
}

inline bool HeapReader::next(HeapRecord& record) {
  while (position_ < body_.size()) {
    const std::uint64_t size = size_at(position_);
    if (size != 0) {
      record.tag = static_cast<HeapTag>(load_u8(body_.data() + position_));
      record.offset = base_ + position_;
      record.body = body_.subspan(position_ + 1, static_cast<std::size_t>(size) - 1);
      position_ += static_cast<std::size_t>(size);
      return true;
    }
    if (!recover()) return false;
  }
  return false;
}

inline InstanceDump parse_instance_dump(Bytes body, unsigned id_size) {
  const std::byte* at = body.data();
  return {load_id(at, id_size), load_be32(at + id_size), load_id(at + id_size + 4, id_size),
          body.subspan(2 * std::size_t{id_size} + 8)};
}

inline ObjectArrayDump parse_object_array(Bytes body, unsigned id_size) {
  const std::byte* at = body.data();
  return {load_id(at, id_size), load_be32(at + id_size), load_id(at + id_size + 8, id_size),
          load_be32(at + id_size + 4), body.subspan(2 * std::size_t{id_size} + 8)};
}

inline PrimitiveArrayDump parse_primitive_array(Bytes body, unsigned id_size) {
  const std::byte* at = body.data();
  return {load_id(at, id_size), load_be32(at + id_size), load_u8(at + id_size + 8), load_be32(at + id_size + 4),
          body.subspan(std::size_t{id_size} + 9)};
}

}  // namespace formats::hprof
