// Call stacks of a core that holds this test's own stack, copied while three known functions were on it.
#include "formats/unwind.h"

#include <gtest/gtest.h>
#include <sys/auxv.h>

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "formats/input.h"
#include "tests/support/own_process.h"

#if defined(__x86_64__)
#include <ucontext.h>
#endif

namespace tests {

/// What a core would hold of one thread.
struct OwnStack {
  std::vector<std::uint64_t> registers;  // user_regs_struct
  std::uint64_t stack_pointer = 0;
  std::string stack;
};
OwnStack own_stack;

#if defined(__x86_64__)
constexpr bool has_own_stack = true;

// Word by word, and not by memcpy: under AddressSanitizer a stack has bytes that nobody should read.
__attribute__((noinline, no_sanitize("address"))) void innermost_of_the_test() {
  ucontext_t context;
  getcontext(&context);
  const auto& general = context.uc_mcontext.gregs;
  // r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp …
  constexpr int order[] = {REG_R15, REG_R14, REG_R13, REG_R12, REG_RBP, REG_RBX, REG_R11, REG_R10, REG_R9,
                           REG_R8,  REG_RAX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_RAX, REG_RIP};
  own_stack.registers.assign(27, 0);
  for (std::size_t i = 0; i < std::size(order); ++i) {
    own_stack.registers[i] = static_cast<std::uint64_t>(general[order[i]]);
  }
  own_stack.stack_pointer = static_cast<std::uint64_t>(general[REG_RSP]) & ~std::uint64_t{15};
  own_stack.registers[19] = static_cast<std::uint64_t>(general[REG_RSP]);
  constexpr std::size_t size = 2048;  // this frame (a context takes 968 bytes), the two that called it and some more
  own_stack.stack.resize(size);
  for (std::size_t i = 0; i < size; ++i) {
    own_stack.stack[i] = reinterpret_cast<const volatile char*>(own_stack.stack_pointer)[i];
  }
  asm volatile("" ::: "memory");
}
#else
constexpr bool has_own_stack = false;
void innermost_of_the_test() {}
#endif

__attribute__((noinline)) void middle_of_the_test() {
  innermost_of_the_test();
  asm volatile("" ::: "memory");
}
__attribute__((noinline)) void outermost_of_the_test() {
  middle_of_the_test();
  asm volatile("" ::: "memory");
}

namespace {

using formats::CallStack;
using formats::DebugSession;
using formats::Frame;
using formats::FrameEvidence;
using formats::Modules;
using formats::Symbols;
using formats::Unwinder;

class OwnStackUnwound : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_own_stack) GTEST_SKIP() << "registers are taken on x86-64 only";
    outermost_of_the_test();
  }
  CallStack unwind(const std::string& path = own_path()) {
    const auto own = formats::ModuleFile::open("", own_path());
    if (!own) return {};
    CoreWriter writer;
    add_module(writer, own->headers(), own_bias(), path, own_first_page());
    writer.segment(own_stack.stack_pointer, own_stack.stack, "rw");
    CoreWriter::Thread thread;
    thread.os_id = 7;
    thread.registers = own_stack.registers;
    thread.program_counter = own_stack.registers[16];
    thread.stack_pointer = own_stack.registers[19];
    writer.thread(thread);
    const std::string bytes = writer.bytes();
    formats::DamageLog damage;
    const formats::elf::Core core =
        formats::elf::read_core({reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}, damage);
    const formats::ProcessImage image(core);
    const Modules modules(image, {});
    const DebugSession session(modules);
    const Symbols symbols(session);
    CallStack stack = Unwinder(image, session, symbols).unwind(0);
    for (Frame& frame : stack.frames) frame.module = nullptr;  // ends with this function
    return stack;
  }
};

TEST_F(OwnStackUnwound, NamesEachFrameWithTheStackItOwns) {
  const CallStack stack = unwind();
  ASSERT_GE(stack.frames.size(), 3u);
  EXPECT_EQ(stack.frames[0].function, "tests::innermost_of_the_test()");
  EXPECT_EQ(stack.frames[1].function, "tests::middle_of_the_test()");
  EXPECT_EQ(stack.frames[2].function, "tests::outermost_of_the_test()");
  EXPECT_EQ(stack.frames[0].evidence, FrameEvidence::registers);
  EXPECT_EQ(stack.frames[0].stack_pointer, own_stack.registers[19]);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_LT(stack.frames[i].stack_pointer, stack.frames[i].stack_end);
    EXPECT_EQ(stack.frames[i].stack_end, stack.frames[i + 1].stack_pointer);
    EXPECT_EQ(stack.frames[i + 1].evidence, FrameEvidence::call_frame_info);
    EXPECT_FALSE(stack.frames[i].is_signal_frame);
  }
  EXPECT_FALSE(stack.is_cut);
}

