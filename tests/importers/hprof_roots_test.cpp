// GC roots, threads and frames of imported HPROF dumps.
#include <gtest/gtest.h>

#include "formats/hprof.h"
#include "tests/importers/imported_dump.h"
#include "tests/support/hprof_writer.h"

namespace tests {
namespace {

using formats::hprof::HeapTag;
using importers::ImportOptions;
using importers::SizeRule;
using queries::RootKind;
using Type = HprofWriter::Type;
using Addresses = std::vector<std::uint64_t>;
using Texts = std::vector<std::string>;

class Roots : public testing::Test {
 protected:
  HprofWriter dump;
  std::uint64_t object = dump.define_class({.name = "java/lang/Object", .id = 0x9000});
  std::uint64_t thread_class = dump.define_class({.name = "java/lang/Thread",
                                                  .id = 0x9100,
                                                  .super = object,
                                                  .fields = {{"name", Type::object}, {"threadStatus", Type::int32}}});
  std::uint64_t string = dump.define_class({.name = "java/lang/String",
                                            .id = 0x9200,
                                            .super = object,
                                            .fields = {{"value", Type::object}, {"coder", Type::int8}}});
  std::uint64_t thread(std::uint64_t at, std::string_view name, std::uint64_t status = 5) {
    const auto text = dump.instance(string, {dump.byte_array(name), 0});
    return dump.instance(thread_class, {text, status}, at);
  }
  std::uint64_t plain(std::uint64_t at) { return dump.instance(object, {}, at); }
  /// "kind 0xaddress" of each root row, with thread and frame where there are.
  static Texts rows(const ImportedDump& in) {
    Texts texts;
    for (const queries::RootRow& row : in.snapshot.roots) {
      char text[80];
      std::snprintf(text, sizeof text, "%s 0x%llx", std::string(queries::to_text(row.kind)).c_str(),
                    static_cast<unsigned long long>(in.snapshot.addresses.address_of(row.object)));
      std::string line = text;
      if (row.thread >= 0) line += " thread " + std::to_string(row.thread);
      if (row.frame >= 0) line += " frame " + std::to_string(row.frame);
      texts.push_back(line);
    }
    return texts;
  }
};

TEST_F(Roots, OfEveryKindHoldTheirObject) {
  for (std::uint64_t at = 0x2000; at < 0x2000 + 16 * 15; at += 16) plain(at);
  dump.root_sticky_class(object);
  dump.root_unknown(0x2000);
  dump.root_jni_global(0x2010);
  dump.root_monitor_used(0x2020);
  dump.root_art(HeapTag::root_interned_string, 0x2030);
  dump.root_art(HeapTag::root_finalizing, 0x2040);
  dump.root_art(HeapTag::root_debugger, 0x2050);
  dump.root_art(HeapTag::root_reference_cleanup, 0x2060);
  dump.root_art(HeapTag::root_vm_internal, 0x2070);
  dump.root_jni_monitor(0x2080, 77, 0);
  dump.root_art(HeapTag::root_unreachable, 0x2090);
  dump.root_jni_local(0x20a0, 77, 0);  // thread 77 was never declared: the root holds its object itself
  dump.root_java_frame(0x20b0, 77, 0);
  dump.root_native_stack(0x20c0, 77);
  dump.root_thread_block(0x20d0, 77);
  dump.root_jni_global(0x2010);  // twice
  dump.root_jni_global(0xdead0);
  dump.root_jni_global(0);
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(rows(in),
            (Texts{"sticky_class 0x9000", "unknown 0x2000", "jni_global 0x2010", "monitor_used 0x2020",
                   "interned_string 0x2030", "finalizing 0x2040", "debugger 0x2050", "reference_cleanup 0x2060",
                   "vm_internal 0x2070", "jni_monitor 0x2080", "unknown 0x2090", "jni_local 0x20a0",
                   "java_frame 0x20b0", "native_stack 0x20c0", "thread_block 0x20d0", "jni_global 0x2010"}));
  EXPECT_EQ(in.direct_roots(), (Addresses{0x2000, 0x2010, 0x2020, 0x2030, 0x2040, 0x2050, 0x2060, 0x2070, 0x2080,
                                          0x20a0, 0x20b0, 0x20c0, 0x20d0, 0x9000}))
      << "all but what ART calls unreachable";
  EXPECT_FALSE(in.snapshot.roots_reconstructed);
  EXPECT_EQ(in.snapshot.dangling_references, 1u);
}

TEST_F(Roots, LocalsAreReferencesOfTheirThread) {
  thread(0x3000, "main");
  plain(0x2000);
  plain(0x2010);
  plain(0x2020);
  plain(0x2030);
  dump.root_sticky_class(object);
  dump.root_java_frame(0x2000, 1, 0);  // before the thread is declared
  dump.root_thread_object(0x3000, 1, 0);
  dump.root_jni_local(0x2010, 1, 0xFFFFFFFF);
  dump.root_native_stack(0x2020, 1);
  dump.root_thread_block(0x2030, 1);
  dump.root_java_frame(0x2000, 1, 0);
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.direct_roots(), (Addresses{0x3000, 0x9000}));
  const Texts references = in.references(0x3000);
  ASSERT_EQ(references.size(), 6u);
  EXPECT_EQ(references[0].substr(0, 6), "0 name");
  EXPECT_EQ(Texts(references.begin() + 1, references.end()),
            (Texts{"1 <Java Local> -> 0x2000", "2 <JNI Local> -> 0x2010", "3 <Native Stack> -> 0x2020",
                   "4 <Thread Block> -> 0x2030", "5 <Java Local> -> 0x2000"}));
  EXPECT_EQ(in.details->reference_name(in.id(0x3000), in.id(0x2010)), "<JNI Local>");
  EXPECT_EQ(rows(in), (Texts{"sticky_class 0x9000", "java_frame 0x2000 thread 0", "thread_object 0x3000 thread 0",
                             "jni_local 0x2010 thread 0", "native_stack 0x2020 thread 0",
                             "thread_block 0x2030 thread 0", "java_frame 0x2000 thread 0"}));
}

TEST_F(Roots, LocalsComeBehindTheSlotsOfWhateverCallsItselfAThread) {  // hostile: an array and a class
  plain(0x2000);
  dump.object_array(object, {0x2000, 0, 0x2000}, 0x3000);
  dump.root_thread_object(0x3000, 1, 0);
  dump.root_thread_object(object, 2, 0);
  dump.root_java_frame(0x2000, 1, 0);
  dump.root_java_frame(0x2000, 2, 0);
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.references(0x3000), (Texts{"0  -> 0x2000", "2  -> 0x2000", "3 <Java Local> -> 0x2000"}));
  EXPECT_EQ(in.references(object), (Texts{"4 <Java Local> -> 0x2000"}));
  EXPECT_EQ(in.details->reference_name(in.id(object), in.id(0x2000)), "<Java Local>");
}

