#include "formats/memray.h"

#include <algorithm>

namespace formats::memray {
namespace {

constexpr std::string_view magic{"memray\0", 7};

constexpr std::array<std::string_view, allocator_count> allocator_names{
    "unknown", "malloc",  "free", "calloc", "realloc",         "posix_memalign",  "aligned_alloc",    "memalign",
    "valloc",  "pvalloc", "mmap", "munmap", "pymalloc_malloc", "pymalloc_calloc", "pymalloc_realloc", "pymalloc_free"};

/// Version 12 has renumbered them, so that the most frequent ones fit into three bits.
constexpr std::array<Allocator, allocator_count> allocators_12{
    Allocator::unknown,         Allocator::pymalloc_free,    Allocator::pymalloc_malloc,
    Allocator::pymalloc_calloc, Allocator::pymalloc_realloc, Allocator::free,
    Allocator::malloc,          Allocator::realloc,          Allocator::calloc,
    Allocator::posix_memalign,  Allocator::aligned_alloc,    Allocator::memalign,
    Allocator::valloc,          Allocator::pvalloc,          Allocator::mmap,
    Allocator::munmap};

/// Tokens that both encodings have, in the lowest four bits.
enum Token : std::uint8_t {
  native_trace = 5,
  map_start = 6,
  segment_header = 7,
  segment_token = 8,
  thread_record = 10,
  context_switch = 12,
};
enum Token11 : std::uint8_t {
  other = 0,  // with flag 1: the end
  allocation = 1,
  allocation_with_native = 2,
  frame_index = 3,
  frame_push = 4,
  frame_pop = 9,
  memory_record = 11,
};
enum Token12 : std::uint8_t { trailer = 1, memory_record_12 = 2, code_object = 14 };
enum TokenAggregated : std::uint8_t {
  memory_snapshot = 1,
  aggregated_allocation = 2,
  python_trace = 3,
  python_frame = 4,
  aggregated_trailer = 15,
};

Allocator allocator_of(std::uint64_t id, int version) {
  if (id >= allocator_count) return Allocator::unknown;
  return version >= 12 ? allocators_12[id] : static_cast<Allocator>(id);
}

}  // namespace

bool looks_like(Bytes head) { return head.size() >= 11 && as_text(head).starts_with(magic); }

int version_of(Bytes head) { return looks_like(head) ? load_le<std::int32_t>(head.data() + magic.size()) : 0; }

std::string_view to_text(Allocator id) { return allocator_names[static_cast<std::size_t>(id)]; }

std::string_view python_allocator_text(std::uint8_t id) {
  static constexpr std::array<std::string_view, 7> names{"not known", "pymalloc", "pymalloc debug", "malloc",
                                                         "other",     "mimalloc", "mimalloc debug"};
  return id < names.size() ? names[id] : names[0];
}

std::optional<Header> read_header(Bytes file) {
  Header header;
  header.version = version_of(file);
  if (header.version < first_version || header.version > last_version) return std::nullopt;
  VarintReader reader(file);
  reader.take(magic.size() + sizeof(std::int32_t));
  if (header.version >= 12) header.python_version = reader.fixed<std::uint32_t>();
  header.has_native_traces = reader.u8() != 0;
  header.is_aggregated = reader.u8() == 1;
  reader.take(16);  // numbers of allocations and frames: 0 in aggregated ones, of no use
  header.start_ms = reader.fixed<std::int64_t>();
  header.end_ms = reader.fixed<std::int64_t>();
  header.command_line = reader.zero_terminated();
  header.process_id = reader.fixed<std::int32_t>();
  header.main_thread = reader.fixed<std::uint64_t>();
  reader.take(8);  // frames of the main thread that memray itself made
  header.python_allocator = reader.u8();
  header.traces_python_allocators = reader.u8() != 0;
  if (header.version >= 12) header.tracks_objects = reader.u8() != 0;
  if (header.version >= 13) {
    reader.zero_terminated();               // where Python's own library is
    for (int list = 0; list < 2; ++list) {  // site-packages, sys.path
      while (!reader.zero_terminated().empty()) continue;
    }
  }
  if (!reader.ok()) return std::nullopt;
  header.size = reader.position();
  return header;
}

Reader::Reader(Bytes file, const Header& header, DamageLog& damage) : reader_(file), header_(header), damage_(damage) {
  reader_.take(header.size);
}

bool Reader::next(Record& record) {
  while (!is_done_ && !reader_.at_end()) {
    record.offset = reader_.position();
    const std::uint64_t rest = reader_.remaining();
    const std::uint8_t token = reader_.u8();
    if (token == 0) {
      if (header_.version >= 12 && !header_.is_aggregated) continue;  // filler
      if (is_padding()) break;
    }
    const bool is_known = header_.is_aggregated   ? next_aggregated(token, record)
                          : header_.version >= 12 ? next_12(token, record)
                                                  : next_11(token, record);
    if (is_known && reader_.ok()) {
      is_done_ = record.kind == RecordKind::end;
      return true;
    }
    is_done_ = true;
    damage_.add(record.offset, rest, reader_.ok() ? "record of an unknown kind" : "record cut short");
    return false;
  }
  if (!is_done_) damage_.add(reader_.position(), 0, "the capture breaks off before its last record");
  is_done_ = true;
  return false;
}

/// Files are made in large pieces: what was not written is zero. Asked once: afterwards the capture is over.
bool Reader::is_padding() {
  VarintReader rest = reader_;
  const Bytes bytes = rest.take(rest.remaining());
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte == std::byte{0}; });
}

