// Objects, classes and ids of imported HPROF dumps.
#include "importers/hprof_importer.h"

#include <gtest/gtest.h>

#include "tests/importers/imported_dump.h"
#include "tests/support/hprof_writer.h"

namespace tests {
namespace {

using importers::ImportOptions;
using queries::ClassKind;
using queries::no_class;
using queries::no_object;
using queries::ObjectKind;
using Type = HprofWriter::Type;
using Addresses = std::vector<std::uint64_t>;

class HprofImport : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(IdSize, HprofImport, testing::Values(4u, 8u), testing::PrintToStringParamName());

TEST_P(HprofImport, FindsTheImporterByTheHeader) {
  HprofWriter dump(GetParam());
  const std::string bytes = dump.bytes();
  const importers::Importer* importer = importers::find_importer(std::as_bytes(std::span(bytes)));
  ASSERT_NE(importer, nullptr);
  EXPECT_EQ(importer->name, "hprof");
  EXPECT_EQ(importers::find_importer(std::as_bytes(std::span(bytes)).subspan(1)), nullptr);
}

TEST_P(HprofImport, ClassesHaveNamesSupersLoadersAndObjects) {
  HprofWriter dump(GetParam());
  const auto object = dump.define_class({.name = "java/lang/Object"});
  const auto java_class = dump.define_class({.name = "java/lang/Class", .super = object});
  const auto loader_class = dump.define_class({.name = "com/acme/Loader", .super = object});
  const auto loader = dump.instance(loader_class);
  const auto plugin = dump.define_class({.name = "com/acme/Plugin$Part", .super = object, .loader = loader});
  const auto part = dump.instance(plugin);
  dump.root_sticky_class(plugin);
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.snapshot.format, "hprof");
  EXPECT_EQ(in.snapshot.pointer_size, GetParam());
  EXPECT_EQ(in.snapshot.taken_at_ms, 1'700'000'000'000);
  EXPECT_EQ(in.snapshot.object_count, 6u);
  EXPECT_EQ(in.class_name(part), "com.acme.Plugin$Part");
  EXPECT_EQ(in.class_name(plugin), "java.lang.Class");
  EXPECT_EQ(in.snapshot.kind_of(in.id(plugin)), ObjectKind::class_object);
  const queries::ClassRow& row = in.class_row("com.acme.Plugin$Part");
  EXPECT_EQ(row.object, in.id(plugin));
  EXPECT_EQ(row.loader, in.id(loader));
  EXPECT_EQ(row.kind, ClassKind::instance);
  EXPECT_EQ(row.source, "dump");
  EXPECT_EQ(in.snapshot.classes[index(row.super)].name, "java.lang.Object");
  EXPECT_EQ(in.class_row("java.lang.Object").super, no_class);
  EXPECT_EQ(in.class_row("java.lang.Object").loader, no_object);
  EXPECT_EQ(in.snapshot.class_of_class_object(in.id(java_class)), in.snapshot.find_class("java.lang.Class"));
  EXPECT_TRUE(
      in.snapshot.derives_from(in.snapshot.find_class("com.acme.Loader"), in.snapshot.find_class("java.lang.Object")));
}

TEST_P(HprofImport, ArraysHaveLengthKindAndElements) {
  HprofWriter dump(GetParam());
  const auto object = dump.define_class({.name = "java/lang/Object"});
  const auto objects = dump.define_class({.name = "[Ljava/lang/Object;", .super = object});
  const auto rows = dump.define_class({.name = "[[I", .super = object});
  const auto ints = dump.define_class({.name = "[I", .super = object});
  const auto numbers = dump.primitive_array(Type::int32, {1, 2, 3});
  const auto flags = dump.primitive_array(Type::boolean, {1, 0});  // boolean[] has no class in the dump
  const auto row = dump.object_array(rows, {numbers, 0, numbers});
  const auto empty = dump.object_array(objects, {});
  dump.root_jni_global(row);
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.class_name(numbers), "int[]");
  EXPECT_EQ(in.class_name(flags), "boolean[]");
  EXPECT_EQ(in.class_name(row), "int[][]");
  EXPECT_EQ(in.class_name(empty), "java.lang.Object[]");
  EXPECT_EQ(in.snapshot.kind_of(in.id(numbers)), ObjectKind::primitive_array);
  EXPECT_EQ(in.snapshot.kind_of(in.id(flags)), ObjectKind::primitive_array);
  EXPECT_EQ(in.snapshot.kind_of(in.id(row)), ObjectKind::object_array);
  EXPECT_EQ(in.snapshot.length[in.id(numbers)], 3u);
  EXPECT_EQ(in.snapshot.length[in.id(row)], 3u);
  EXPECT_EQ(in.snapshot.length[in.id(empty)], 0u);
  EXPECT_FALSE(in.snapshot.length.has(in.id(ints)));
  EXPECT_EQ(in.class_row("int[]").object, in.id(ints));
  EXPECT_EQ(in.class_row("boolean[]").object, no_object);
  EXPECT_EQ(in.class_row("boolean[]").source, "placeholder");
  char wanted[24];
  std::snprintf(wanted, sizeof wanted, "0x%llx", static_cast<unsigned long long>(numbers));
  EXPECT_EQ(in.references(row), (std::vector<std::string>{std::string("0  -> ") + wanted,  // element 1 is null
                                                          std::string("2  -> ") + wanted}));
}

