// Every HPROF record: written, read, the same.
#include "formats/hprof.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/formats/hprof_samples.h"
#include "tests/support/hprof_walk.h"

namespace {

using namespace formats::hprof;
using formats::as_text;
using formats::Bytes;
using formats::DamageLog;
using tests::HprofWriter;

Bytes bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

/// The first record of this tag.
Record first(const std::string& file, Tag tag) {
  DamageLog damage;
  Reader reader(bytes_of(file), *read_header(bytes_of(file)), damage);
  while (const auto record = reader.next()) {
    if (record->tag == tag) return *record;
  }
  ADD_FAILURE() << "no record of this tag";
  return {};
}

/// All sub-records of a file, by tag.
std::multimap<HeapTag, HeapRecord> sub_records(const std::string& file) {
  std::multimap<HeapTag, HeapRecord> all;
  DamageLog damage;
  const Header header = *read_header(bytes_of(file));
  Reader reader(bytes_of(file), header, damage);
  while (const auto record = reader.next()) {
    if (record->tag != Tag::heap_dump && record->tag != Tag::heap_dump_segment) continue;
    HeapReader heap(record->body, record->offset + 9, header.id_size, damage);
    HeapRecord sub_record;
    while (heap.next(sub_record)) all.emplace(sub_record.tag, sub_record);
  }
  EXPECT_EQ(damage.count(), 0u);
  return all;
}

TEST(Hprof, HeaderIsReadAndOthersAreNot) {
  const std::string file = HprofWriter(4, "JAVA PROFILE 1.0.1", 1234).bytes();
  EXPECT_TRUE(looks_like(bytes_of(file)));
  const auto header = read_header(bytes_of(file));
  ASSERT_TRUE(header);
  EXPECT_EQ(header->version, "JAVA PROFILE 1.0.1");
  EXPECT_EQ(header->id_size, 4u);
  EXPECT_EQ(header->timestamp_ms, 1234u);
  EXPECT_EQ(header->size, file.size());

  EXPECT_FALSE(looks_like({}));
  EXPECT_FALSE(looks_like(bytes_of(HprofWriter(8, "JAVA PROFILE 1.0").bytes())));
  EXPECT_FALSE(looks_like(bytes_of("JAVA PROFILE 1.0.2")));  // no NUL
  EXPECT_FALSE(read_header(bytes_of(HprofWriter(2).bytes())));
  EXPECT_FALSE(read_header(bytes_of(file.substr(0, file.size() - 1))));
}

class BothIdSizes : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Hprof, BothIdSizes, testing::Values(4u, 8u));

TEST_P(BothIdSizes, EveryRecordIsReadWithoutDamage) {
  const std::string file = tests::every_jvm_record(GetParam());
  const tests::HprofWalk walk = tests::walk_hprof(bytes_of(file));
  EXPECT_EQ(walk.damage.count(), 0u);
  EXPECT_EQ(walk.used_bytes, file.size());
  for (const unsigned tag : {1, 2, 3, 4, 5, 6, 7, 10, 11, 13, 14, 0x1c, 0x2c}) {
    EXPECT_GT(walk.records[tag], 0u) << "record " << tag;
  }
  for (const unsigned tag : {1, 2, 3, 4, 5, 6, 7, 8, 0x20, 0x21, 0x22, 0x23, 0xff}) {
    EXPECT_GT(walk.sub_records[tag], 0u) << "sub-record " << tag;
  }
  EXPECT_EQ(walk.records[0x1c], 3u);
  EXPECT_EQ(walk.objects, 4u + 2 + 1 + 8);
  EXPECT_EQ(walk.roots, 9u);
}

