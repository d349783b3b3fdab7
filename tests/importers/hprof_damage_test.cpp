// Damaged HPROF dumps: every truncation and every flipped byte of small dumps is imported; what was read before the
// damage stays. Run with AddressSanitizer too: the bytes lie in a block of exactly their size.
#include <gtest/gtest.h>

#include "tests/importers/imported_dump.h"
#include "tests/support/hprof_writer.h"

namespace tests {
namespace {

using importers::ImportOptions;
using importers::SizeRule;
using Type = HprofWriter::Type;

/// A dump with some of everything, small enough to be read a few thousand times.
struct Sample {
  std::string bytes;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> objects;  ///< address, offset of the end of its record
  std::uint64_t roots_end = 0;
};

Sample make_sample(unsigned id_size, bool single_record) {
  HprofWriter dump(id_size);
  Sample sample;
  // Strings first: they would be inserted before the open segment and move what is in it.
  for (const char* text : {"java/lang/Object", "java/lang/Class", "java/lang/String", "java/lang/Thread", "Node",
                           "[LNode;", "value", "coder", "name", "threadStatus", "next", "n", "HEAD", "run", "()V",
                           "Node.java", "java/lang/ref/WeakReference", "java/lang/ref/Reference", "referent"}) {
    dump.string(text);
  }
  const auto frame = dump.stack_frame({.method = "run", .source_file = "Node.java", .class_serial = 5, .line = 9});
  dump.stack_trace(2, 1, {frame});
  for (std::uint64_t i = 0; i < 8; ++i) {
    constexpr const char* names[] = {
        "java/lang/Object", "java/lang/Class",         "java/lang/String",           "java/lang/Thread", "Node",
        "[LNode;",          "java/lang/ref/Reference", "java/lang/ref/WeakReference"};
    dump.load_class(0x9000 + i * 0x100, names[i]);
  }
  if (single_record) dump.begin_heap_dump();
  const auto define = [&](HprofWriter::Class definition) {
    definition.load_record = false;
    dump.define_class(definition);
    sample.objects.emplace_back(definition.id, dump.size());
    return definition.id;
  };
  const auto object = define({.name = "", .id = 0x9000});
  define({.name = "", .id = 0x9100, .super = object});
  const auto string =
      define({.name = "", .id = 0x9200, .super = object, .fields = {{"value", Type::object}, {"coder", Type::int8}}});
  const auto thread = define(
      {.name = "", .id = 0x9300, .super = object, .fields = {{"name", Type::object}, {"threadStatus", Type::int32}}});
  const auto node = define({.name = "",
                            .id = 0x9400,
                            .super = object,
                            .fields = {{"next", Type::object}, {"n", Type::int32}},
                            .statics = {{"HEAD", Type::object, 0x2100}, {"n", Type::int16, 3}},
                            .constants = {{1, Type::int32, 5}}});
  const auto array = define({.name = "", .id = 0x9500, .super = object});
  const auto reference = define(
      {.name = "", .id = 0x9600, .super = object, .fields = {{"referent", Type::object}, {"next", Type::object}}});
  const auto weak = define({.name = "", .id = 0x9700, .super = reference});
  if (!single_record) dump.begin_segment();
  const auto add = [&](std::uint64_t address) { sample.objects.emplace_back(address, dump.size()); };
  for (std::uint64_t i = 0; i < 6; ++i)
    add(dump.instance(node, {i < 5 ? 0x2100 + (i + 1) * 0x20 : 0, i}, 0x2100 + i * 0x20));
  if (!single_record) dump.begin_segment();
  add(dump.byte_array("some text", 0x2200));
  add(dump.instance(string, {0x2200, 0}, 0x2220));
  add(dump.object_array(array, {0x2100, 0, 0x2120}, 0x2240));
  add(dump.primitive_array(Type::int64, {1, 2}, 0x2280));
  add(dump.instance(weak, {0x2100, 0}, 0x22c0));
  add(dump.instance(thread, {0x2220, 5}, 0x2300));
  dump.root_sticky_class(object);
  dump.root_thread_object(0x2300, 1, 2);
  dump.root_java_frame(0x2100, 1, 0);
  dump.root_jni_global(0x2240);
  sample.roots_end = dump.size();
  if (single_record) {
    dump.end_segment();
  } else {
    dump.heap_dump_end();
  }
  sample.bytes = dump.bytes();
  return sample;
}

/// Imports, looks at some objects, and returns what is wrong, "" when nothing is. Dumps that hold nothing are refused.
std::string import_problem(std::string_view bytes, const ImportOptions& options) {
  try {
    const ImportedDump in(bytes, options);
    if (options.histogram_only) return {};
    for (std::uint32_t i = 0; i < in.snapshot.object_count; ++i) {
      const queries::ObjectId id{i};
      (void)in.details->fields(id, 8);
      (void)in.details->text(id, 8);
      (void)in.details->reference_name(id, queries::ObjectId{0});
    }
    return in.problem();
  } catch (const formats::InputError&) {
    return {};
  }
}

class HprofDamage : public testing::TestWithParam<std::tuple<unsigned, bool>> {
 protected:
  Sample sample = make_sample(std::get<0>(GetParam()), std::get<1>(GetParam()));
};
INSTANTIATE_TEST_SUITE_P(Dumps, HprofDamage, testing::Combine(testing::Values(4u, 8u), testing::Bool()));

TEST_P(HprofDamage, TheWholeSampleHasNone) {
  const ImportedDump in(sample.bytes);
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.snapshot.damage_count, 0u);
  EXPECT_EQ(in.snapshot.dangling_references, 0u);
  EXPECT_EQ(in.snapshot.object_count, sample.objects.size());
  EXPECT_EQ(in.text(0x2220), "some text");
}

TEST_P(HprofDamage, EveryTruncationKeepsTheObjectsBeforeIt) {
  for (std::size_t size = 0; size < sample.bytes.size(); ++size) {
    SCOPED_TRACE(size);
    const std::string_view cut = std::string_view(sample.bytes).substr(0, size);
    std::vector<std::uint64_t> kept;
    for (const auto& [address, end] : sample.objects) {
      if (end <= size) kept.push_back(address);
    }
    if (kept.empty()) {
      EXPECT_THROW(ImportedDump{cut}, formats::InputError);
      continue;
    }
    const ImportedDump in(cut);
    ASSERT_EQ(in.problem(), "");
    EXPECT_EQ(in.snapshot.object_count, kept.size());
    for (const std::uint64_t address : kept) EXPECT_TRUE(in.has(address)) << std::hex << address;
    for (const queries::DamageRow& row : in.snapshot.damage) EXPECT_LE(row.offset + row.bytes, size);
    // A cut between two records of the file cannot be told from its end; one inside a heap dump can.
    if (size < sample.roots_end && size + 40 > sample.roots_end) {
      EXPECT_GE(in.snapshot.damage_count, 1u);
    }
  }
}

TEST_P(HprofDamage, EveryTruncationIsReadByEveryRule) {
  for (std::size_t size = 0; size < sample.bytes.size(); ++size) {
    const std::string_view cut = std::string_view(sample.bytes).substr(0, size);
    ASSERT_EQ(import_problem(cut, {}), "") << size;
    ASSERT_EQ(import_problem(cut, ImportOptions{.sizes = SizeRule::mat}), "") << size;
    ASSERT_EQ(import_problem(cut, ImportOptions{.histogram_only = true}), "") << size;
  }
}

TEST_P(HprofDamage, EveryFlippedByteIsRead) {
  for (std::size_t at = 0; at < sample.bytes.size(); ++at) {
    std::string flipped = sample.bytes;
    for (const int mask : {0xFF, 0x80, 0x01}) {
      flipped[at] = static_cast<char>(sample.bytes[at] ^ mask);
      ASSERT_EQ(import_problem(flipped, {}), "") << at << " ^ " << mask;
    }
    ASSERT_EQ(import_problem(flipped, ImportOptions{.sizes = SizeRule::mat}), "") << at;
    ASSERT_EQ(import_problem(flipped, ImportOptions{.histogram_only = true}), "") << at;
  }
}

TEST_P(HprofDamage, EveryFlippedBitOfTheHeapIsRead) {
  const std::size_t heap = sample.bytes.size() - 700;
  for (std::size_t at = heap; at < sample.bytes.size(); ++at) {
    std::string flipped = sample.bytes;
    for (unsigned bit = 0; bit < 8; ++bit) {
      flipped[at] = static_cast<char>(sample.bytes[at] ^ (1 << bit));
      ASSERT_EQ(import_problem(flipped, {}), "") << at << " bit " << bit;
    }
  }
}

TEST_P(HprofDamage, AnOverwrittenTagLosesLittle) {
  // The tag of every instance in turn: what comes before and what can be found behind stays.
  const std::size_t whole = sample.objects.size();
  for (std::size_t i = 8; i + 1 < sample.objects.size(); ++i) {
    std::string damaged = sample.bytes;
    const std::uint64_t tag_at = sample.objects[i].second;  // of the record behind object i
    if (sample.bytes[static_cast<std::size_t>(tag_at)] == '\x1c')
      continue;  // a segment of unknown tag is skipped whole
    damaged[static_cast<std::size_t>(tag_at)] = '\x7f';
    const ImportedDump in(damaged);
    ASSERT_EQ(in.problem(), "");
    EXPECT_GE(in.snapshot.damage_count, 1u) << i;
    for (std::size_t before = 0; before <= i; ++before) EXPECT_TRUE(in.has(sample.objects[before].first));
    EXPECT_GE(in.snapshot.object_count + 3u, whole) << i;
  }
}

TEST(HprofDamagedLengths, AHeapDumpWhoseLengthIsTooShortIsReadOn) {
  HprofWriter dump;
  dump.string("Node");
  dump.string("next");
  dump.load_class(0x9000, "Node");
  dump.begin_heap_dump();
  const auto node =
      dump.define_class({.name = "Node", .id = 0x9000, .fields = {{"next", Type::object}}, .load_record = false});
  for (std::uint64_t i = 0; i < 40; ++i) dump.instance(node, {0x9000}, 0x2000 + i * 0x20);
  dump.root_jni_global(0x2000);
  dump.end_segment_with_length(900);
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_GE(in.snapshot.damage_count, 1u);
  EXPECT_GE(in.snapshot.object_count, 40u);  // one may straddle the stated end
  EXPECT_TRUE(in.has(0x2000 + 39 * 0x20)) << "what lies behind the stated end belongs to the same dump";
}

TEST(HostileDumps, AnArrayWithoutDataOfNoElementTypeIsDamage) {
  HprofWriter dump(4, "JAVA PROFILE 1.0.3");
  const auto node = dump.define_class({.name = "Node", .id = 0x9000});
  dump.instance(node, {}, 0x2000);
  for (const unsigned type : {0u, 2u, 13u, 118u}) dump.primitive_array_nodata(Type{static_cast<std::uint8_t>(type)}, 5);
  dump.instance(node, {}, 0x3000);
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_TRUE(in.has(0x2000));
  EXPECT_GE(in.snapshot.damage_count, 1u);
}

TEST(HostileDumps, OneLongStringThatNamesEverythingStaysSmall) {
  // 60 KB of name, 2,000 classes, 2,000 frames and threads that bear it: repeated, 360 MB.
  HprofWriter dump;
  const std::string name(60'000, 'x');
  dump.begin_segment();
  const auto node = dump.define_class({.name = name, .id = 0x90000});
  dump.instance(node, {}, 0x2000);
  dump.end_segment();
  std::vector<std::uint64_t> frames;
  const auto serial = dump.load_class(0x90000, name);
  for (std::uint64_t i = 1; i < 2000; ++i) dump.load_class(0x90000 + i * 8, name);
  const auto frame = dump.stack_frame({.method = name, .signature = name, .source_file = name, .class_serial = serial});
  dump.stack_trace(1, 1, std::vector<std::uint64_t>(2000, frame));
  for (std::uint32_t i = 1; i < 2000; ++i) dump.start_thread(i, 0, 1, name);
  const std::string bytes = dump.bytes();
  const ImportedDump in(bytes);
  EXPECT_EQ(in.problem(), "");
  std::uint64_t text = 0;
  for (const queries::ClassRow& row : in.snapshot.classes) text += row.name.size();
  for (const queries::FrameRow& row : in.snapshot.frames) text += row.function.size() + row.file.size();
  for (const queries::ThreadRow& row : in.snapshot.threads) text += row.name.size();
  EXPECT_LT(text, 3 * (4 * bytes.size() + (2u << 20)));
  EXPECT_EQ(in.class_name(0x2000).size(), name.size());
}

}  // namespace
}  // namespace tests
