// Small HPROF files with at least one of every record, for the tests and as the fuzzers' seeds.
#pragma once

#include <string>

#include "tests/support/hprof_writer.h"

namespace tests {

/// Every top-level record and every sub-record the JVM writes; three segments.
inline std::string every_jvm_record(unsigned id_size) {
  using Type = HprofWriter::Type;
  HprofWriter dump(id_size);
  dump.control_settings(3, 16);
  const auto object = dump.define_class({.name = "java/lang/Object"});
  const auto holder = dump.define_class({.name = "Holder",
                                         .super = object,
                                         .fields = {{"next", Type::object},
                                                    {"z", Type::boolean},
                                                    {"c", Type::character},
                                                    {"f", Type::float32},
                                                    {"d", Type::float64},
                                                    {"b", Type::int8},
                                                    {"s", Type::int16},
                                                    {"i", Type::int32},
                                                    {"j", Type::int64}},
                                         .statics = {{"INSTANCE", Type::object, 0x1234}, {"COUNT", Type::int32, 42}},
                                         .constants = {{7, Type::int64, 0x1122334455667788}}});
  const auto array_class = dump.define_class({.name = "[Ljava/lang/Object;", .super = object});
  dump.define_class({.name = "Gone"});
  dump.unload_class(4);
  const auto frame = dump.stack_frame({.method = "run", .source_file = "Holder.java", .class_serial = 2, .line = 12});
  dump.stack_trace(1, 0, {});
  dump.stack_trace(2, 1, {frame, frame});
  dump.alloc_sites({{true, 2, 1, 16, 1, 32, 2}});
  dump.heap_summary(100, 2, 200, 4);
  dump.cpu_samples({{10, 1}, {20, 2}});
  dump.end_segment();

  const auto tail = dump.instance(holder, {0, 1, 'x', 0x3f800000, 0x3ff0000000000000, 0xff, 0xfffe, 7, 8});
  const auto head = dump.instance(holder, {tail});
  const auto array = dump.object_array(array_class, {head, tail, 0});
  for (const Type type : {Type::boolean, Type::character, Type::float32, Type::float64, Type::int8, Type::int16,
                          Type::int32, Type::int64}) {
    dump.primitive_array(type, {1, 2, 3});
  }
  dump.start_thread(1, head, 2, "main");
  dump.end_segment();

  dump.root_jni_global(array);
  dump.root_jni_local(head, 1, 0);
  dump.root_java_frame(tail, 1, 1);
  dump.root_native_stack(tail, 1);
  dump.root_sticky_class(object);
  dump.root_thread_block(tail, 1);
  dump.root_monitor_used(head);
  dump.root_thread_object(head, 1, 2);
  dump.root_unknown(tail);
  dump.heap_dump_end();
  dump.end_thread(1);
  return dump.bytes();
}

/// What ART adds, version 1.0.3, identifiers of 4 bytes.
inline std::string every_art_record() {
  using formats::hprof::HeapTag;
  HprofWriter dump(4, "JAVA PROFILE 1.0.3");
  dump.heap_dump_info('A', "app");
  const auto object = dump.define_class({.name = "java.lang.Object"});
  const auto instance = dump.instance(object);
  dump.heap_dump_info('Z', "zygote");
  dump.primitive_array_nodata(HprofWriter::Type::int8, 124);
  for (const HeapTag tag : {HeapTag::root_interned_string, HeapTag::root_finalizing, HeapTag::root_debugger,
                            HeapTag::root_reference_cleanup, HeapTag::root_vm_internal, HeapTag::root_unreachable}) {
    dump.root_art(tag, instance);
  }
  dump.root_jni_monitor(instance, 1, 0xFFFFFFFF);
  dump.heap_dump_end();
  return dump.bytes();
}

/// A list of `count` nodes in segments of `per_segment`, then its root.
inline std::string node_list(unsigned count, unsigned per_segment, unsigned id_size = 8) {
  HprofWriter dump(id_size);
  const auto object = dump.define_class({.name = "java/lang/Object"});
  const auto node =
      dump.define_class({.name = "Node", .super = object, .fields = {{"next", HprofWriter::Type::object}}});
  std::uint64_t next = 0;
  for (unsigned made = 0; made < count; ++made) {
    if (made % per_segment == 0) dump.begin_segment();
    next = dump.instance(node, {next});
  }
  dump.begin_segment();
  dump.root_jni_global(next);
  dump.heap_dump_end();
  return dump.bytes();
}

}  // namespace tests
