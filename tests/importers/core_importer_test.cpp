// Cores as snapshots: what is a root and what is none, which words are references, what a report is told of a block,
// and texts of any bytes. Cores are written; what each word means is asked one by one.
#include "importers/core_importer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "formats/heap_memory.h"
#include "tests/importers/imported_dump.h"
#include "tests/support/glibc_heap_writer.h"
#include "tests/support/jemalloc_writer.h"
#include "tests/support/own_process.h"
#include "tests/support/tcmalloc_writer.h"

namespace tests {
int global_of_the_test[16] = {
    1};  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables): its symbol names a root

namespace {

using Address = std::uint64_t;
using queries::RootRow;

constexpr Address stack = 0x7ffc00000000;  // 8 KiB
constexpr Address stack_pointer = stack + 0x1000;
constexpr Address data = 0x404000;  // of /bin/program, a page
constexpr Address mapping = 0x7fff00000000;

/// A process with a glibc heap, a second thread with a stack, a program's data and memory that nobody explains.
struct NativeCore {
  explicit NativeCore(const GlibcHeapWriter& heap, CoreWriter::Thread thread = {}) : core(heap.core()) {
    core.segment(data, std::string(4096, '\0')).file(data, data + 4096, 0x3000, "/bin/program");
    core.segment(mapping, std::string(4096, '\0')).segment(stack, std::string(0x2000, '\0'));
    thread.os_id = 8;
    if (thread.stack_pointer == 0) thread.stack_pointer = stack_pointer;
    core.thread(thread).process({.id = 7});
  }
  CoreWriter core;
};

std::string hex(Address address) { return formats::hex_text(address); }

/// "stack thread 1 sp+0x10" of every root of the block.
std::vector<std::string> roots_of(const ImportedDump& in, Address block) {
  std::vector<std::string> all;
  for (const RootRow& root : in.snapshot.roots) {
    if (root.object != in.id(block)) continue;
    std::string text(queries::to_text(root.kind));
    if (root.thread >= 0) text += " thread " + std::to_string(root.thread);
    if (const std::string name = in.name_of(root.name); !name.empty()) text += " " + name;
    all.push_back(std::move(text));
  }
  return all;
}

using Roots = std::vector<std::string>;

// ---- roots ----

TEST(CoreRoots, GeneralAndVectorRegistersHoldBlocks) {
  GlibcHeapWriter heap;
  const Address general = heap.used(40);
  const Address vector = heap.used(40);
  CoreWriter::Thread thread;
  thread.registers = {general + 8};  // r15, into the block
  thread.vector_registers = std::string(160, '\0');
  thread.vector_registers.append(reinterpret_cast<const char*>(&vector), sizeof vector).append(8, '\0');
  const ImportedDump in(NativeCore(heap, thread).core.bytes());
  EXPECT_EQ(roots_of(in, general), (Roots{"register thread 1"}));
  EXPECT_EQ(roots_of(in, vector), (Roots{"register thread 1"}));
  EXPECT_EQ(in.problem(), "");
}

TEST(CoreRoots, AStackHoldsBlocksFromItsPointerUpAndInTheRedZone) {
  GlibcHeapWriter heap;
  const Address live = heap.used(40), top = heap.used(40), zone = heap.used(40), dead = heap.used(40);
  const Address unaligned = heap.used(40);
  NativeCore made(heap);
  made.core.word(stack_pointer + 0x10, live).word(stack + 0x2000 - 8, top);
  made.core.word(stack_pointer - 128, zone).word(stack_pointer - 136, dead);
  made.core.word(stack_pointer + 0x24, unaligned);
  const ImportedDump in(made.core.bytes());
  EXPECT_EQ(roots_of(in, live), (Roots{"stack thread 1 sp+0x10"}));
  EXPECT_EQ(roots_of(in, top), (Roots{"stack thread 1 sp+0xff8"}));
  EXPECT_EQ(roots_of(in, zone), (Roots{"stack thread 1 sp-0x80"}));
  EXPECT_EQ(roots_of(in, dead), Roots{});
  EXPECT_EQ(roots_of(in, unaligned), Roots{});
}

TEST(CoreRoots, AFrameOwnsItsWords) {
  GlibcHeapWriter heap;
  const Address block = heap.used(40);
  NativeCore made(heap, {.program_counter = data + 0x10});
  made.core.word(stack_pointer + 8, block);
  const ImportedDump in(made.core.bytes());
  const auto root = std::find_if(in.snapshot.roots.begin(), in.snapshot.roots.end(),
                                 [&](const RootRow& row) { return row.object == in.id(block); });
  ASSERT_NE(root, in.snapshot.roots.end());
  const std::int64_t stack_id = in.snapshot.threads[1].stack;
  if (root->frame >= 0) {  // which words a frame owns is told by the unwinder, tested beside it
    const queries::FrameRow& frame = in.snapshot.frames[static_cast<std::size_t>(root->frame)];
    EXPECT_EQ(frame.stack, stack_id);
    EXPECT_EQ(frame.depth, 0u);
  }
  const auto frames = std::count_if(in.snapshot.frames.begin(), in.snapshot.frames.end(),
                                    [&](const queries::FrameRow& row) { return row.stack == stack_id; });
  EXPECT_GE(frames, 1);
}

TEST(CoreRoots, StaticDataIsNamedByItsFileAndByItsSymbol) {
  GlibcHeapWriter heap;
  const Address by_file = heap.used(40), by_symbol = heap.used(40);
  NativeCore made(heap);
  made.core.word(data + 0x18, by_file);
  const auto own = formats::ModuleFile::open("", own_path());
  ASSERT_TRUE(own);
  add_module(made.core, own->headers(), own_bias(), own_path(), own_first_page());
  made.core.word(address_of(&global_of_the_test[0]), by_symbol);
  const ImportedDump in(made.core.bytes());
  EXPECT_EQ(roots_of(in, by_file), (Roots{"static program+0x18"}));
  EXPECT_EQ(roots_of(in, by_symbol), (Roots{"static tests::global_of_the_test"}));
}

TEST(CoreRoots, ThreadLocalDataAndOtherMemoryHoldBlocks) {
  GlibcHeapWriter heap;
  const Address local = heap.used(40), other = heap.used(40);
  NativeCore made(heap, {.thread_pointer = stack + 0x1800});
  made.core.word(mapping + 0x20, other);
  made.core.word(stack + 0x1800 + 0x10, local);
  const ImportedDump in(made.core.bytes());
  EXPECT_EQ(roots_of(in, local), (Roots{"thread_local thread 1 tls+0x10"}));
  EXPECT_EQ(roots_of(in, other), (Roots{"mapped_memory 0x7fff00000020"}));
}

/// No red zone, 34 registers, thread-local data above the thread pointer and what glibc knows of the thread below.
TEST(CoreRoots, OnAArch64EverythingIsFoundByItsOwnRules) {
  GlibcHeapWriter heap({.machine = CoreWriter::Machine::aarch64});
  const Address in_register = heap.used(40), live = heap.used(40), zone = heap.used(40), local = heap.used(40);
  const Address cached = heap.cached(104), from = heap.used(40);
  heap.poke(from, in_register);
  CoreWriter::Thread thread;
  thread.registers = {0, in_register};  // x1
  thread.stack_pointer = stack + 0x200;
  thread.thread_pointer = stack + 0x1800;
  NativeCore made(heap, thread);
  made.core.word(stack + 0x210, live).word(stack + 0x1f8, zone).word(stack + 0x1840, local);
  const ImportedDump in(made.core.bytes());
  EXPECT_EQ(in.meta("core.machine"), "AArch64");
  EXPECT_EQ(roots_of(in, in_register), (Roots{"register thread 1"}));
  EXPECT_EQ(roots_of(in, live), (Roots{"stack thread 1 sp+0x10"}));
  EXPECT_EQ(roots_of(in, zone), Roots{});
  EXPECT_EQ(roots_of(in, local), (Roots{"thread_local thread 1 tls+0x40"}));
  EXPECT_EQ(in.targets(from), (std::vector{in_register}));
  EXPECT_FALSE(in.has(cached));
  EXPECT_EQ(roots_of(in, heap.tcache()), (Roots{"thread_local thread 0 tls+0x40", "allocator cache of thread 7"}));
  EXPECT_EQ(in.problem(), "");
}

TEST(CoreRoots, FreeBlocksAndTheAllocatorsOwnMemoryHoldNothing) {
  GlibcHeapWriter heap;
  const Address held_by_free = heap.used(40), held_by_cached = heap.used(40), held_by_top = heap.used(40);
  const Address free_block = heap.free(200);
  const Address cached = heap.cached(104);
  const Address last = heap.used(40);
  heap.poke(free_block + 64, held_by_free);
  heap.poke(cached + 64, held_by_cached);
  heap.poke(last + 40 + 64, held_by_top);
  const ImportedDump in(NativeCore(heap).core.bytes());
  for (const Address block : {held_by_free, held_by_cached, held_by_top}) {
    EXPECT_EQ(roots_of(in, block), Roots{}) << hex(block);
  }
  EXPECT_FALSE(in.has(free_block));
  EXPECT_FALSE(in.has(cached));
  EXPECT_EQ(in.snapshot.references.target.size(), 0u);
  EXPECT_EQ(roots_of(in, heap.tcache()), (Roots{"thread_local thread 0 tls-0x40", "allocator cache of thread 7"}));
}

TEST(CoreRoots, ThreadsOnOneStackShareItsWordsAmongThem) {
  GlibcHeapWriter heap;
  const Address low = heap.used(40), high = heap.used(40);
  NativeCore made(heap, {.stack_pointer = stack + 0x800});
  for (int i = 0; i < 200; ++i) made.core.thread({.os_id = 9 + i, .stack_pointer = stack + 0x1000});
  made.core.word(stack + 0x900, low).word(stack + 0x1100, high);
  const ImportedDump in(made.core.bytes());
  EXPECT_EQ(roots_of(in, low), (Roots{"stack thread 1 sp+0x100"}));
  EXPECT_EQ(roots_of(in, high), (Roots{"stack thread 2 sp+0x100"}));  // once: of the first that begins there
}

// ---- references ----

TEST(CoreReferences, AreAlignedWordsThatPointIntoAnotherUsedBlock) {
  GlibcHeapWriter heap;
  const Address from = heap.used(104), exact = heap.used(40), inside = heap.used(40), not_held = heap.used(40);
  const Address freed = heap.free(200);
  heap.used(40);
  heap.poke(from, exact);
  heap.poke(from + 24, inside + 39);
  heap.poke(from + 36, not_held);  // unaligned
  heap.poke(from + 48, from + 8);  // itself
  heap.poke(from + 56, freed);
  heap.poke(from + 64, inside + 40);  // the header of the next chunk: past the end
  heap.poke(from + 96, exact + 8);    // the last word, in the next chunk's header
  const ImportedDump in(NativeCore(heap).core.bytes());
  EXPECT_EQ(in.references(from),
            (std::vector<std::string>{"0 +0x0 -> " + hex(exact), "3 +0x18 -> " + hex(inside) + " uncertain",
                                      "12 +0x60 -> " + hex(exact) + " uncertain"}));
  EXPECT_EQ(in.problem(), "");
}

TEST(CoreReferences, TheDeadPartOfAVectorHoldsNothing) {
  GlibcHeapWriter heap;
  const Address body = heap.used(88), live = heap.used(40), dead = heap.used(40);
  heap.poke(body, live);
  heap.poke(body + 16, dead);
  NativeCore made(heap);
  made.core.word(data + 0x80, body).word(data + 0x88, body + 16).word(data + 0x90, body + 80);
  const ImportedDump in(made.core.bytes());
  EXPECT_EQ(in.class_name(body), "std::vector body of static data of program");
  EXPECT_EQ(in.targets(body), (std::vector{live}));
  ASSERT_EQ(in.details->fields(in.id(body), 16).size(), 1u);
  EXPECT_EQ(in.details->reference_name(in.id(body), in.id(dead)), "");
}

/// Blocks without headers lie one behind the other: where a full vector ends, the next begins.
TEST(CoreReferences, TheEndOfAFullVectorIsNoReferenceToTheNextBlock) {
  TcmallocWriter heap;
  const Address owner = heap.span({.size_class = 4});  // 48 bytes each
  const Address body = heap.span({.size_class = 5});   // 64 bytes each
  const Address next = body + 64;
  const Address other = body + 128;
  heap.thread_cache({});
  heap.word(body, other).word(next, 0);
  heap.word(owner, body).word(owner + 8, body + 64).word(owner + 16, body + 64);
  const ImportedDump in(heap.bytes());
  ASSERT_TRUE(in.has(next));
  EXPECT_EQ(in.class_name(body), "std::vector body of 48-byte block (+0x0)");
  EXPECT_EQ(in.targets(owner), (std::vector{body}));
  const std::vector<queries::FieldValue> fields = in.details->fields(in.id(owner), 16);  // the same as the rows
  ASSERT_EQ(fields.size(), 1u);
  EXPECT_EQ(fields[0].target, in.id(body));
  EXPECT_EQ(in.details->reference_name(in.id(owner), in.id(next)), "");
  EXPECT_EQ(in.problem(), "");
}

// ---- texts, damage, refusals ----

TEST(CoreImporter, TextsOfAnyBytesBecomeUtf8) {
  GlibcHeapWriter heap;
  const Address block = heap.used(40);
  NativeCore made(heap);
  made.core.process({.id = 9, .program = "pro\xffgram", .arguments = "--name=\xc3(\x1b[31m"});
  made.core.segment(0x600000, std::string(4096, '\0')).file(0x600000, 0x601000, 0, "/opt/\xfe\xff/lib\x1b]0;x\x07.so");
  made.core.word(0x600010, block);
  const ImportedDump in(made.core.bytes());
  EXPECT_EQ(in.problem(), "");
  EXPECT_EQ(in.meta("core.program"), "pro\xEF\xBF\xBDgram");
  EXPECT_EQ(roots_of(in, block), (Roots{"static lib\x1b]0;x\x07.so+0x10"}));  // a terminal gets it escaped
}

TEST(CoreImporter, ALibraryWhoseHeapIsNotFoundIsNamed) {
  NativeCore made(GlibcHeapWriter{});
  made.core.segment(0x7f5500000000, std::string(4096, '\0'));
  made.core.file(0x7f5500000000, 0x7f5500001000, 0, "/usr/lib/libtcmalloc.so.4.9");
  const ImportedDump in(made.core.bytes());
  const auto& warnings = in.snapshot.warnings;
  EXPECT_TRUE(std::any_of(warnings.begin(), warnings.end(), [](const std::string& text) {
    return text.starts_with("libtcmalloc.so.4.9 is mapped, but no heap of tcmalloc was found");
  }));

  CoreWriter alone;
  alone.segment(0x7f5500000000, std::string(4096, '\0'))
      .file(0x7f5500000000, 0x7f5500001000, 0, "/lib/ld-musl-x86_64.so.1");
  try {
    const ImportedDump none(alone.bytes());
    FAIL();
  } catch (const formats::InputError& error) {
    EXPECT_NE(std::string(error.what()).find("musl's malloc was found: heapql does not read it"), std::string::npos)
        << error.what();
  }
}

TEST(CoreImporter, ACutCoreCountsWhatIsMissingOnce) {
  GlibcHeapWriter heap;
  for (int i = 0; i < 40; ++i) heap.used(200);
  const std::string whole = NativeCore(heap).core.bytes();
  std::size_t read = 0;
  for (std::size_t size = 1; size < whole.size(); size += 101) {
    try {
      const ImportedDump in(whole.substr(0, size), {}, false);
      ASSERT_EQ(in.snapshot.damaged_bytes, whole.size() - size) << size;  // and what is there is used
      ++read;
    } catch (const formats::InputError&) {  // cut before the heap, or within the headers
    }
  }
  EXPECT_GT(read, 100u);
}

TEST(CoreImporter, WithoutMemoryThereIsNothingToImport) {
  const std::string whole = NativeCore(GlibcHeapWriter{}).core.bytes();
  const auto error_of = [](const std::string& bytes) -> std::string {
    try {
      const ImportedDump in(bytes);
    } catch (const formats::InputError& error) {
      return error.what();
    }
    return "";
  };
  const CoreWriter layout = NativeCore(GlibcHeapWriter{}).core;
  EXPECT_NE(error_of(whole.substr(0, layout.offset_of_segment(0))).find("a core cut short in its headers"),
            std::string::npos);
  CoreWriter absent;
  absent.absent(0x400000, 4096, "rw");
  EXPECT_NE(error_of(absent.bytes()).find("a core without memory: all 1 segments were left out"), std::string::npos);
  CoreWriter kernel;
  kernel.segment(0x400000, std::string(64, '\0')).note("VMCOREINFO", 0, "OSRELEASE=6.1.0\n");
  EXPECT_NE(error_of(kernel.bytes()).find("the memory of a Linux kernel (vmcore)"), std::string::npos);
}

}  // namespace
}  // namespace tests
