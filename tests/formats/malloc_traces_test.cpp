// mtrace and valgrind --trace-malloc=yes: every spelling.
#include <gtest/gtest.h>

#include <string>

#include "formats/mtrace.h"
#include "formats/valgrind_trace.h"

namespace {

namespace mtrace = formats::mtrace;
namespace valgrind_trace = formats::valgrind_trace;

formats::Bytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

TEST(Mtrace, EventsInEverySpelling) {
  struct Case {
    const char* line;
    mtrace::Op op;
    std::uint64_t address, size;
    const char* caller;
    bool is_realloc = false;
  };
  for (const Case& known : {
           Case{"@ /opt/app:[0x11c9] + 0x56095389a4a0 0x64", mtrace::Op::allocated, 0x56095389a4a0, 0x64,
                "/opt/app:[0x11c9]"},
           Case{"@ /opt/app:[0x11d0] - 0x56095389a4a0", mtrace::Op::freed, 0x56095389a4a0, 0, "/opt/app:[0x11d0]"},
           Case{"@ ./my app:(make+0x1a)[0x11d0] < 0x10", mtrace::Op::freed, 0x10, 0, "./my app:(make+0x1a)[0x11d0]",
                true},
           Case{"@ [0x4005fb] > 0x20 0x1000", mtrace::Op::allocated, 0x20, 0x1000, "[0x4005fb]", true},
           Case{"@ [0x4005fb] ! 0x20 0x1000", mtrace::Op::failed, 0x20, 0x1000, "[0x4005fb]", true},
           Case{"@ [0x4005fb] + (nil) 0x1000", mtrace::Op::allocated, 0, 0x1000, "[0x4005fb]"},
           Case{"+ 0x20 0", mtrace::Op::allocated, 0x20, 0, ""},
           Case{"- 0x20", mtrace::Op::freed, 0x20, 0, ""},
           Case{"= Start", mtrace::Op::mark, 0, 0, ""},
           Case{"= End", mtrace::Op::mark, 0, 0, ""},
       }) {
    const auto event = mtrace::parse_event(known.line);
    ASSERT_TRUE(event) << known.line;
    EXPECT_EQ(event->op, known.op) << known.line;
    EXPECT_EQ(event->address, known.address) << known.line;
    EXPECT_EQ(event->size, known.size) << known.line;
    EXPECT_EQ(event->caller, known.caller) << known.line;
    EXPECT_EQ(event->is_realloc, known.is_realloc) << known.line;
  }
  for (const char* wrong : {"", "@", "@ [0x1]", "@ [0x1] +", "@ [0x1] + 0x10", "@ [0x1] * 0x10 0x20", "x [0x1] - 0x10",
                            "@ [0x1] - 10", "@ [0x1] + 0x10 0xfffffffffffffffff"}) {
    EXPECT_FALSE(mtrace::parse_event(wrong)) << wrong;
  }
}

TEST(Mtrace, CallersInEverySpelling) {
  const auto with_symbol = mtrace::parse_caller("/opt/my (app):(_Z4makei+0x1a)[0x11d0]");
  ASSERT_TRUE(with_symbol);
  EXPECT_EQ(with_symbol->module, "/opt/my (app)");
  EXPECT_EQ(with_symbol->function, "_Z4makei");
  EXPECT_EQ(with_symbol->address, 0x11d0u);
  const auto module = mtrace::parse_caller("/opt/app:[0x11c9]");
  ASSERT_TRUE(module);
  EXPECT_EQ(module->module, "/opt/app");
  EXPECT_EQ(module->function, "");
  EXPECT_EQ(mtrace::parse_caller("[0x4005fb]")->address, 0x4005fbu);
  for (const char* wrong : {"", "]", "/opt/app:[11c9]", "/opt/app", "app(make)[0x1]"}) {
    EXPECT_FALSE(mtrace::parse_caller(wrong)) << wrong;
  }
}

TEST(Mtrace, IsToldByItsFirstLine) {
  EXPECT_TRUE(mtrace::looks_like(bytes_of("= Start\n")));
  EXPECT_TRUE(mtrace::looks_like(bytes_of("@ /opt/app:[0x11c9] + 0x56095389a4a0 0x64\n")));
  EXPECT_FALSE(mtrace::looks_like(bytes_of("@ a mail\n")));
  EXPECT_FALSE(mtrace::looks_like(bytes_of("@  1 0x1 0x2\n")));
  EXPECT_FALSE(mtrace::looks_like(bytes_of("")));
}

TEST(ValgrindTrace, CallsInEverySpelling) {
  struct Case {
    const char* line;
    std::uint64_t freed, allocated, size;
  };
  for (const Case& known : {
           Case{"--14927-- malloc(163) = 0x4A44040", 0, 0x4A44040, 163},
           Case{"--14927-- malloc(995) = 0", 0, 0, 0},
           Case{"--14927-- calloc(3,8) = 0x4A44040", 0, 0x4A44040, 24},
           Case{"--14927-- _Znwm(24) = 0x4A44040", 0, 0x4A44040, 24},
           Case{"--14927-- memalign(al 64, size 100) = 0x4A44040", 0, 0x4A44040, 100},
           Case{"--14927-- _ZnwmSt11align_val_t(size 100, al 64) = 0x4A44040", 0, 0x4A44040, 100},
           Case{"--14927-- realloc(0x4A457B0,4096) = 0x4A45BF0", 0x4A457B0, 0x4A45BF0, 4096},
           Case{"--14927-- realloc(0x0,4096)malloc(4096) = 0x4A45BF0", 0, 0x4A45BF0, 4096},
           Case{"--14927-- realloc(0x4A457B0,0)free(0x4A457B0)", 0x4A457B0, 0, 0},
           Case{"--14927-- realloc(0x4A457B0,0)free(0x4A457B0) = 0", 0x4A457B0, 0, 0},
           Case{"--14927-- realloc(0x4A457B0,999999) = 0x0", 0, 0, 0},
           Case{"--14927-- free(0x4A44F10)", 0x4A44F10, 0, 0},
           Case{"--14927-- _ZdlPvm(0x4A44F10)", 0x4A44F10, 0, 0},
           Case{"--14927-- free(0x0)", 0, 0, 0},
       }) {
    const auto event = valgrind_trace::parse_event(known.line);
    ASSERT_TRUE(event) << known.line;
    EXPECT_EQ(event->freed, known.freed) << known.line;
    EXPECT_EQ(event->allocated, known.allocated) << known.line;
    EXPECT_EQ(event->size, known.size) << known.line;
    EXPECT_TRUE(valgrind_trace::looks_like(bytes_of("==1== Memcheck\n" + std::string(known.line) + "\n")));
  }
  for (const char* other : {"", "==14927== Memcheck, a memory error detector", "--14927-- Reading syms from /opt/app",
                            "malloc(163) = 0x4A44040", "--1-- malloc(163)", "--1-- malloc(x) = 0x10", "--x-- free(0x1)",
                            "--1-- malloc_usable_size(0x10) = 24", "--1-- calloc(4294967296,4294967296) = 0x1",
                            "--1-- realloc(0x10)", "--1-- realloc(0x10,16)"}) {
    EXPECT_FALSE(valgrind_trace::parse_event(other)) << other;
  }
}

TEST(MallocTraces, EveryTruncationAndByteFlipOfALineIsAnAnswer) {
  for (const std::string line :
       {"@ /opt/my app:(make+0x1a)[0x11c9] + 0x56095389a4a0 0x64",
        "--14927-- realloc(0x0,4096)malloc(4096) = 0x4A45BF0", "--14927-- memalign(al 64, size 100) = 0x4A44040"}) {
    for (std::size_t at = 0; at < line.size(); ++at) {
      for (const std::string& text : {line.substr(0, at), [&] {
                                        std::string flipped = line;
                                        flipped[at] = static_cast<char>(flipped[at] ^ 0x11);
                                        return flipped;
                                      }()}) {
        if (const auto event = mtrace::parse_event(text)) (void)mtrace::parse_caller(event->caller);
        (void)valgrind_trace::parse_event(text);
      }
    }
  }
}

}  // namespace