/// Kind in the low four bits, flags in the high ones.
bool Reader::next_11(std::uint8_t token, Record& record) {
  const std::uint8_t flags = token >> 4;
  switch (token & 0x0F) {
    case other: record.kind = RecordKind::end; return flags == 1;
    case allocation: read_allocation_11(flags, false, record); return true;
    case allocation_with_native: read_allocation_11(flags, true, record); return true;
    case frame_index: read_frame_11(record); return true;
    case frame_push:
      record.kind = RecordKind::frame_push;
      record.id = read_delta(last_frame_);
      return true;
    case frame_pop:
      record.kind = RecordKind::frame_pop;
      record.count = flags + 1u;
      return true;
    case memory_record:
      record.kind = RecordKind::memory;
      record.rss = reader_.varint();
      record.ms = reader_.varint();
      return true;
    default: return read_common(token & 0x0F, record);
  }
}

/// The number of leading zeroes tells the kind: 1 allocation, 01 push, 001 object, 0001 pop, else a token.
bool Reader::next_12(std::uint8_t token, Record& record) {
  if ((token & 0x80) != 0) {
    read_allocation_12(token, record);
    return true;
  }
  if ((token & 0x40) != 0) {
    record.kind = RecordKind::frame_push;
    record.id = reader_.varint();
    record.instruction_offset = reader_.signed_varint();
    return true;
  }
  if ((token & 0x20) != 0) return false;  // of a Python object: only where Header::tracks_objects
  if ((token & 0x10) != 0) {
    record.kind = RecordKind::frame_pop;
    record.count = (token & 0x0Fu) + 1;
    return true;
  }
  switch (token) {
    case trailer: record.kind = RecordKind::end; return true;
    case memory_record_12:
      record.kind = RecordKind::memory;
      record.rss = reader_.varint();
      record.ms = reader_.varint();
      return true;
    case code_object: read_code_object(record); return true;
    default: return read_common(token, record);
  }
}

bool Reader::next_aggregated(std::uint8_t token, Record& record) {
  const bool is_old = header_.version < 12;
  switch (token) {
    case memory_snapshot:
      record.kind = RecordKind::aggregated_memory;
      record.ms = reader_.fixed<std::uint64_t>();
      record.rss = reader_.fixed<std::uint64_t>();
      record.heap = reader_.fixed<std::uint64_t>();
      return true;
    case aggregated_allocation: read_aggregate(record); return true;
    case python_trace:
      record.kind = RecordKind::python_path;
      record.id = is_old ? reader_.fixed<std::uint64_t>() : reader_.varint();
      record.parent = is_old ? reader_.fixed<std::uint32_t>() : reader_.varint();
      return true;
    case python_frame:
      record.id = is_old ? reader_.fixed<std::uint64_t>() : reader_.varint();
      if (is_old) {
        record.kind = RecordKind::frame;
        record.function = reader_.zero_terminated();
        record.file = reader_.zero_terminated();
        record.line = reader_.fixed<std::int32_t>();
      } else {
        record.kind = RecordKind::python_frame;
        record.code_id = reader_.varint();
        record.instruction_offset = reader_.signed_varint();
      }
      reader_.u8();  // whether the interpreter was entered anew
      return true;
    case code_object: read_code_object(record); return !is_old;
    case aggregated_trailer: record.kind = RecordKind::end; return true;
    default: return read_common(token, record);
  }
}