TEST_P(BothIdSizes, TopLevelFieldsRoundTrip) {
  const unsigned id = GetParam();
  const std::string file = tests::every_jvm_record(id);
  EXPECT_EQ(as_text(parse_string(first(file, Tag::string).body, id)->utf8), "java/lang/Object");
  const LoadClass load = *parse_load_class(first(file, Tag::load_class).body, id);
  EXPECT_EQ(load.serial, 1u);
  EXPECT_EQ(load.class_id, 0x1000u);
  EXPECT_EQ(load.stack_serial, 1u);
  EXPECT_EQ(parse_unload_class(first(file, Tag::unload_class).body), 4u);
  const StackFrame frame = *parse_stack_frame(first(file, Tag::stack_frame).body, id);
  EXPECT_EQ(frame.class_serial, 2u);
  EXPECT_EQ(frame.line, 12);
  const StackTrace trace = *parse_stack_trace(first(file, Tag::stack_trace).body, id);
  EXPECT_EQ(trace.serial, 1u);
  EXPECT_EQ(trace.count, 0u);
  const AllocSites sites = *parse_alloc_sites(first(file, Tag::alloc_sites).body);
  ASSERT_EQ(sites.count, 1u);
  EXPECT_EQ(parse_alloc_site(sites.entries).allocated_instances, 2u);
  EXPECT_TRUE(parse_alloc_site(sites.entries).is_array);
  EXPECT_EQ(parse_heap_summary(first(file, Tag::heap_summary).body)->allocated_bytes, 200u);
  const StartThread thread = *parse_start_thread(first(file, Tag::start_thread).body, id);
  EXPECT_EQ(thread.thread_serial, 1u);
  EXPECT_EQ(thread.stack_serial, 2u);
  EXPECT_NE(thread.group_name_id, thread.parent_group_name_id);
  EXPECT_EQ(parse_end_thread(first(file, Tag::end_thread).body), 1u);
  const CpuSamples samples = *parse_cpu_samples(first(file, Tag::cpu_samples).body);
  EXPECT_EQ(samples.total, 30u);
  EXPECT_EQ(samples.count, 2u);
  EXPECT_EQ(parse_control_settings(first(file, Tag::control_settings).body)->stack_depth, 16u);
}

TEST_P(BothIdSizes, ShortBodiesOfTopLevelRecordsAreRefused) {
  const Bytes nothing;
  const unsigned id = GetParam();
  EXPECT_FALSE(parse_string(nothing, id));
  EXPECT_FALSE(parse_load_class(nothing, id));
  EXPECT_FALSE(parse_unload_class(nothing));
  EXPECT_FALSE(parse_stack_frame(nothing, id));
  EXPECT_FALSE(parse_stack_trace(nothing, id));
  EXPECT_FALSE(parse_start_thread(nothing, id));
  EXPECT_FALSE(parse_end_thread(nothing));
  EXPECT_FALSE(parse_heap_summary(nothing));
  EXPECT_FALSE(parse_alloc_sites(nothing));
  EXPECT_FALSE(parse_cpu_samples(nothing));
  EXPECT_FALSE(parse_control_settings(nothing));
}

TEST_P(BothIdSizes, StackTraceCountsOnlyFramesThatAreThere) {
  const unsigned id = GetParam();
  std::string body(12 + 2 * id, '\0');
  body[11] = 100;  // claims 100 frames
  const auto trace = parse_stack_trace(bytes_of(body), id);
  ASSERT_TRUE(trace);
  EXPECT_EQ(trace->count, 2u);
  EXPECT_EQ(trace->frame_ids.size(), 2 * id);
}

TEST_P(BothIdSizes, ClassDumpKeepsConstantsStaticsAndFields) {
  const unsigned id = GetParam();
  const std::string file = tests::every_jvm_record(id);
  const auto all = sub_records(file);
  auto at = all.lower_bound(HeapTag::class_dump);
  ++at;  // Holder
  const ClassDump dump = parse_class_dump(at->second.body, id);
  EXPECT_EQ(dump.super_id, 0x1000u);
  EXPECT_EQ(dump.instance_size, id + 1 + 2 + 4 + 8 + 1 + 2 + 4 + 8);
  ASSERT_EQ(dump.constant_count, 1u);
  formats::ByteReader constants(dump.constants);
  EXPECT_EQ(read_constant(constants, id).bits, 0x1122334455667788u);
  ASSERT_EQ(dump.static_count, 2u);
  formats::ByteReader statics(dump.statics);
  EXPECT_EQ(read_static(statics, id).bits, 0x1234u);
  EXPECT_EQ(read_static(statics, id).bits, 42u);
  ASSERT_EQ(dump.field_count, 9u);
  formats::ByteReader fields(dump.fields);
  std::string letters;
  for (int field = 0; field < 9; ++field) letters += letter_of(read_field(fields, id).type);
  EXPECT_EQ(letters, "LZCFDBSIJ");
}

