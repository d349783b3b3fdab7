// HPROF records: the walks and the bodies. See hprof.h for the specification, hprof_recovery.h for the way out of
// damage.
#include "formats/hprof.h"

#include <algorithm>
#include <array>
#include <string>

#include "formats/hprof_recovery.h"

namespace formats::hprof {
namespace {

constexpr std::size_t record_header = 9;  // u1 tag, u4 time, u4 length
constexpr std::string_view versions[] = {"JAVA PROFILE 1.0.1", "JAVA PROFILE 1.0.2", "JAVA PROFILE 1.0.3"};

std::string hex(std::uint8_t tag) {
  constexpr char digits[] = "0123456789abcdef";
  return {'0', 'x', digits[tag >> 4], digits[tag & 15]};
}

std::string_view version_of(Bytes head) {
  const std::string_view text = as_text(head);
  for (const std::string_view version : versions) {
    if (text.size() > version.size() && text.starts_with(version) && text[version.size()] == '\0') {
      return text.substr(0, version.size());
    }
  }
  return {};
}

}  // namespace

bool looks_like(Bytes head) { return !version_of(head).empty(); }

std::optional<Header> read_header(Bytes file) {
  Header header;
  header.version = version_of(file);
  if (header.version.empty()) return std::nullopt;
  ByteReader reader(file);
  reader.skip(header.version.size() + 1);
  header.id_size = reader.u32();
  header.timestamp_ms = reader.u64();
  header.size = reader.position();
  if (!reader.ok() || (header.id_size != 4 && header.id_size != 8)) return std::nullopt;
  return header;
}

// ---- top level ----

Reader::Reader(Bytes file, const Header& header, DamageLog& damage)
    : file_(file),
      header_(header),
      damage_(&damage),
      position_(header.size),
      class_entries_(ScanBudget::for_bytes(file.size()).entries) {}

bool Reader::leads_on(std::uint64_t at) {
  if (at == file_.size()) return true;
  if (file_.size() - at < record_header) return false;
  const std::uint8_t tag = load_u8(file_.data() + at);
  const std::uint64_t length = load_be32(file_.data() + at + 5);
  if (tag == 0x0c || tag == 0x1c) return true;  // their length may be anything: see heap_record
  if (length > file_.size() - at - record_header) return false;
  return is_known_tag(tag) || chain_at(at + record_header + length);
}

bool Reader::chain_at(std::uint64_t at) {
  ScanBudget budget{class_entries_};
  const bool found = at == file_.size() || records_from(file_, at, header_.id_size, budget);
  class_entries_ = budget.entries;
  return found;
}

std::uint64_t Reader::find_chain(std::uint64_t from) {
  ScanBudget budget{class_entries_};
  const std::uint64_t found = find_records(file_, from, header_.id_size, budget);
  class_entries_ = budget.entries;
  return found;
}

std::optional<Record> Reader::next() {
  while (position_ < file_.size()) {
    if (resume_at_ > position_) {  // found bad while looking ahead
      if (std::optional<Record> record = pass_gap(resume_at_)) return record;
      continue;
    }
    const std::uint64_t left = file_.size() - position_;
    if (left < record_header) {
      (void)pass_gap(file_.size());
      break;
    }
    const std::uint8_t tag = load_u8(file_.data() + position_);
    const std::uint64_t length = load_be32(file_.data() + position_ + 5);
    if (tag == 0x0c || tag == 0x1c) return heap_record(static_cast<Tag>(tag), length);
    const bool fits = length <= left - record_header;
    const std::uint64_t end = position_ + record_header + length;
    if (fits && is_known_tag(tag)) {
      if (!leads_on(end)) {
        // Either this length is wrong or what follows is overwritten: the next good record tells.
        const std::uint64_t good = find_chain(position_ + record_header);
        if (good < end) {
          if (std::optional<Record> record = pass_gap(good)) return record;
          continue;
        }
        resume_at_ = good;
      }
      const Record record{static_cast<Tag>(tag), position_, file_.subspan(position_ + record_header, length)};
      position_ = end;
      after_heap_ = false;
      return record;
    }
    if (fits && chain_at(end)) {
      damage_->add(position_, end - position_, "record of unknown tag " + hex(tag) + " skipped");
      position_ = end;
      after_heap_ = false;
      continue;
    }
    if (std::optional<Record> record = pass_gap(find_chain(position_ + 1))) return record;
  }
  return std::nullopt;
}

Record Reader::heap_record(Tag tag, std::uint64_t length) {
  const std::uint64_t begin = position_ + record_header;
  const std::uint64_t left = file_.size() - begin;
  if (length > left) {
    damage_->add(file_.size(), 0,
                 "heap dump ends " + std::to_string(length - left) + " bytes early: the file was cut short");
    length = left;
  } else if (length == 0 && left != 0 && !chain_at(begin)) {
    damage_->add(position_, 0, "heap dump whose length was never written: the writer died");
    length = left;
  } else if (!leads_on(begin + length)) {
    // A single 0x0c of more than 4 GiB (SA agent, jmap -F of JDK 6 to 8) keeps only the low 32 bits of its length.
    constexpr std::uint64_t wrap = std::uint64_t{1} << 32;
    for (std::uint64_t whole = length + wrap; whole <= left; whole += wrap) {
      if (chain_at(begin + whole)) {
        length = whole;
        break;
      }
    }
  }
  const Record record{tag, position_, file_.subspan(begin, length)};
  position_ = begin + length;
  after_heap_ = true;
  return record;
}

std::optional<Record> Reader::pass_gap(std::uint64_t good) {
  const std::uint64_t begin = position_;
  position_ = good;
  resume_at_ = 0;
  const std::uint8_t tag = load_u8(file_.data() + begin);
  if (after_heap_ && good - begin > record_header) {
    // The header of a segment is gone or the length of the last one was wrong: what lies here may still be objects.
    // HeapReader finds them and logs the rest.
    damage_->add(begin, 0, "no record header after a heap dump: looking for objects up to the next one");
    return Record{Tag::heap_dump_segment, begin - record_header, file_.subspan(begin, good - begin), true};
  }
  const bool cut = good == file_.size() && is_known_tag(tag);
  damage_->add(begin, good - begin,
               cut ? "record " + hex(tag) + " cut short by the end of the file"
                   : "not a record (tag " + hex(tag) + "), skipped to the next plausible one");
  return std::nullopt;
}

std::optional<StringRecord> parse_string(Bytes body, unsigned id_size) {
  if (body.size() < id_size) return std::nullopt;
  return StringRecord{load_id(body.data(), id_size), body.subspan(id_size)};
}

std::optional<LoadClass> parse_load_class(Bytes body, unsigned id_size) {
  ByteReader reader(body);
  LoadClass record;
  record.serial = reader.u32();
  record.class_id = reader.id(id_size);
  record.stack_serial = reader.u32();
  record.name_id = reader.id(id_size);
  return reader.ok() ? std::optional(record) : std::nullopt;
}

std::optional<std::uint32_t> parse_unload_class(Bytes body) {
  ByteReader reader(body);
  const std::uint32_t serial = reader.u32();
  return reader.ok() ? std::optional(serial) : std::nullopt;
}

std::optional<StackFrame> parse_stack_frame(Bytes body, unsigned id_size) {
  ByteReader reader(body);
  StackFrame record;
  record.id = reader.id(id_size);
  record.method_name_id = reader.id(id_size);
  record.signature_id = reader.id(id_size);
  record.source_file_id = reader.id(id_size);
  record.class_serial = reader.u32();
  record.line = static_cast<std::int32_t>(reader.u32());
  return reader.ok() ? std::optional(record) : std::nullopt;
}

std::optional<StackTrace> parse_stack_trace(Bytes body, unsigned id_size) {
  ByteReader reader(body);
  StackTrace record;
  record.serial = reader.u32();
  record.thread_serial = reader.u32();
  const std::uint32_t stated = reader.u32();
  if (!reader.ok()) return std::nullopt;
  record.count = static_cast<std::uint32_t>(std::min<std::size_t>(stated, reader.remaining() / id_size));
  record.frame_ids = reader.take(std::uint64_t{record.count} * id_size);
  return record;
}

std::optional<StartThread> parse_start_thread(Bytes body, unsigned id_size) {
  ByteReader reader(body);
  StartThread record;
  record.thread_serial = reader.u32();
  record.object_id = reader.id(id_size);
  record.stack_serial = reader.u32();
  record.name_id = reader.id(id_size);
  record.group_name_id = reader.id(id_size);
  record.parent_group_name_id = reader.id(id_size);
  return reader.ok() ? std::optional(record) : std::nullopt;
}

std::optional<std::uint32_t> parse_end_thread(Bytes body) { return parse_unload_class(body); }

std::optional<HeapSummary> parse_heap_summary(Bytes body) {
  ByteReader reader(body);
  HeapSummary record;
  record.live_bytes = reader.u32();
  record.live_instances = reader.u32();
  record.allocated_bytes = reader.u64();
  record.allocated_instances = reader.u64();
  return reader.ok() ? std::optional(record) : std::nullopt;
}

std::optional<AllocSites> parse_alloc_sites(Bytes body) {
  ByteReader reader(body);
  AllocSites record;
  record.flags = reader.u16();
  record.cutoff_ratio_bits = reader.u32();
  record.live_bytes = reader.u32();
  record.live_instances = reader.u32();
  record.allocated_bytes = reader.u64();
  record.allocated_instances = reader.u64();
  const std::uint32_t stated = reader.u32();
  if (!reader.ok()) return std::nullopt;
  record.count = static_cast<std::uint32_t>(std::min<std::size_t>(stated, reader.remaining() / 25));
  record.entries = reader.take(std::uint64_t{record.count} * 25);
  return record;
}

AllocSite parse_alloc_site(Bytes entry) {
  ByteReader reader(entry);
  AllocSite site;
  site.is_array = reader.u8() != 0;
  site.class_serial = reader.u32();
  site.stack_serial = reader.u32();
  site.live_bytes = reader.u32();
  site.live_instances = reader.u32();
  site.allocated_bytes = reader.u32();
  site.allocated_instances = reader.u32();
  return site;
}

std::optional<CpuSamples> parse_cpu_samples(Bytes body) {
  ByteReader reader(body);
  CpuSamples record;
  record.total = reader.u32();
  const std::uint32_t stated = reader.u32();
  if (!reader.ok()) return std::nullopt;
  record.count = static_cast<std::uint32_t>(std::min<std::size_t>(stated, reader.remaining() / 8));
  record.entries = reader.take(std::uint64_t{record.count} * 8);
  return record;
}

std::optional<ControlSettings> parse_control_settings(Bytes body) {
  ByteReader reader(body);
  ControlSettings record;
  record.flags = reader.u32();
  record.stack_depth = reader.u16();
  return reader.ok() ? std::optional(record) : std::nullopt;
}

// ---- heap sub-records ----

std::uint64_t HeapReader::class_dump_size(std::size_t at) const {
  std::uint64_t entries = 0;
  return measure_class_dump(body_, at, id_size_, entries);
}

std::uint64_t HeapReader::other_size(std::size_t at) const {
  const std::uint8_t tag = load_u8(body_.data() + at);
  const unsigned size = fixed_sub_record_size(tag, id_size_);
  if (size == 0 || size > body_.size() - at) return 0;
  const bool is_array = tag == static_cast<std::uint8_t>(HeapTag::primitive_array_nodata);
  if (is_array && size_of(load_u8(body_.data() + at + size - 1), 0) == 0) return 0;  // no such element type
  // An erased page (all ones) would read as a row of unknown roots.
  const bool erased = tag == static_cast<std::uint8_t>(HeapTag::root_unknown) &&
                      load_id(body_.data() + at + 1, id_size_) == (id_size_ == 8 ? ~std::uint64_t{0} : 0xFFFF'FFFFu);
  return erased ? 0 : size;
}

bool HeapReader::recover() {
  const std::uint8_t tag = load_u8(body_.data() + position_);
  ScanBudget budget{budget_set_ ? class_entries_ : ScanBudget::for_bytes(body_.size()).entries};
  const bool is_class = tag == static_cast<std::uint8_t>(HeapTag::class_dump);
  if (is_class) {  // its walk, in vain, counts too: hostile bytes could repeat it every few bytes
    std::uint64_t entries = 1;
    (void)measure_class_dump(body_, position_, id_size_, entries);
    budget.entries -= std::min(budget.entries, entries);
  }
  const bool known = is_class || tag == 0x21 || tag == 0x22 || tag == 0x23 || fixed_sub_record_size(tag, id_size_) != 0;

  std::size_t good = body_.size();
  // A body that runs over the headers of later segments (wrong length): their sub-records start right behind.
  const std::size_t behind = position_ + record_header;
  if ((tag == 0x0c || tag == 0x1c || tag == 0x2c) && behind < body_.size() &&
      sub_records_from(body_, behind, id_size_, budget)) {
    good = behind;
  } else if (budget.entries != 0) {
    good = find_sub_records(body_, position_ + 1, id_size_, budget);
  }
  class_entries_ = budget.entries;
  budget_set_ = true;

  const std::string what = known ? "heap record " + hex(tag) + (good == body_.size() ? " cut short" : " damaged")
                                 : "unknown heap record " + hex(tag);
  damage_->add(base_ + position_, good - position_, what);
  position_ = good;
  return good < body_.size();
}

bool is_root(HeapTag tag) {
  switch (tag) {
    case HeapTag::class_dump:
    case HeapTag::instance_dump:
    case HeapTag::object_array_dump:
    case HeapTag::primitive_array_dump:
    case HeapTag::primitive_array_nodata:
    case HeapTag::heap_dump_info: return false;
    default: return fixed_sub_record_size(static_cast<std::uint8_t>(tag), 8) != 0;
  }
}

RootRecord parse_root(const HeapRecord& record, unsigned id_size) {
  ByteReader reader(record.body);
  RootRecord root;
  root.tag = record.tag;
  root.id = reader.id(id_size);
  switch (record.tag) {
    case HeapTag::root_jni_global: root.jni_reference = reader.id(id_size); break;
    case HeapTag::root_jni_local:
    case HeapTag::root_java_frame:
    case HeapTag::root_jni_monitor:
      root.thread_serial = reader.u32();
      root.frame = reader.u32();
      root.has_thread = true;
      break;
    case HeapTag::root_native_stack:
    case HeapTag::root_thread_block:
      root.thread_serial = reader.u32();
      root.has_thread = true;
      break;
    case HeapTag::root_thread_object:
      root.thread_serial = reader.u32();
      root.stack_serial = reader.u32();
      root.has_thread = true;
      break;
    default: break;
  }
  return root;
}

HeapDumpInfo parse_heap_dump_info(Bytes body, unsigned id_size) {
  return {load_be32(body.data()), load_id(body.data() + 4, id_size)};
}

namespace {

// Takes `count` entries of (before_type bytes, u1 type, value) whose sizes HeapReader has checked.
Bytes take_entries(ByteReader& reader, Bytes body, std::uint16_t count, unsigned before_type, unsigned id_size) {
  const std::size_t begin = reader.position();
  for (std::uint32_t left = count; left != 0; --left) {
    reader.skip(before_type);
    reader.skip(size_of(reader.u8(), id_size));
  }
  return body.subspan(begin, reader.position() - begin);
}

std::uint64_t read_value(ByteReader& reader, std::uint8_t type, unsigned id_size) {
  switch (size_of(type, id_size)) {
    case 1: return reader.u8();
    case 2: return reader.u16();
    case 4: return reader.u32();
    case 8: return reader.u64();
    default: return 0;
  }
}

}  // namespace

ClassDump parse_class_dump(Bytes body, unsigned id_size) {
  ByteReader reader(body);
  ClassDump dump;
  dump.id = reader.id(id_size);
  dump.stack_serial = reader.u32();
  dump.super_id = reader.id(id_size);
  dump.loader_id = reader.id(id_size);
  dump.signers_id = reader.id(id_size);
  dump.protection_domain_id = reader.id(id_size);
  reader.skip(2 * std::uint64_t{id_size});  // reserved
  dump.instance_size = reader.u32();
  dump.constant_count = reader.u16();
  dump.constants = take_entries(reader, body, dump.constant_count, 2, id_size);
  dump.static_count = reader.u16();
  dump.statics = take_entries(reader, body, dump.static_count, id_size, id_size);
  dump.field_count = reader.u16();
  dump.fields = reader.take(std::uint64_t{dump.field_count} * (id_size + 1));
  return dump;
}

StaticField read_static(ByteReader& statics, unsigned id_size) {
  StaticField field;
  field.name_id = statics.id(id_size);
  field.type = statics.u8();
  field.bits = read_value(statics, field.type, id_size);
  return field;
}

Constant read_constant(ByteReader& constants, unsigned id_size) {
  Constant constant;
  constant.pool_index = constants.u16();
  constant.type = constants.u8();
  constant.bits = read_value(constants, constant.type, id_size);
  return constant;
}

FieldDeclaration read_field(ByteReader& fields, unsigned id_size) {
  FieldDeclaration field;
  field.name_id = fields.id(id_size);
  field.type = fields.u8();
  return field;
}

}  // namespace formats::hprof