TEST_F(OwnStackUnwound, WithoutTheFileFramesAreGuessesAndSayIt) {
  const CallStack stack = unwind("/nowhere/program");
  ASSERT_GE(stack.frames.size(), 1u);
  EXPECT_EQ(stack.frames[0].function, "");
  EXPECT_EQ(stack.frames[0].program_counter, own_stack.registers[16]);
  for (std::size_t i = 1; i < stack.frames.size(); ++i) {
    EXPECT_EQ(stack.frames[i].evidence, FrameEvidence::frame_pointer);
    EXPECT_GT(stack.frames[i].stack_pointer, stack.frames[i - 1].stack_pointer);
  }
}

TEST_F(OwnStackUnwound, ACallToNowhereIsItsOwnFrame) {
  // As after `call 0`: the return address is on top of the stack.
  const std::uint64_t caller = own_stack.registers[16];
  own_stack.registers[16] = 0;
  own_stack.stack_pointer -= 16;
  own_stack.registers[19] -= 8;
  own_stack.stack.insert(0, 16, '\0');
  std::memcpy(own_stack.stack.data() + (own_stack.registers[19] - own_stack.stack_pointer), &caller, sizeof caller);
  const CallStack stack = unwind();
  ASSERT_GE(stack.frames.size(), 3u);
  EXPECT_EQ(stack.frames[0].program_counter, 0u);
  EXPECT_EQ(stack.frames[0].function, "");
  EXPECT_EQ(stack.frames[1].function, "tests::innermost_of_the_test()");
  EXPECT_EQ(stack.frames[1].evidence, FrameEvidence::return_address);
  EXPECT_EQ(stack.frames[2].function, "tests::middle_of_the_test()");
  EXPECT_EQ(stack.frames[2].evidence, FrameEvidence::call_frame_info);
}

TEST_F(OwnStackUnwound, ACutStackKeepsTheFramesBeforeTheCut) {
  const std::string whole = own_stack.stack;
  const std::size_t frames = unwind().frames.size();
  std::size_t before = 0;
  for (std::size_t size = 16; size < whole.size(); size += 208) {
    own_stack.stack = whole.substr(0, size);
    const std::size_t found = unwind().frames.size();
    EXPECT_GE(found, 1u);
    EXPECT_LE(found, frames);
    EXPECT_GE(found, before) << size;
    before = found;
  }
}

TEST_F(OwnStackUnwound, OverwrittenStacksEnd) {
  const std::string whole = own_stack.stack;
  for (const char fill : {'\0', '\x41', '\xff'}) {
    for (std::size_t at = 0; at < whole.size(); at += 512) {
      own_stack.stack = whole;
      std::fill(own_stack.stack.begin() + static_cast<std::ptrdiff_t>(at), own_stack.stack.end(), fill);
      const CallStack stack = unwind();
      EXPECT_GE(stack.frames.size(), 1u);
      EXPECT_LE(stack.frames.size(), 2048u);
    }
  }
}

TEST_F(OwnStackUnwound, AStackThatPointsToItselfIsCut) {
  // Each word a frame pointer to the next, each return address the same code: no end in sight.
  own_stack.registers[4] = own_stack.stack_pointer;  // rbp
  own_stack.registers[19] = own_stack.stack_pointer;
  const std::uint64_t pc = own_stack.registers[16];
  own_stack.stack.resize(64 << 10);
  for (std::size_t at = 0; at + 16 <= own_stack.stack.size(); at += 16) {
    const std::uint64_t pair[] = {own_stack.stack_pointer + at + 16, pc};
    std::memcpy(&own_stack.stack[at], pair, sizeof pair);
  }
  const CallStack stack = unwind("/nowhere/program");
  EXPECT_TRUE(stack.is_cut);
  EXPECT_EQ(stack.frames.size(), 1024u);
}

TEST(Unwind, AThreadWithoutRegistersHasNoFrames) {
  CoreWriter writer;
  writer.segment(0x10000, std::string(4096, '\0'));
  const std::string bytes = writer.bytes();
  formats::DamageLog damage;
  formats::elf::Core core =
      formats::elf::read_core({reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}, damage);
  core.threads.emplace_back();
  const formats::ProcessImage image(core);
  const Modules modules(image, {});
  const DebugSession session(modules);
  const Symbols symbols(session);
  const Unwinder unwinder(image, session, symbols);
  EXPECT_TRUE(unwinder.unwind(0).frames.empty());
  EXPECT_TRUE(unwinder.unwind(1).frames.empty()) << "there is no such thread";
}