TEST_P(HprofImport, ObjectsMayComeBeforeTheirClassesAndBeforeWhatTheyPointTo) {
  HprofWriter dump(GetParam());
  const std::string zeros(GetParam() - 2, '\0');  // the class is not known yet: ids by hand
  const auto head = dump.raw_instance(0x9000, zeros + "\x20\x10", 0x2000);
  const auto tail = dump.raw_instance(0x9000, zeros + std::string(2, '\0'), 0x2010);
  dump.root_jni_global(head);
  dump.define_class({.name = "Node", .id = 0x9000, .fields = {{"next", Type::object}}});
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.class_name(head), "Node");
  EXPECT_EQ(in.targets(head), Addresses{tail});
  EXPECT_EQ(in.targets(tail), Addresses{});
  EXPECT_EQ(in.snapshot.dangling_references, 0u);
}

TEST_P(HprofImport, ForwardReferencesAreResolved) {
  HprofWriter dump(GetParam());
  const auto node = dump.define_class({.name = "Node", .id = 0x9000, .fields = {{"next", Type::object}}});
  const auto first = dump.instance(node, {0x3000}, 0x2000);
  const auto second = dump.instance(node, {0x2000}, 0x3000);
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.targets(first), Addresses{second});
  EXPECT_EQ(in.targets(second), Addresses{first});
  EXPECT_EQ(in.snapshot.dangling_references, 0u);
}

TEST_P(HprofImport, IdsAreInAddressOrderWhateverTheFilesOrder) {
  HprofWriter dump(GetParam());
  const auto node = dump.define_class({.name = "Node", .id = 0x9000, .fields = {{"next", Type::object}}});
  dump.begin_segment();
  for (std::uint64_t at : {0x5000, 0x5040, 0x5020}) dump.instance(node, {0}, at);  // one descent
  dump.begin_segment();
  for (std::uint64_t at : {0x5010, 0x5030, 0x8000}) dump.instance(node, {0x5000}, at);  // interleaved with the first
  dump.begin_segment();
  for (std::uint64_t at : {0x4000, 0x3000, 0x2000}) dump.instance(node, {0x8000}, at);  // descending
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  Addresses order;
  in.snapshot.addresses.for_each([&](queries::ObjectId, std::uint64_t address) { order.push_back(address); });
  EXPECT_EQ(order, (Addresses{0x2000, 0x3000, 0x4000, 0x5000, 0x5010, 0x5020, 0x5030, 0x5040, 0x8000, 0x9000}));
  EXPECT_EQ(in.targets(0x3000), Addresses{0x8000});
  EXPECT_EQ(in.targets(0x5030), Addresses{0x5000});
}