TEST_F(Roots, AThreadWithoutAnObjectLeavesItsLocalsAsRoots) {
  plain(0x2000);
  plain(0x2010);
  dump.root_sticky_class(object);
  dump.root_thread_object(0, 1, 0);
  dump.root_java_frame(0x2000, 1, 0);
  dump.root_thread_object(0xdead0, 2, 0);
  dump.root_java_frame(0x2010, 2, 0);
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.direct_roots(), (Addresses{0x2000, 0x2010, 0x9000}));
  ASSERT_EQ(in.snapshot.threads.size(), 2u);
  EXPECT_EQ(in.snapshot.threads[0].object, queries::no_object);
  const ImportedDump mat(dump.bytes(), ImportOptions{.sizes = SizeRule::mat});  // where 0 is an object
  EXPECT_EQ(mat.problem(), "");
  EXPECT_EQ(mat.direct_roots(), (Addresses{0x2000, 0x2010, 0x9000}));
}

TEST_F(Roots, ThreadsHaveNamesStatesAndFrames) {
  const auto serial = dump.load_class(0x9300, "com/acme/Server");
  const auto inner = dump.stack_frame({.method = "read",
                                       .signature = "([BILjava/lang/String;[[Lcom/acme/Part;)I",
                                       .source_file = "Server.java",
                                       .class_serial = serial,
                                       .line = 42});
  const auto outer = dump.stack_frame({.method = "run", .class_serial = serial, .line = -3});
  dump.stack_trace(7, 1, {inner, outer, 0xdead0});
  thread(0x3000, "worker-1");
  thread(0x3100, "waiting", 0x191);
  plain(0x2000);
  plain(0x2010);
  dump.root_sticky_class(object);
  dump.root_thread_object(0x3000, 1, 7);
  dump.root_thread_object(0x3100, 2, 99);  // a stack that is not in the dump
  dump.root_java_frame(0x2000, 1, 1);
  dump.root_java_frame(0x2010, 1, 3);  // beyond the stack
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  ASSERT_EQ(in.snapshot.threads.size(), 2u);
  EXPECT_EQ(in.snapshot.threads[0].name, "worker-1");
  EXPECT_EQ(in.snapshot.threads[0].state, "RUNNABLE");
  EXPECT_EQ(in.snapshot.threads[0].stack, 7);
  EXPECT_EQ(in.snapshot.threads[1].name, "waiting");
  EXPECT_EQ(in.snapshot.threads[1].state, "WAITING");
  EXPECT_EQ(in.snapshot.threads[1].stack, -1);
  ASSERT_EQ(in.snapshot.frames.size(), 3u);
  EXPECT_EQ(in.snapshot.frames[0].function, "com.acme.Server.read(byte[], int, String, Part[][])");
  EXPECT_EQ(in.snapshot.frames[0].file, "Server.java");
  EXPECT_EQ(in.snapshot.frames[0].line, 42);
  EXPECT_EQ(in.snapshot.frames[1].function, "com.acme.Server.run()");
  EXPECT_EQ(in.snapshot.frames[1].depth, 1u);
  EXPECT_EQ(in.snapshot.frames[1].line, -3);
  EXPECT_EQ(in.snapshot.frames[2].function, "");
  EXPECT_EQ(rows(in)[3], "java_frame 0x2000 thread 0 frame 1");
  EXPECT_EQ(rows(in)[4], "java_frame 0x2010 thread 0");
}

