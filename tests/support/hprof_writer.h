// Writes HPROF files for tests, every record there is. What it writes is what a test says, sound or not.
//
//   tests::HprofWriter dump;                                      // JAVA PROFILE 1.0.2, identifiers of 8 bytes
//   const auto object = dump.define_class({.name = "java/lang/Object"});
//   const auto node = dump.define_class({.name = "Node", .super = object, .fields = {{"next", Type::object}}});
//   const auto tail = dump.instance(node, {0});
//   const auto head = dump.instance(node, {tail});
//   dump.root_jni_global(head);
//   dump.heap_dump_end();
//   const std::string bytes = dump.bytes();
//
// A heap sub-record opens a 0x1c segment if none is open; begin_heap_dump() opens a 0x0c instead. Top-level records
// made while a segment is open go in front of it, so strings and classes may be made when they are needed. Objects get
// addresses of their own unless the test gives some: 0x1000 upwards, 8-byte aligned, without gaps for arrays.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "formats/hprof.h"

namespace tests {

class HprofWriter {
 public:
  using Type = formats::hprof::Type;

  explicit HprofWriter(unsigned id_size = 8, std::string_view version = "JAVA PROFILE 1.0.2",
                       std::uint64_t timestamp_ms = 1'700'000'000'000);

  /// Closes the open segment and returns the file.
  std::string bytes();
  /// Bytes written so far: the offset of what comes next (of the next sub-record while a segment is open).
  [[nodiscard]] std::uint64_t size() const { return file_.size(); }

  // ---- top level ----

  /// A UTF8 string record; the same text gives the same id again without a record.
  std::uint64_t string(std::string_view utf8);
  void string_with_id(std::uint64_t id, std::string_view utf8);
  /// Returns the class serial number, from 1.
  std::uint32_t load_class(std::uint64_t class_id, std::string_view name, std::uint32_t stack_serial = 1);
  void unload_class(std::uint32_t class_serial);
  struct Frame {
    std::string_view method, signature = "()V", source_file = "";
    std::uint32_t class_serial = 0;
    std::int32_t line = 0;
  };
  /// Returns the frame's id.
  std::uint64_t stack_frame(const Frame& frame);
  /// Innermost frame first. Returns nothing new: the serial number is the caller's.
  void stack_trace(std::uint32_t serial, std::uint32_t thread_serial, const std::vector<std::uint64_t>& frame_ids);
  void start_thread(std::uint32_t thread_serial, std::uint64_t object_id, std::uint32_t stack_serial,
                    std::string_view name, std::string_view group = "main", std::string_view parent_group = "system");
  void end_thread(std::uint32_t thread_serial);
  void alloc_sites(const std::vector<formats::hprof::AllocSite>& sites);
  void heap_summary(std::uint32_t live_bytes, std::uint32_t live_instances, std::uint64_t allocated_bytes = 0,
                    std::uint64_t allocated_instances = 0);
  struct CpuSample {
    std::uint32_t count = 0;
    std::uint32_t stack_serial = 0;
  };
  void cpu_samples(const std::vector<CpuSample>& samples);
  void control_settings(std::uint32_t flags, std::uint16_t stack_depth);
  /// Any tag, any body.
  void record(std::uint8_t tag, std::string_view body);
  /// Bytes as they are: closes the open segment.
  void raw(std::string_view bytes);

  // ---- segments ----

  void begin_segment() { begin(0x1c); }    ///< 0x1c
  void begin_heap_dump() { begin(0x0c); }  ///< 0x0c
  /// Closes the open segment with its real length.
  void end_segment();
  /// Closes the open segment with a length of the test's choice, as dying writers do.
  void end_segment_with_length(std::uint32_t length);
  void heap_dump_end();

  // ---- classes and objects ----