TEST_P(BothIdSizes, ObjectsRoundTrip) {
  const unsigned id = GetParam();
  const std::string file = tests::every_jvm_record(id);
  const auto all = sub_records(file);
  const InstanceDump tail = parse_instance_dump(all.lower_bound(HeapTag::instance_dump)->second.body, id);
  EXPECT_EQ(tail.stack_serial, 1u);
  EXPECT_EQ(tail.fields.size(), id + 30u);
  EXPECT_EQ(load_id(tail.fields.data(), id), 0u);
  EXPECT_EQ(formats::load_be16(tail.fields.data() + id + 1), 'x');
  const ObjectArrayDump array = parse_object_array(all.find(HeapTag::object_array_dump)->second.body, id);
  EXPECT_EQ(array.length, 3u);
  EXPECT_EQ(array.elements.size(), 3 * id);
  EXPECT_EQ(load_id(array.elements.data() + id, id), tail.id);
  std::size_t element_bytes = 0;
  const auto [begin, end] = all.equal_range(HeapTag::primitive_array_dump);
  for (auto at = begin; at != end; ++at) element_bytes += parse_primitive_array(at->second.body, id).elements.size();
  EXPECT_EQ(element_bytes, 3u * (1 + 2 + 4 + 8 + 1 + 2 + 4 + 8));
}

TEST_P(BothIdSizes, RootsKeepThreadAndFrame) {
  const unsigned id = GetParam();
  const std::string file = tests::every_jvm_record(id);
  const auto all = sub_records(file);
  const auto root = [&](HeapTag tag) { return parse_root(all.find(tag)->second, id); };
  EXPECT_EQ(root(HeapTag::root_jni_global).jni_reference, 0xbeefu);
  EXPECT_FALSE(root(HeapTag::root_jni_global).has_thread);
  EXPECT_EQ(root(HeapTag::root_jni_local).frame, 0u);
  EXPECT_EQ(root(HeapTag::root_java_frame).frame, 1u);
  EXPECT_EQ(root(HeapTag::root_java_frame).thread_serial, 1u);
  EXPECT_EQ(root(HeapTag::root_native_stack).frame, RootRecord::no_frame);
  EXPECT_TRUE(root(HeapTag::root_native_stack).has_thread);
  EXPECT_EQ(root(HeapTag::root_thread_object).stack_serial, 2u);
  EXPECT_EQ(root(HeapTag::root_sticky_class).id, 0x1000u);
}

TEST(Hprof, ArtRecordsAreRead) {
  const std::string file = tests::every_art_record();
  const tests::HprofWalk walk = tests::walk_hprof(bytes_of(file));
  EXPECT_EQ(walk.damage.count(), 0u);
  EXPECT_EQ(walk.roots, 7u);
  EXPECT_EQ(walk.sub_records[0xfe], 2u);
  const auto all = sub_records(file);
  EXPECT_EQ(parse_heap_dump_info(all.lower_bound(HeapTag::heap_dump_info)->second.body, 4).heap_type, 'A');
  const auto nodata = parse_primitive_array(all.find(HeapTag::primitive_array_nodata)->second.body, 4);
  EXPECT_EQ(nodata.length, 124u);
  EXPECT_TRUE(nodata.elements.empty());
  const RootRecord monitor = parse_root(all.find(HeapTag::root_jni_monitor)->second, 4);
  EXPECT_EQ(monitor.frame, RootRecord::no_frame);
  EXPECT_EQ(monitor.thread_serial, 1u);
}

}  // namespace
