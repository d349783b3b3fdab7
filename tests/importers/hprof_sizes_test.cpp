// Shallow sizes of imported HPROF dumps: inferred from the gaps between addresses, by layout rules, by Eclipse MAT's
// formula. The dumps are laid out as a VM of the stated flags lays objects out.
#include "importers/hprof_sizes.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/importers/imported_dump.h"
#include "tests/support/hprof_writer.h"

namespace tests {
namespace {

using importers::ImportOptions;
using importers::SizeRule;
using Type = HprofWriter::Type;

/// How a VM lays objects out.
struct Flags {
  std::uint64_t header, array_header, wide_array_header, reference, alignment;
};
constexpr Flags compressed{12, 16, 16, 4, 8};          // 64-bit, compressed oops and class pointers
constexpr Flags full_width{16, 24, 24, 8, 8};          // -XX:-UseCompressedOops, class pointers too
constexpr Flags compressed_classes{12, 16, 16, 8, 8};  // -XX:-UseCompressedOops only
constexpr Flags compact{8, 12, 16, 4, 8};              // -XX:+UseCompactObjectHeaders
constexpr Flags aligned_16{12, 16, 16, 4, 16};         // -XX:ObjectAlignmentInBytes=16

/// Writes objects one behind the other, each as long as it would be in the heap.
class Heap {
 public:
  Heap(const Flags& flags, unsigned id_size = 8) : flags_(flags), dump(id_size) {
    object = dump.define_class({.name = "java/lang/Object", .id = 0x900000});
    java_class = dump.define_class({.name = "java/lang/Class", .id = 0x900100, .super = object});
    node = dump.define_class({.name = "Node",
                              .id = 0x900200,
                              .super = object,
                              .fields = {{"next", Type::object}, {"value", Type::object}, {"n", Type::int32}}});
    flag = dump.define_class({.name = "Flag", .id = 0x900300, .super = object, .fields = {{"on", Type::boolean}}});
    pair = dump.define_class(
        {.name = "Pair", .id = 0x900400, .super = object, .fields = {{"a", Type::int32}, {"b", Type::int32}}});
    objects = dump.define_class({.name = "[Ljava/lang/Object;", .id = 0x900500, .super = object});
    // A header is believed when two classes agree.
    number = dump.define_class({.name = "Number", .id = 0x900600, .super = object, .fields = {{"n", Type::int32}}});
    wide = dump.define_class({.name = "Wide", .id = 0x900700, .super = object, .fields = {{"n", Type::int64}}});
  }
  std::uint64_t place(std::uint64_t size) {
    const std::uint64_t at = next_;
    next_ += (size + flags_.alignment - 1) / flags_.alignment * flags_.alignment;
    return at;
  }
  void fill(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      nodes.push_back(dump.instance(node, {0, object, 7}, place(flags_.header + 2 * flags_.reference + 4)));
      flags_at.push_back(dump.instance(flag, {1}, place(flags_.header + 1)));
      pairs.push_back(dump.instance(pair, {1, 2}, place(flags_.header + 8)));
      dump.instance(number, {1}, place(flags_.header + 4));
      dump.instance(wide, {1}, place(flags_.header + 8));
      const auto length = static_cast<std::uint64_t>(i % 7);
      const std::vector<std::uint64_t> elements(length, object);
      arrays.push_back(dump.object_array(objects, elements, place(flags_.array_header + length * flags_.reference)));
      const std::vector<std::uint64_t> numbers(length, 1);
      bytes.push_back(dump.primitive_array(Type::int8, numbers, place(flags_.array_header + length)));
      longs.push_back(dump.primitive_array(Type::int64, numbers, place(flags_.wide_array_header + length * 8)));
    }
    dump.instance(object, {}, place(16));  // the last of a kind has no neighbour
  }
  [[nodiscard]] std::uint64_t aligned(std::uint64_t size) const {
    return (size + flags_.alignment - 1) / flags_.alignment * flags_.alignment;
  }
  void check(const ImportedDump& in, int rounds) const {
    EXPECT_EQ(in.problem(), "");
    for (std::size_t i = 0; i < static_cast<std::size_t>(rounds); ++i) {
      const std::uint64_t length = i % 7;
      ASSERT_EQ(in.shallow(nodes[i]), aligned(flags_.header + 2 * flags_.reference + 4)) << i;
      ASSERT_EQ(in.shallow(flags_at[i]), aligned(flags_.header + 1)) << i;
      ASSERT_EQ(in.shallow(pairs[i]), aligned(flags_.header + 8)) << i;
      ASSERT_EQ(in.shallow(arrays[i]), aligned(flags_.array_header + length * flags_.reference)) << i;
      ASSERT_EQ(in.shallow(bytes[i]), aligned(flags_.array_header + length)) << i;
      ASSERT_EQ(in.shallow(longs[i]), aligned(flags_.wide_array_header + length * 8)) << i;
    }
  }