  struct Field {
    std::string name;
    Type type = Type::object;
  };
  struct Static {
    std::string name;
    Type type = Type::object;
    std::uint64_t bits = 0;
  };
  struct Constant {
    std::uint16_t pool_index = 0;
    Type type = Type::object;
    std::uint64_t bits = 0;
  };
  struct Class {
    std::string name;         ///< as in the file: java/lang/String, [I, [Ljava/lang/Object;
    std::uint64_t id = 0;     ///< 0 = the next free address
    std::uint64_t super = 0;  ///< a class made by define_class, or 0
    std::uint64_t loader = 0, signers = 0, protection_domain = 0;
    std::vector<Field> fields = {};  ///< own ones
    std::vector<Static> statics = {};
    std::vector<Constant> constants = {};
    std::int64_t instance_size = -1;  ///< -1 = Σ field sizes, supers included
    bool load_record = true;          ///< LOAD_CLASS too
  };
  /// LOAD_CLASS and CLASS_DUMP; returns the class id.
  std::uint64_t define_class(const Class& definition);

  /// Values in file order: own fields first, then the super class's, … Missing ones are 0. Returns the object's id.
  std::uint64_t instance(std::uint64_t class_id, const std::vector<std::uint64_t>& values = {}, std::uint64_t id = 0);
  /// Field bytes as they are, for classes the writer does not know.
  std::uint64_t raw_instance(std::uint64_t class_id, std::string_view field_bytes, std::uint64_t id = 0);
  std::uint64_t object_array(std::uint64_t class_id, const std::vector<std::uint64_t>& elements, std::uint64_t id = 0);
  std::uint64_t primitive_array(Type type, const std::vector<std::uint64_t>& values, std::uint64_t id = 0);
  std::uint64_t byte_array(std::string_view bytes, std::uint64_t id = 0);
  std::uint64_t char_array(std::u16string_view text, std::uint64_t id = 0);
  /// Any sub-record: tag and the bytes behind it.
  void sub_record(std::uint8_t tag, std::string_view body);

  // ---- roots ----

  void root_jni_global(std::uint64_t id, std::uint64_t jni_reference = 0xbeef);
  void root_jni_local(std::uint64_t id, std::uint32_t thread_serial, std::uint32_t frame);
  void root_java_frame(std::uint64_t id, std::uint32_t thread_serial, std::uint32_t frame);
  void root_native_stack(std::uint64_t id, std::uint32_t thread_serial);
  void root_sticky_class(std::uint64_t id);
  void root_thread_block(std::uint64_t id, std::uint32_t thread_serial);
  void root_monitor_used(std::uint64_t id);
  void root_thread_object(std::uint64_t id, std::uint32_t thread_serial, std::uint32_t stack_serial);
  void root_unknown(std::uint64_t id);

  // ---- ART ----

  /// Interned string, finalizing, debugger, reference cleanup, VM internal, unreachable: an id and nothing else.
  void root_art(formats::hprof::HeapTag tag, std::uint64_t id);
  void root_jni_monitor(std::uint64_t id, std::uint32_t thread_serial, std::uint32_t frame);
  std::uint64_t primitive_array_nodata(Type type, std::uint32_t length, std::uint64_t id = 0);
  /// `heap`: 'A', 'Z', 'I' or 0.
  void heap_dump_info(std::uint32_t heap, std::string_view name);

  /// The next free address, `bytes` long.
  std::uint64_t allocate(std::uint64_t bytes);

 private:
  void begin(std::uint8_t tag);
  void open_if_needed();
  /// A body under construction.
  class Body;
  void top_level(std::uint8_t tag, const Body& body);
  void heap(formats::hprof::HeapTag tag, const Body& body);

  unsigned id_size_;
  std::string file_;
  std::size_t open_at_ = 0;  ///< offset of the open segment's tag; 0 = none
  std::uint64_t next_address_ = 0x1000;
  std::uint64_t next_string_ = 0x7f00'0000;
  std::uint32_t next_class_serial_ = 1;
  std::map<std::string, std::uint64_t, std::less<>> strings_;
  std::map<std::uint64_t, std::vector<Type>> layouts_;  ///< by class id: own fields first, then the supers'
};

}  // namespace tests
