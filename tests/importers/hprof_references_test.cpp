// References of imported HPROF dumps: fields, statics, links of class objects, strengths.
#include <gtest/gtest.h>

#include "tests/importers/imported_dump.h"
#include "tests/support/hprof_writer.h"

namespace tests {
namespace {

using importers::ImportOptions;
using importers::SizeRule;
using queries::Strength;
using Type = HprofWriter::Type;
using Texts = std::vector<std::string>;

TEST(HprofReferences, FieldsAreNamedOwnClassFirst) {
  HprofWriter dump;
  const auto base =
      dump.define_class({.name = "Base", .id = 0x9000, .fields = {{"count", Type::int32}, {"owner", Type::object}}});
  const auto derived =
      dump.define_class({.name = "Derived",
                         .id = 0x9100,
                         .super = base,
                         .fields = {{"left", Type::object}, {"flag", Type::boolean}, {"right", Type::object}}});
  dump.instance(derived, {0x9000, 1, 0x9100, 42, 0x2000}, 0x2000);
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.references(0x2000), (Texts{"0 left -> 0x9000", "1 right -> 0x9100", "2 owner -> 0x2000"}));
  EXPECT_EQ(in.details->reference_name(in.id(0x2000), in.id(0x2000)), "owner");
  EXPECT_EQ(in.details->reference_name(in.id(0x2000), in.id(0x9000)), "left");
  std::vector<std::string> declared;
  for (const queries::FieldRow& row : in.snapshot.fields) {
    declared.push_back(in.snapshot.classes[index(row.class_id)].name + "." + in.name_of(row.name) + ":" + row.type);
  }
  std::sort(declared.begin(), declared.end());
  EXPECT_EQ(declared, (Texts{"Base.count:I", "Base.owner:L", "Derived.flag:Z", "Derived.left:L", "Derived.right:L"}));
}

TEST(HprofReferences, NullTakesASlotAndDanglingOnesAreCounted) {
  HprofWriter dump;
  const auto node = dump.define_class(
      {.name = "Node", .id = 0x9000, .fields = {{"a", Type::object}, {"b", Type::object}, {"c", Type::object}}});
  const auto array_class = dump.define_class({.name = "[LNode;", .id = 0x9100});
  dump.instance(node, {0, 0xdead0, 0x2000}, 0x2000);
  dump.object_array(array_class, {0, 0xdead0, 0x2000, 0xdead8, 0x2001}, 0x2040);
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.references(0x2000), Texts{"2 c -> 0x2000"});
  EXPECT_EQ(in.references(0x2040), Texts{"2  -> 0x2000"});
  EXPECT_EQ(in.snapshot.dangling_references, 4u);
}

TEST(HprofReferences, DanglingRootsAreCountedOnce) {
  HprofWriter dump;
  const auto thread_class = dump.define_class({.name = "java/lang/Thread", .id = 0x9000});
  dump.instance(thread_class, {}, 0x2000);
  dump.root_thread_object(0x2000, 1, 0);
  dump.root_jni_global(0xdead0);
  dump.root_java_frame(0xdead0, 1, 0);
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.snapshot.dangling_references, 2u);
}