TEST_P(HprofImport, TheFirstOfTwoRecordsWithOneIdStands) {
  HprofWriter dump(GetParam());
  const auto node = dump.define_class({.name = "Node", .id = 0x9000, .fields = {{"next", Type::object}}});
  const auto other = dump.define_class({.name = "Other", .id = 0xa000, .fields = {{"next", Type::object}}});
  dump.instance(node, {0x3000}, 0x2000);
  dump.instance(other, {0x2000}, 0x2000);
  dump.instance(node, {0}, 0x3000);
  dump.begin_segment();
  dump.instance(other, {0x3000}, 0x1000);
  dump.instance(other, {0x3000}, 0x3000);
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.snapshot.object_count, 5u);
  EXPECT_EQ(in.class_name(0x2000), "Node");
  EXPECT_EQ(in.targets(0x2000), Addresses{0x3000});
  EXPECT_EQ(in.class_name(0x3000), "Node");
}

TEST_P(HprofImport, AClassObjectWinsOverAnInstanceOfItsAddress) {
  HprofWriter dump(GetParam());
  const auto node = dump.define_class({.name = "Node", .id = 0x9000, .fields = {{"next", Type::object}}});
  dump.instance(node, {0}, 0x9000);
  dump.instance(node, {0x9000}, 0x2000);
  dump.define_class({.name = "Node", .id = 0x9000});  // a second dump of the class: the first stands
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.snapshot.object_count, 2u);
  EXPECT_TRUE(in.snapshot.is_class_object(in.id(0x9000)));
  EXPECT_EQ(in.targets(0x2000), Addresses{0x9000});
}

TEST_P(HprofImport, InstancesOfAClassThatWasNeverDumpedGetAPlaceholder) {
  HprofWriter dump(GetParam());
  dump.load_class(0x9000, "com/acme/Lost");
  dump.raw_instance(0x9000, "twelve bytes", 0x2000);
  dump.raw_instance(0x9100, "", 0x2020);  // not even a LOAD_CLASS
  dump.object_array(0x9200, {0x2000}, 0x2040);
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.class_name(0x2000), "com.acme.Lost");
  EXPECT_EQ(in.class_row("com.acme.Lost").source, "placeholder");
  EXPECT_EQ(in.class_row("com.acme.Lost").object, no_object);
  EXPECT_GE(in.shallow(0x2000), 12u);
  EXPECT_EQ(in.class_name(0x2020), "unknown-class-0x9100");
  EXPECT_EQ(in.class_name(0x2040), "unknown-class-0x9200[]");
  EXPECT_EQ(in.targets(0x2040), Addresses{0x2000});
  EXPECT_EQ(in.snapshot.object_count, 3u);
}

TEST_P(HprofImport, AMissingSuperClassEndsTheLayout) {
  HprofWriter dump(GetParam());
  dump.define_class({.name = "Node", .id = 0x9000, .super = 0x8000, .fields = {{"next", Type::object}}});
  const auto node = dump.instance(0x9000, {0x9000}, 0x2000);
  dump.define_class({.name = "Loop", .id = 0x9100, .super = 0x9200});  // supers in a circle
  dump.define_class({.name = "Pool", .id = 0x9200, .super = 0x9100});
  dump.raw_instance(0x9100, "", 0x2040);
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.targets(node), Addresses{0x9000});
  EXPECT_EQ(in.class_row("Node").super, no_class);
  EXPECT_EQ(in.class_name(0x2040), "Loop");
}

TEST_P(HprofImport, MissingStringsLeaveNamesEmpty) {
  HprofWriter dump(GetParam());
  dump.define_class({.name = "Node", .id = 0x9000, .fields = {{"next", Type::object}}, .load_record = false});
  dump.instance(0x9000, {0x9000}, 0x2000);
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.class_name(0x2000), "unknown-class-0x9000");
  EXPECT_EQ(in.targets(0x2000), Addresses{0x9000});
}