 private:
  Flags flags_;
  std::uint64_t next_ = 0x100000;

 public:
  HprofWriter dump;
  std::uint64_t object = 0, java_class = 0, node = 0, flag = 0, pair = 0, objects = 0, number = 0, wide = 0;
  std::vector<std::uint64_t> nodes, flags_at, pairs, arrays, bytes, longs;
};

class HprofSizes : public testing::TestWithParam<Flags> {};
std::string name_of_flags(const testing::TestParamInfo<Flags>& with) {
  constexpr const char* texts[] = {"Compressed", "FullWidth", "CompressedClassesOnly", "CompactHeaders", "Aligned16"};
  return texts[with.index];
}
INSTANTIATE_TEST_SUITE_P(Flags, HprofSizes,
                         testing::Values(compressed, full_width, compressed_classes, compact, aligned_16),
                         name_of_flags);

TEST_P(HprofSizes, AreInferredFromGaps) {
  Heap heap(GetParam());
  heap.fill(64);
  const ImportedDump in(heap.dump.bytes());
  heap.check(in, 64);
  EXPECT_EQ(in.meta("sizes.rule"), "gaps");
  EXPECT_EQ(in.meta("sizes.reference_bytes"), std::to_string(GetParam().reference));
  EXPECT_EQ(in.meta("sizes.alignment"), std::to_string(GetParam().alignment));
  EXPECT_EQ(in.meta("sizes.header_bytes"), std::to_string(GetParam().header));
}

TEST_P(HprofSizes, AreInferredFromAFileThatIsNotInAddressOrder) {
  // Every object goes to its own segment, the segments back to front: neighbours in the file are none in the heap.
  Heap ordered(GetParam());
  ordered.fill(64);
  const std::string bytes = ordered.dump.bytes();
  formats::DamageLog damage;
  const auto header = formats::hprof::read_header(std::as_bytes(std::span(bytes)));
  formats::hprof::Reader reader(std::as_bytes(std::span(bytes)), *header, damage);
  HprofWriter shuffled;
  std::vector<formats::hprof::HeapRecord> objects;
  while (const auto record = reader.next()) {
    if (record->tag != formats::hprof::Tag::heap_dump_segment) {
      shuffled.record(static_cast<std::uint8_t>(record->tag), formats::as_text(record->body));
      continue;
    }
    formats::hprof::HeapReader heap(record->body, record->offset + 9, 8, damage);
    for (formats::hprof::HeapRecord sub; heap.next(sub);) objects.push_back(sub);
  }
  for (auto it = objects.rbegin(); it != objects.rend(); ++it) {
    shuffled.sub_record(static_cast<std::uint8_t>(it->tag), formats::as_text(it->body));
  }
  const ImportedDump in(shuffled.bytes());
  ordered.check(in, 64);
}

TEST(HprofSizeRules, HistogramAloneEqualsTheHistogramOfAFullImport) {
  for (const SizeRule rule : {SizeRule::automatic, SizeRule::mat}) {
    for (const Flags& flags : {compressed, full_width, compact, aligned_16}) {
      Heap heap(flags);
      heap.fill(50);
      const std::string bytes = heap.dump.bytes();
      const ImportedDump full(bytes, ImportOptions{.sizes = rule});
      const ImportedDump quick(bytes, ImportOptions{.sizes = rule, .histogram_only = true});
      std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> counted;
      for (std::uint32_t i = 0; i < full.snapshot.object_count; ++i) {
        const queries::ObjectId id{i};
        if (rule == SizeRule::mat && full.snapshot.addresses.address_of(id) == 0) continue;  // made by the importer
        auto& [count, sum] = counted[full.snapshot.class_row(id).name];
        ++count;
        sum += full.snapshot.shallow[id];
      }
      std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> rows;
      for (const queries::HistogramRow& row : quick.snapshot.histogram) {
        rows[quick.snapshot.classes[index(row.class_id)].name] = {row.object_count, row.shallow_bytes};
      }
      EXPECT_EQ(rows, counted);
    }
  }
}

TEST(HprofSizeRules, HistogramOfADumpWithoutJavaLangClassCountsItsClassObjects) {
  HprofWriter dump;
  const auto node = dump.define_class({.name = "Node"});
  dump.instance(node);
  const ImportedDump in(dump.bytes(), ImportOptions{.histogram_only = true});
  ASSERT_EQ(in.snapshot.histogram.size(), 1u);
  EXPECT_EQ(in.snapshot.histogram[0].object_count, 2u);
}

TEST(HprofSizeRules, PaddingOfAContendedClassIsInheritedByItsSubclasses) {
  HprofWriter dump;
  const auto object = dump.define_class({.name = "java/lang/Object", .id = 0x900000});
  const auto thread =
      dump.define_class({.name = "Thread", .id = 0x900100, .super = object, .fields = {{"seed", Type::int64}}});
  const auto worker =
      dump.define_class({.name = "Worker", .id = 0x900200, .super = thread, .fields = {{"pool", Type::int64}}});
  const auto array = dump.define_class({.name = "[Ljava/lang/Object;", .id = 0x900300, .super = object});
  std::uint64_t at = 0x100000;
  const auto place = [&](std::uint64_t bytes) {
    at += bytes;
    return at - bytes;
  };
  for (int i = 0; i < 8; ++i) {
    dump.instance(thread, {1}, place(24 + 256));                    // 256 bytes of padding
    dump.object_array(array, {object, object}, place(16 + 2 * 4));  // says: compressed references
  }
  const auto only = dump.instance(worker, {1, 2}, place(10'000));  // one instance, and a hole behind it
  dump.instance(object, {}, place(16));
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.shallow(0x100000), 280u);
  EXPECT_EQ(in.shallow(only), 32u + 256u);
}

TEST(HprofSizeRules, IdsThatAreNoAddressesUseTheLayoutRules) {
  HprofWriter dump(4);  // the old hprof agent numbers its objects
  std::uint64_t next = 1;
  const auto object = dump.define_class({.name = "java/lang/Object", .id = next++});
  const auto pair = dump.define_class({.name = "Pair",
                                       .id = next++,
                                       .super = object,
                                       .fields = {{"a", Type::object}, {"b", Type::object}, {"c", Type::int64}}});
  std::uint64_t first = 0;
  for (int i = 0; i < 50; ++i) first = std::max(first, dump.instance(pair, {0, 0, 0}, next++));
  const auto array = dump.primitive_array(Type::int32, {1, 2, 3}, next++);
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.meta("sizes.rule"), "layout rules");
  EXPECT_EQ(in.shallow(first), 24u);  // 8 + 4 + 4 + 8
  EXPECT_EQ(in.shallow(array), 24u);  // 12 + 12
}

TEST(HprofSizeRules, MatsFormula) {
  // facts: instance align(P+R + own aligned to R per class), arrays P+R+4, class objects their statics.
  HprofWriter dump;
  const auto object = dump.define_class({.name = "java/lang/Object", .id = 0x9000});
  const auto base =
      dump.define_class({.name = "Base", .id = 0x9100, .super = object, .fields = {{"b", Type::boolean}}});
  const auto derived = dump.define_class({.name = "Derived",
                                          .id = 0x9200,
                                          .super = base,
                                          .fields = {{"c", Type::character}, {"r", Type::object}},
                                          .statics = {{"S", Type::object}, {"n", Type::int32}, {"z", Type::boolean}}});
  const auto array = dump.define_class({.name = "[LBase;", .id = 0x9300, .super = object});
  dump.instance(object, {}, 0x2000);
  dump.instance(base, {}, 0x2010);
  dump.instance(derived, {}, 0x2030);
  dump.object_array(array, {0, 0, 0}, 0x2060);
  dump.primitive_array(Type::int8, {1, 2, 3}, 0x20a0);
  dump.primitive_array(Type::int64, {1}, 0x20c8);
  const ImportedDump full(dump.bytes(), ImportOptions{.sizes = SizeRule::mat});
  EXPECT_EQ(full.problem(), "");
  EXPECT_EQ(full.shallow(0x2000), 16u);
  EXPECT_EQ(full.shallow(0x2010), 24u);
  EXPECT_EQ(full.shallow(0x2030), 40u);  // 24 + align8(2 + 8)
  EXPECT_EQ(full.shallow(0x2060), 48u);  // 20 + 3 * 8, aligned
  EXPECT_EQ(full.shallow(0x20a0), 32u);  // align8(20) + 3, aligned
  EXPECT_EQ(full.shallow(0x20c8), 32u);
  EXPECT_EQ(full.shallow(0x9200), 16u);  // 8 + 4 + 1
  EXPECT_EQ(full.shallow(0x9000), 0u);
  EXPECT_EQ(full.meta("sizes.rule"), "mat");
  // An array that starts within the full-width extent of the one before means compressed references.
  dump.object_array(array, {0, 0, 0, 0}, 0x3000);
  dump.object_array(array, {0}, 0x3020);
  const ImportedDump narrow(dump.bytes(), ImportOptions{.sizes = SizeRule::mat});
  EXPECT_EQ(narrow.shallow(0x2000), 16u);  // 8 + 4, aligned
  EXPECT_EQ(narrow.shallow(0x2010), 16u);  // 12 + align4(1)
  EXPECT_EQ(narrow.shallow(0x2030), 24u);  // 16 + align4(2 + 4)
  EXPECT_EQ(narrow.shallow(0x3000), 32u);
  EXPECT_EQ(narrow.shallow(0x3020), 24u);
}

TEST(HprofSizeRules, AlignmentIsAPowerOfTwo) {
  HprofWriter dump;
  const auto node = dump.define_class({.name = "Node", .id = 0x9000});
  dump.instance(node, {}, 0x9018);
  dump.instance(node, {}, 0x9030);  // all distances are multiples of 24
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.meta("sizes.alignment"), "8");
}

TEST(HprofSizeRules, AndroidsInstanceSizesComeFromTheClassDump) {
  HprofWriter dump(4, "JAVA PROFILE 1.0.3");
  const auto object = dump.define_class({.name = "java.lang.Object", .instance_size = 8});
  const auto node = dump.define_class({.name = "Node",
                                       .super = object,
                                       .fields = {{"next", Type::object}, {"on", Type::boolean}},
                                       .instance_size = 13});
  const auto array_class = dump.define_class({.name = "Node[]", .super = object, .instance_size = 0});
  const auto one = dump.instance(node);
  const auto array = dump.object_array(array_class, {one, one, 0});
  const auto bytes = dump.byte_array("abc");
  const auto longs = dump.primitive_array(Type::int64, {1, 2});
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.meta("sizes.rule"), "art");
  EXPECT_EQ(in.shallow(one), 16u);
  EXPECT_EQ(in.shallow(array), 24u);
  EXPECT_EQ(in.shallow(bytes), 16u);
  EXPECT_EQ(in.shallow(longs), 32u);
}

}  // namespace
}  // namespace tests