TEST(HprofReferences, ClassObjectsReferToSuperLoaderStaticsAndConstants) {
  HprofWriter dump;
  const auto object = dump.define_class({.name = "java/lang/Object", .id = 0x9000});
  const auto loader_class = dump.define_class({.name = "Loader", .id = 0x9100, .super = object});
  dump.instance(loader_class, {}, 0x2000);
  dump.instance(object, {}, 0x2020);
  dump.instance(object, {}, 0x2040);
  dump.define_class({.name = "Holder",
                     .id = 0x9200,
                     .super = object,
                     .loader = 0x2000,
                     .signers = 0x2020,
                     .protection_domain = 0x2040,
                     .statics = {{"CACHE", Type::object, 0x2020},
                                 {"limit", Type::int32, 7},
                                 {"nothing", Type::object, 0},
                                 {"INSTANCE", Type::object, 0x9200}},
                     .constants = {{3, Type::object, 0x2040}, {4, Type::int64, 5}}});
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.references(0x9200), (Texts{"0 <super> -> 0x9000", "1 <loader> -> 0x2000", "2 <signers> -> 0x2020",
                                          "3 <protection domain> -> 0x2040", "4 CACHE -> 0x2020",
                                          "6 INSTANCE -> 0x9200", "7 <constant> -> 0x2040"}));
  Texts fields;
  for (const queries::FieldValue& field : in.details->fields(in.id(0x9200), 100)) {
    fields.push_back(field.name + ":" + field.type);
  }
  EXPECT_EQ(fields, (Texts{"<super>:L", "<loader>:L", "<signers>:L", "<protection domain>:L", "CACHE:L", "limit:I",
                           "nothing:L", "INSTANCE:L", "<constant>:L"}));
  // Eclipse MAT follows neither signers, protection domains nor constants.
  const ImportedDump mat(dump.bytes(), ImportOptions{.sizes = SizeRule::mat});
  EXPECT_EQ(mat.problem(), "");
  EXPECT_EQ(mat.references(0x9200),
            (Texts{"0 <super> -> 0x9000", "1 <loader> -> 0x2000", "4 CACHE -> 0x2020", "6 INSTANCE -> 0x9200"}));
}

TEST(HprofReferences, EclipseMatsSystemClassLoaderIsAnObjectAtAddressZero) {
  HprofWriter dump;
  const auto object = dump.define_class({.name = "java/lang/Object", .id = 0x9000});
  dump.define_class({.name = "java/lang/ClassLoader", .id = 0x9100, .super = object, .fields = {{"a", Type::object}}});
  dump.instance(object, {}, 0x2000);
  const ImportedDump mat(dump.bytes(), ImportOptions{.sizes = SizeRule::mat});
  EXPECT_EQ(mat.problem(), "");
  EXPECT_EQ(mat.snapshot.object_count, 4u);
  EXPECT_EQ(mat.class_name(0), "java.lang.ClassLoader");
  EXPECT_EQ(mat.references(0x9100), (Texts{"0 <super> -> 0x9000", "1 <loader> -> 0x0"}));
}

TEST(HprofReferences, ARecordAtAddressZeroDoesNotDisturbTheSystemClassLoader) {
  HprofWriter dump;
  const auto node = dump.define_class({.name = "Node", .id = 0x9000, .fields = {{"next", Type::object}}});
  dump.instance(node, {0x2000}, 0x2000);
  dump.primitive_array(Type::int32, {1, 2}, 0x3000);
  dump.begin_segment();
  std::string zero(8 + 4 + 8 + 4, '\0');
  zero[8 + 4 + 6] = '\x90';
  dump.sub_record(0x21, zero);  // an instance dump of id 0
  for (const SizeRule rule : {SizeRule::automatic, SizeRule::mat}) {
    const ImportedDump in(dump.bytes(), ImportOptions{.sizes = rule});
    EXPECT_EQ(in.problem(), "");
    EXPECT_EQ(in.snapshot.object_count, 4u);
    EXPECT_EQ(in.class_name(0x2000), "Node");
    EXPECT_EQ(in.class_name(0x3000), "int[]");
    EXPECT_EQ(in.references(0x2000), Texts{"0 next -> 0x2000"});
  }
}

class References : public testing::Test {
 protected:
  HprofWriter dump;
  std::uint64_t object = dump.define_class({.name = "java/lang/Object", .id = 0x9000});
  std::uint64_t reference = dump.define_class({.name = "java/lang/ref/Reference",
                                               .id = 0x9100,
                                               .super = object,
                                               .fields = {{"referent", Type::object}, {"queue", Type::object}}});
  std::uint64_t define(const char* name, std::uint64_t super) {
    return dump.define_class({.name = name, .super = super, .fields = {{"own", Type::object}}});
  }
  /// own and queue lead to `queue`, referent to `target`.
  void refer(std::uint64_t of_class, std::uint64_t at, std::uint64_t target, std::vector<std::uint64_t> before = {}) {
    before.push_back(0x2000);
    before.push_back(target);
    before.push_back(0x2000);
    dump.instance(of_class, before, at);
  }
};

