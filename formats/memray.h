// memray's capture files, versions 11 to 13 (memray 1.11 to 1.20): every allocation of a Python process in the order in
// which they happened, or aggregated ones. Which Python function allocated is said by pushes and pops of frames per
// thread; addresses are deltas. Figures are exact. Little-endian, as every machine that memray runs on.
//
// Sources: memray's records.h, record_reader.cpp; the token bytes of version 12 were checked against captures.
// O(bytes).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/bytes.h"
#include "formats/damage_log.h"
#include "formats/varint.h"

namespace formats::memray {

inline constexpr int first_version = 11, last_version = 13;

[[nodiscard]] bool looks_like(Bytes head);
/// Of a capture of any version; 0 = none.
[[nodiscard]] int version_of(Bytes head);

enum class Allocator : std::uint8_t {
  unknown,
  malloc,
  free,
  calloc,
  realloc,
  posix_memalign,
  aligned_alloc,
  memalign,
  valloc,
  pvalloc,
  mmap,
  munmap,
  pymalloc_malloc,
  pymalloc_calloc,
  pymalloc_realloc,
  pymalloc_free,
};
inline constexpr std::size_t allocator_count = 16;
[[nodiscard]] std::string_view to_text(Allocator);  ///< "malloc", "pymalloc_calloc", …
[[nodiscard]] constexpr bool is_free(Allocator id) { return id == Allocator::free || id == Allocator::pymalloc_free; }

struct Header {
  int version = 0;
  std::uint32_t python_version = 0;  ///< PY_VERSION_HEX, 0 = not known (version 11)
  bool has_native_traces = false;
  bool is_aggregated = false;
  std::int64_t start_ms = 0, end_ms = 0;  ///< Unix time
  std::string_view command_line;
  std::int32_t process_id = 0;
  std::uint64_t main_thread = 0;
  std::uint8_t python_allocator = 0;
  bool traces_python_allocators = false;
  bool tracks_objects = false;  ///< lifetimes of Python objects (12 …): their records are not read here
  std::size_t size = 0;         ///< bytes; records follow
};
/// Nothing when the header is cut short or of another version.
[[nodiscard]] std::optional<Header> read_header(Bytes file);
[[nodiscard]] std::string_view python_allocator_text(std::uint8_t);  ///< "pymalloc", "mimalloc debug", …

enum class RecordKind : std::uint8_t {
  allocation,         ///< address, size, allocator (frees too), native_id
  frame_push,         ///< id: frame (11) or code object (12 …) with instruction_offset
  frame_pop,          ///< count
  frame,              ///< id, function, file, line: what a pushed frame is (11)
  code_object,        ///< id, function, file, line (the first), line_table (12 …)
  thread_switch,      ///< thread: whose records follow
  thread_name,        ///< function: the name of the current thread
  memory,             ///< ms since the start, rss
  native_frame,       ///< address, id: the frame that called it, 0 = none; numbered from 1 as they come
  memory_map,         ///< the segments that follow replace all before
  segment_file,       ///< file, address: where it is loaded; its segments follow
  segment,            ///< file, address, size: a mapped part of it
  python_path,        ///< aggregated: id (frame), parent; numbered from 1 as they come
  python_frame,       ///< aggregated (12 …): id (frame), code_id, instruction_offset
  aggregated_memory,  ///< aggregated: ms (Unix time), rss, heap
  aggregate,          ///< aggregated: Record::aggregated
  end,                ///< the capture is complete
};

/// Allocations of one place, thread and allocator.
struct Aggregated {
  std::uint64_t thread = 0;
  std::uint64_t path = 0;  ///< number of a python_path, 0 = none
  std::uint64_t peak_count = 0, peak_bytes = 0;
  std::uint64_t live_count = 0, live_bytes = 0;  ///< at the end
};

struct Record {
  RecordKind kind = RecordKind::end;
  std::uint64_t offset = 0;
  Allocator allocator = Allocator::unknown;
  std::uint64_t address = 0, size = 0;
  std::uint64_t id = 0, parent = 0, code_id = 0, native_id = 0;
  std::int64_t instruction_offset = 0;
  std::uint32_t count = 0;
  std::uint64_t thread = 0;
  std::uint64_t ms = 0, rss = 0, heap = 0;
  std::int64_t line = 0;
  std::string_view function, file;
  Bytes line_table;
  Aggregated aggregated;
};

/// The records of a capture. A record that makes no sense ends it, as deltas go through all of them: damage.
class Reader {
 public:
  Reader(Bytes file, const Header& header, DamageLog& damage);
  /// Fills `record`, of which only the fields of its kind mean something. false at the end.
  [[nodiscard]] bool next(Record& record);
  [[nodiscard]] std::uint64_t position() const { return reader_.position(); }

 private:
  bool next_11(std::uint8_t token, Record& record);
  bool next_12(std::uint8_t token, Record& record);
  bool next_aggregated(std::uint8_t token, Record& record);
  bool is_padding();
  bool read_common(std::uint8_t token, Record& record);
  void read_allocation_11(std::uint8_t flags, bool is_native, Record& record);
  void read_allocation_12(std::uint8_t token, Record& record);
  void read_frame_11(Record& record);
  void read_code_object(Record& record);
  void read_aggregate(Record& record);
  std::uint64_t read_delta(std::uint64_t& last) { return last += static_cast<std::uint64_t>(reader_.signed_varint()); }

  VarintReader reader_;
  Header header_;
  DamageLog& damage_;
  bool is_done_ = false;
  std::string_view segment_file_;
  std::uint64_t segment_base_ = 0;
  // what deltas are added to
  std::uint64_t last_address_ = 0, last_native_ = 0, last_instruction_ = 0, last_frame_ = 0, last_line_ = 0;
  std::array<std::uint64_t, 15> recent_{};  // addresses of allocations (12 …), a ring
  std::size_t newest_ = 0;
};

}  // namespace formats::memray