TEST_P(HprofImport, InstancesShorterOrLongerThanTheirClassKeepWhatIsThere) {
  HprofWriter dump(GetParam());
  const auto pair = dump.define_class(
      {.name = "Pair", .id = 0x9000, .fields = {{"a", Type::object}, {"b", Type::object}, {"n", Type::int32}}});
  const std::string id_9000 = std::string(GetParam() - 2, '\0') + std::string("\x90\0", 2);
  dump.raw_instance(pair, id_9000, 0x2000);                                  // a only
  dump.raw_instance(pair, id_9000 + id_9000.substr(1), 0x2020);              // b is cut
  dump.raw_instance(pair, id_9000 + id_9000 + "\0\0\0\7 and more", 0x2040);  // too long
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.targets(0x2000), Addresses{0x9000});
  EXPECT_EQ(in.targets(0x2020), Addresses{0x9000});
  EXPECT_EQ(in.targets(0x2040), (Addresses{0x9000, 0x9000}));
}

TEST(HprofImportNames, AreJavaNames) {
  HprofWriter dump;
  dump.define_class({.name = "com/acme/Main$$Lambda$14/0x0000000800c03000", .id = 0x9000});
  dump.define_class({.name = "com/acme/Main$$Lambda+0x00007f", .id = 0x9100});
  dump.define_class({.name = "[[Lcom/acme/Main;", .id = 0x9200});
  dump.define_class({.name = "[[J", .id = 0x9300});
  dump.define_class({.name = "java.lang.String[]", .id = 0x9400});  // as ART writes it
  dump.define_class({.name = "\xed\xa0\xbd\xed\xb8\x80/Gr\xc3\xb6\xc3\x9f"
                             "e\xc0\x80",
                     .id = 0x9500});
  dump.define_class({.name = "bad\xff\xe2\x82", .id = 0x9600});
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  std::vector<std::string> names;
  for (std::uint64_t at = 0x9000; at <= 0x9600; at += 0x100) {
    names.push_back(in.snapshot.classes[index(in.snapshot.class_of_class_object(in.id(at)))].name);
  }
  EXPECT_EQ(names,
            (std::vector<std::string>{"com.acme.Main$$Lambda$14/0x0000000800c03000", "com.acme.Main$$Lambda+0x00007f",
                                      "com.acme.Main[][]", "long[][]", "java.lang.String[]",
                                      std::string("\xf0\x9f\x98\x80.Gr\xc3\xb6\xc3\x9f"
                                                  "e\0",
                                                  13),
                                      "bad\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}));
}

TEST(HprofImportDumps, OneOfSeveralDumpsInAFileIsRead) {
  HprofWriter dump;
  dump.begin_heap_dump();
  const auto node = dump.define_class({.name = "Node", .id = 0x9000});
  dump.instance(node, {}, 0x2000);
  dump.begin_heap_dump();
  dump.define_class({.name = "Node", .id = 0x9000});
  dump.instance(node, {}, 0x2000);
  dump.instance(node, {}, 0x3000);
  dump.begin_segment();
  dump.define_class({.name = "Node", .id = 0x9000});
  dump.begin_segment();
  dump.instance(node, {}, 0x4000);
  dump.heap_dump_end();
  const std::string bytes = dump.bytes();
  const ImportedDump first(bytes);
  EXPECT_EQ(first.snapshot.object_count, 2u);
  EXPECT_EQ(first.meta("hprof.dump_count"), "3");
  const ImportedDump second(bytes, ImportOptions{.dump_index = 1});
  EXPECT_EQ(second.snapshot.object_count, 3u);
  EXPECT_TRUE(second.has(0x3000));
  const ImportedDump third(bytes, ImportOptions{.dump_index = 2});
  EXPECT_EQ(third.snapshot.object_count, 2u);
  EXPECT_TRUE(third.has(0x4000));
  EXPECT_EQ(third.meta("hprof.dump_index"), "2");
  EXPECT_THROW(ImportedDump(bytes, ImportOptions{.dump_index = 3}), formats::InputError);
}

TEST(HprofImportDumps, ADumpWithoutObjectsIsRefused) {
  HprofWriter header_only;
  EXPECT_THROW(ImportedDump(header_only.bytes()), formats::InputError);
  HprofWriter empty;
  empty.begin_heap_dump();
  EXPECT_THROW(ImportedDump(empty.bytes()), formats::InputError);
  HprofWriter dump;
  EXPECT_THROW(ImportedDump(std::string_view(dump.bytes()).substr(0, 25)), formats::InputError);
}

}  // namespace
}  // namespace tests