TEST_F(References, ReferentsHaveTheStrengthOfTheirReferenceClass) {
  const auto soft = define("java/lang/ref/SoftReference", reference);
  const auto weak = define("java/lang/ref/WeakReference", reference);
  const auto phantom = define("java/lang/ref/PhantomReference", reference);
  const auto final_class = define("java/lang/ref/FinalReference", reference);
  const auto finalizer = define("java/lang/ref/Finalizer", final_class);
  const auto entry = define("java/util/WeakHashMap$Entry", weak);
  const auto odd = define("com/acme/OddReference", reference);
  dump.instance(object, {}, 0x2000);
  dump.instance(object, {}, 0x2010);
  refer(soft, 0x3000, 0x2010);
  refer(weak, 0x3100, 0x2010);
  refer(phantom, 0x3200, 0x2010);
  refer(final_class, 0x3300, 0x2010);
  refer(finalizer, 0x3400, 0x2010, {0x2000});
  refer(entry, 0x3500, 0x2010, {0x2000});
  refer(odd, 0x3600, 0x2010);
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  const auto strengths = [&](std::uint64_t at) {
    Texts texts;
    for (const std::string& text : in.references(at)) texts.push_back(text.substr(text.find(' ') + 1));
    return texts;
  };
  EXPECT_EQ(strengths(0x3000), (Texts{"own -> 0x2000", "referent -> 0x2010 soft", "queue -> 0x2000"}));
  EXPECT_EQ(strengths(0x3100), (Texts{"own -> 0x2000", "referent -> 0x2010 weak", "queue -> 0x2000"}));
  EXPECT_EQ(strengths(0x3200), (Texts{"own -> 0x2000", "referent -> 0x2010 phantom", "queue -> 0x2000"}));
  EXPECT_EQ(strengths(0x3300), (Texts{"own -> 0x2000", "referent -> 0x2010 final", "queue -> 0x2000"}));
  EXPECT_EQ(strengths(0x3400),
            (Texts{"own -> 0x2000", "own -> 0x2000", "referent -> 0x2010 final", "queue -> 0x2000"}));
  EXPECT_EQ(strengths(0x3500), (Texts{"own -> 0x2000", "own -> 0x2000", "referent -> 0x2010 weak", "queue -> 0x2000"}));
  EXPECT_EQ(strengths(0x3600), (Texts{"own -> 0x2000", "referent -> 0x2010 weak", "queue -> 0x2000"}));
  EXPECT_EQ(in.class_row("java.util.WeakHashMap$Entry").referent, Strength::weak);
  EXPECT_EQ(in.class_row("java.lang.ref.Finalizer").referent, Strength::final);
  EXPECT_EQ(in.class_row("java.lang.Object").referent, Strength::strong);
}

TEST_F(References, ClassesWithFinalizersAreKnownByTheirFinalizers) {
  const auto final_class = define("java/lang/ref/FinalReference", reference);
  const auto finalizer = define("java/lang/ref/Finalizer", final_class);
  const auto weak = define("java/lang/ref/WeakReference", reference);
  const auto stream = dump.define_class({.name = "com/acme/Stream", .super = object});
  const auto plain = dump.define_class({.name = "com/acme/Plain", .super = object});
  dump.instance(object, {}, 0x2000);
  dump.instance(stream, {}, 0x2010);
  dump.instance(plain, {}, 0x2020);
  refer(finalizer, 0x3000, 0x2010, {0x2000});
  refer(weak, 0x3100, 0x2020);
  const ImportedDump in(dump.bytes());
  EXPECT_TRUE(in.class_row("com.acme.Stream").has_finalizer);
  EXPECT_FALSE(in.class_row("com.acme.Plain").has_finalizer);
  EXPECT_FALSE(in.class_row("java.lang.Object").has_finalizer);
}

TEST_F(References, AFieldNamedReferentOfAnotherClassIsStrong) {
  const auto other = dump.define_class({.name = "com/acme/Reference", .fields = {{"referent", Type::object}}});
  dump.instance(other, {0x9000}, 0x2000);
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.references(0x2000), Texts{"0 referent -> 0x9000"});
}

}  // namespace
}  // namespace tests