// The kernel's own library lies in the core alone: whatever bytes a core claims it has, they are looked at.
TEST(Unwind, AVdsoIsNamedAndADamagedOneSurvived) {
  const std::uint64_t own = getauxval(AT_SYSINFO_EHDR);
  if (own == 0) GTEST_SKIP() << "this machine's kernel gives no vDSO";
  const auto* at = reinterpret_cast<const std::byte*>(own);
  const auto headers = formats::parse_module_headers({at, 4096});
  ASSERT_TRUE(headers);
  const std::string whole(reinterpret_cast<const char*>(own), (headers->high() + 4095) & ~std::uint64_t{4095});
  constexpr std::uint64_t base = 0x7fff'0000'0000;
  CoreWriter::Thread thread;
  thread.program_counter = base + headers->entry;
  for (const formats::LoadHeader& load : headers->loads) thread.program_counter = base + load.file_size / 2;
  thread.stack_pointer = 0x7ffe'0000'0000;
  std::size_t named = 0;
  const auto look = [&](const std::string& vdso) {
    CoreWriter writer;
    writer.segment(thread.stack_pointer, std::string(4096, '\0')).segment(base, vdso, "rx");
    writer.auxiliary(AT_SYSINFO_EHDR, base).thread(thread);
    const std::string bytes = writer.bytes();
    formats::DamageLog damage;
    const formats::elf::Core core =
        formats::elf::read_core({reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}, damage);
    const formats::ProcessImage image(core);
    const Modules modules(image, {});
    const DebugSession session(modules);
    const Symbols symbols(session);
    EXPECT_GE(Unwinder(image, session, symbols).unwind(0).frames.size(), 1u);
    named = 0;
    for (std::uint64_t i = 0; i < vdso.size(); i += 16) {
      const auto symbol = symbols.find(base + i);
      named += symbol && symbol->name.find("clock_gettime") != std::string::npos ? 1 : 0;
    }
  };
  look(whole);
  EXPECT_GT(named, 0u);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(i % 3 == 0 ? 0xff : i % 3 == 1 ? ~damaged[i] : damaged[i] + 1);
    look(damaged);
  }
  for (std::size_t size = 64; size < whole.size(); size += 61) look(whole.substr(0, size));
}

// ---- cores of other people's programs, where they are at hand ----

std::filesystem::path data_folder() {
  const char* named = std::getenv("HEAPQL_DATA");
  return (named != nullptr ? std::filesystem::path(named)
                           : std::filesystem::path(HEAPQL_SOURCE_DIR) / "../shared/data") /
         "core/drgn";
}

class CrashmeCores : public testing::TestWithParam<std::pair<const char*, const char*>> {};

/// The program recurses nowhere: main → crashme → a → b → c, and c writes to address 0. Programs are beside the cores.
TEST_P(CrashmeCores, AreUnwoundFromTheFaultToMain) {
  const auto [core_name, program] = GetParam();
  const std::filesystem::path from = data_folder();
  if (!std::filesystem::exists(from / (std::string(core_name) + ".zst"))) {
    GTEST_SKIP() << "no real cores here: set HEAPQL_DATA to their folder";
  }
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / ("unwind_test." + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  formats::DamageLog damage;
  for (const std::string& name : {std::string(program), std::string("crashme.so")}) {
    const formats::Input file = formats::Input::open((from / (name + ".zst")).string(), damage);
    std::ofstream(folder / name, std::ios::binary) << formats::as_text(file.bytes());
  }
  const formats::Input input = formats::Input::open((from / (std::string(core_name) + ".zst")).string(), damage);
  const formats::elf::Core core = formats::elf::read_core(input.bytes(), damage);
  formats::ProcessImage image(core);
  formats::ModuleSearch search;
  search.solib_paths = {folder};
  const Modules modules(image, search);
  EXPECT_GT(fill(image, modules), 0u);
  const DebugSession session(modules);
  const Symbols symbols(session);
  const CallStack stack = Unwinder(image, session, symbols).unwind(0);
  std::filesystem::remove_all(folder);
  ASSERT_GE(stack.frames.size(), 5u);
  const char* const names[] = {"c", "b", "a", "crashme", "main"};
  const int lines[] = {8, 14, 19, 24, 9};
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(stack.frames[i].function, names[i]);
    EXPECT_EQ(stack.frames[i].line, lines[i]);
    EXPECT_EQ(stack.frames[i].evidence, i == 0 ? FrameEvidence::registers : FrameEvidence::call_frame_info);
    EXPECT_TRUE(stack.frames[i].file.ends_with(i == 4 ? "/main.c" : "/crashme.c")) << stack.frames[i].file;
  }
}

INSTANTIATE_TEST_SUITE_P(Drgn, CrashmeCores,
                         testing::Values(std::pair("crashme.core", "crashme"),
                                         std::pair("crashme_pie.core", "crashme_pie"),
                                         std::pair("crashme_pie_no_headers.core", "crashme_pie"),
                                         std::pair("crashme_static.core", "crashme_static"),
                                         std::pair("crashme_static_pie.core", "crashme_static_pie")),
                         [](const auto& one) {
                           std::string name = one.param.first;
                           return name.substr(0, name.find('.'));
                         });

}  // namespace
}  // namespace tests