bool Reader::read_common(std::uint8_t token, Record& record) {
  switch (token) {
    case native_trace:
      record.kind = RecordKind::native_frame;
      record.address = read_delta(last_instruction_);
      record.id = read_delta(last_native_);
      return true;
    case map_start: record.kind = RecordKind::memory_map; return true;
    case segment_header:
      segment_file_ = reader_.zero_terminated();
      record.kind = RecordKind::segment_file;
      record.file = segment_file_;
      record.count = 0;
      reader_.varint();  // how many segments follow
      segment_base_ = reader_.fixed<std::uint64_t>();
      record.address = segment_base_;
      return true;
    case segment_token:
      record.kind = RecordKind::segment;
      record.file = segment_file_;
      record.address = segment_base_ + reader_.fixed<std::uint64_t>();
      record.size = reader_.varint();
      return true;
    case thread_record:
      record.kind = RecordKind::thread_name;
      record.function = reader_.zero_terminated();
      return true;
    case context_switch:
      record.kind = RecordKind::thread_switch;
      record.thread = reader_.fixed<std::uint64_t>();
      return true;
    default: return false;
  }
}

void Reader::read_allocation_11(std::uint8_t flags, bool is_native, Record& record) {
  record.kind = RecordKind::allocation;
  record.allocator = allocator_of(flags, header_.version);
  record.address = read_delta(last_address_);
  record.size = is_free(record.allocator) && !is_native ? 0 : reader_.varint();
  record.native_id = is_native ? read_delta(last_native_) : 0;
}

/// 1ppppaaa: p = which of the recently used addresses, 15 = another one; a = allocator, 0 = in a byte of its own.
void Reader::read_allocation_12(std::uint8_t token, Record& record) {
  record.kind = RecordKind::allocation;
  const std::size_t place = (token >> 3) & 0x0F;
  if (place < recent_.size()) {
    record.address = recent_[(newest_ + place) % recent_.size()];
  } else {
    record.address = read_delta(last_address_) << 3;
    newest_ = (newest_ + recent_.size() - 1) % recent_.size();
    recent_[newest_] = record.address;
  }
  const std::uint8_t id = (token & 7) != 0 ? token & 7 : reader_.u8();
  record.allocator = allocator_of(id, header_.version);
  const bool has_size = !is_free(record.allocator);
  record.native_id = header_.has_native_traces && has_size ? read_delta(last_native_) : 0;
  record.size = has_size ? reader_.varint() : 0;
}

void Reader::read_frame_11(Record& record) {
  record.kind = RecordKind::frame;
  record.id = read_delta(last_frame_);
  record.function = reader_.zero_terminated();
  record.file = reader_.zero_terminated();
  record.line = static_cast<std::int64_t>(read_delta(last_line_));
}

void Reader::read_code_object(Record& record) {
  record.kind = RecordKind::code_object;
  record.id = reader_.varint();
  record.function = reader_.zero_terminated();
  record.file = reader_.zero_terminated();
  record.line = static_cast<std::int64_t>(read_delta(last_line_));
  record.line_table = reader_.take(reader_.varint());
}

/// A C++ struct as it lay in memory, 72 bytes with padding.
void Reader::read_aggregate(Record& record) {
  record.kind = RecordKind::aggregate;
  Aggregated& all = record.aggregated;
  all.thread = reader_.fixed<std::uint64_t>();
  record.allocator = allocator_of(reader_.u8(), header_.version);
  reader_.take(7);
  record.native_id = reader_.fixed<std::uint64_t>();
  all.path = reader_.fixed<std::uint64_t>();
  reader_.take(8);  // which memory map holds for the native frames
  all.peak_count = reader_.fixed<std::uint64_t>();
  all.live_count = reader_.fixed<std::uint64_t>();
  all.peak_bytes = reader_.fixed<std::uint64_t>();
  all.live_bytes = reader_.fixed<std::uint64_t>();
}

}  // namespace formats::memray