TEST_F(Roots, StatesAreThoseOfJavaLangThread) {
  const std::pair<std::uint64_t, const char*> states[] = {
      {0, "NEW"}, {5, "RUNNABLE"}, {0x401, "BLOCKED"}, {0x91, "WAITING"}, {0xA1, "TIMED_WAITING"}, {2, "TERMINATED"}};
  std::uint32_t serial = 1;
  for (const auto& [status, name] : states) {
    thread(0x3000 + serial * 0x100, name, status);
    dump.root_thread_object(0x3000 + serial * 0x100, serial, 0);
    ++serial;
  }
  const ImportedDump in(dump.bytes());
  ASSERT_EQ(in.snapshot.threads.size(), 6u);
  for (const queries::ThreadRow& row : in.snapshot.threads) EXPECT_EQ(row.state, row.name);
}

TEST_F(Roots, StartThreadRecordsNameThreadsToo) {
  thread(0x3000, "of the object");
  plain(0x2000);
  dump.start_thread(1, 0x3000, 0, "of the record");
  dump.start_thread(2, 0, 0, "without an object");
  dump.end_thread(2);
  dump.root_sticky_class(object);
  dump.root_java_frame(0x2000, 1, 0);
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  ASSERT_EQ(in.snapshot.threads.size(), 2u);
  EXPECT_EQ(in.snapshot.threads[0].name, "of the object");
  EXPECT_EQ(in.snapshot.threads[1].name, "without an object");
  EXPECT_EQ(in.references(0x3000).back(), "1 <Java Local> -> 0x2000");
}

TEST_F(Roots, ADumpWithoutRootsGetsReconstructedOnes) {
  const auto loader_class = dump.define_class({.name = "java/lang/ClassLoader", .id = 0x9300, .super = object});
  const auto own_loader = dump.define_class({.name = "com/acme/Loader", .id = 0x9400, .super = loader_class});
  dump.instance(own_loader, {}, 0x2100);
  dump.define_class({.name = "com/acme/Plugin", .id = 0x9500, .super = object, .loader = 0x2100});
  thread(0x3000, "main");
  plain(0x2000);
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_TRUE(in.snapshot.roots_reconstructed);
  EXPECT_EQ(in.direct_roots(), (Addresses{0x2100, 0x3000, 0x9000, 0x9100, 0x9200, 0x9300, 0x9400, 0x9500}));
  for (const queries::RootRow& row : in.snapshot.roots) EXPECT_EQ(row.kind, RootKind::reconstructed);
}

TEST_F(Roots, RootsThatAreAllDanglingAreNoRoots) {
  plain(0x2000);
  dump.root_jni_global(0xdead0);
  dump.root_sticky_class(0xdead8);
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_TRUE(in.snapshot.roots_reconstructed);
  EXPECT_EQ(in.direct_roots(), (Addresses{0x9000, 0x9100, 0x9200}));
}

TEST_F(Roots, WithoutAStickyClassTheBootClassesAreRoots) {
  const auto loader_class = dump.define_class({.name = "com/acme/Loader", .id = 0x9300, .super = object});
  dump.instance(loader_class, {}, 0x2100);
  dump.define_class({.name = "com/acme/Plugin", .id = 0x9400, .super = object, .loader = 0x2100});
  plain(0x2000);
  dump.root_jni_global(0x2000);
  for (const SizeRule rule : {SizeRule::automatic, SizeRule::mat}) {
    const ImportedDump in(dump.bytes(), ImportOptions{.sizes = rule});
    EXPECT_EQ(in.problem(), "");
    EXPECT_FALSE(in.snapshot.roots_reconstructed);
    EXPECT_EQ(in.direct_roots(), (Addresses{0x2000, 0x9000, 0x9100, 0x9200, 0x9300}));
  }
}

TEST(AndroidThreads, AreNumberedByTheirTid) {
  HprofWriter dump(4, "JAVA PROFILE 1.0.3");
  const auto thread_class = dump.define_class({.name = "java.lang.Thread"});
  const auto thread = dump.instance(thread_class);
  dump.heap_dump_info('A', "app");
  dump.root_thread_object(thread, 4711, 0);
  const ImportedDump in(dump.bytes());
  EXPECT_EQ(in.problem(), "");
  ASSERT_EQ(in.snapshot.threads.size(), 1u);
  EXPECT_EQ(in.snapshot.threads[0].os_id, 4711);
}

}  // namespace
}  // namespace tests
