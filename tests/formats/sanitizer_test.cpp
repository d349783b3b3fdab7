#include "formats/sanitizer.h"

#include <gtest/gtest.h>

#include "tests/support/sanitizer_writer.h"

namespace {

using formats::DamageLog;
using formats::sanitizer::parse_frame;
using formats::sanitizer::Report;
using tests::SanitizerWriter;

Report read(const std::string& file, DamageLog& damage) {
  const std::vector<char> exact(file.begin(), file.end());
  return formats::sanitizer::read_report(std::as_bytes(std::span(exact)), damage);
}

std::string sample(bool coloured = false) {
  SanitizerWriter file("==server==77==", coloured);
  file.leak("Direct", 400, 2,
            {"malloc (/bin/x+0xa418e) (BuildId: b4cd)", "f(unsigned long) /src/a.cc:15:61", "main a.cc:9"});
  file.objects({{0x611000000540, 200}, {0x6110000336c0, 200}});
  file.leak("Indirect", 8, 1, {"g() ../src/b.cc:3"});
  file.suppressions({{50, 10000, "leak_lost"}});
  return file.summary(408, 3).bytes();
}

TEST(Sanitizer, LeaksStacksObjectsAndSuppressionsAreRead) {
  for (const bool coloured : {false, true}) {
    DamageLog damage;
    const Report report = read(sample(coloured), damage);
    EXPECT_EQ(damage.count(), 0U);
    ASSERT_EQ(report.runs.size(), 1U);
    const auto& run = report.runs[0];
    EXPECT_EQ(run.process_id, 77U);
    EXPECT_EQ(run.tool, "LeakSanitizer");
    EXPECT_EQ(run.error, "detected memory leaks");
    ASSERT_EQ(run.leaks.size(), 2U);
    EXPECT_TRUE(run.leaks[0].is_direct);
    EXPECT_EQ(run.leaks[0].bytes, 400U);
    EXPECT_EQ(run.leaks[0].objects, 2U);
    ASSERT_EQ(run.leaks[0].stack.size(), 3U);
    EXPECT_EQ(run.leaks[0].stack[1].function, "f(unsigned long)");
    EXPECT_EQ(run.leaks[0].stack[1].line, 15);
    ASSERT_EQ(run.leaks[0].leaked_objects.size(), 2U);
    EXPECT_EQ(run.leaks[0].leaked_objects[1].address, 0x6110000336c0U);
    EXPECT_EQ(run.leaks[0].leaked_objects[1].size, 200U);
    EXPECT_FALSE(run.leaks[1].is_direct);
    ASSERT_TRUE(run.summed_leaks);
    EXPECT_EQ(run.summed_leaks->first, 408U);
    ASSERT_EQ(report.suppressions.size(), 1U);
    EXPECT_EQ(report.suppressions[0].pattern, "leak_lost");
    EXPECT_EQ(report.suppressions[0].count, 50U);
    EXPECT_EQ(report.suppressions[0].bytes, 10000U);
  }
}

TEST(Sanitizer, FramesOfGccAndClang) {
  const auto gcc = parse_frame("#1 0x55d7c9c12208 in x_alloc(unsigned long) /opt/app/server.cc:15");
  ASSERT_TRUE(gcc);
  EXPECT_EQ(gcc->function, "x_alloc(unsigned long)");
  EXPECT_EQ(gcc->file, "/opt/app/server.cc");
  EXPECT_EQ(gcc->line, 15);
  const auto clang = parse_frame("#5 0x7fdc55f65249 in __libc_start_call_main csu/../nptl/x.h:58:16");
  EXPECT_EQ(clang->function, "__libc_start_call_main");
  EXPECT_EQ(clang->file, "csu/../nptl/x.h");
  EXPECT_EQ(clang->line, 58);
  const auto module =
      parse_frame("#0 0x558b954ac18e in malloc (/opt/app/server_asan_clang+0xa418e) (BuildId: b4cd615d)");
  EXPECT_EQ(module->function, "malloc");
  EXPECT_EQ(module->module, "/opt/app/server_asan_clang");
  const auto nameless = parse_frame("#3 0x7f (/lib/libx.so+0x12)");
  EXPECT_EQ(nameless->function, "");
  EXPECT_EQ(nameless->module, "/lib/libx.so");
  const auto bare = parse_frame("#2 0x1 in run(std::function<void (int)>)");
  EXPECT_EQ(bare->function, "run(std::function<void (int)>)");
  const auto array = parse_frame("#0 0x7f in operator new[](unsigned long) ../../src/asan_new_delete.cpp:98");
  EXPECT_EQ(array->function, "operator new[](unsigned long)");
  for (const char* text : {"", "#", "#x 0x1 in f", "#1 1 in f", "1 0x1 in f"}) EXPECT_FALSE(parse_frame(text)) << text;
}

TEST(Sanitizer, OtherErrorsAreRunsWithoutLeaks) {
  const std::string file =
      "==9==ERROR: AddressSanitizer: heap-use-after-free on address 0x60b at pc 0x56\n"
      "READ of size 1 at 0x60b thread T0\n    #0 0x56 in main /a.c:2\n\nfreed by thread T0 here:\n"
      "    #0 0x7f in free /f.cpp:52\n\nSUMMARY: AddressSanitizer: heap-use-after-free /a.c:2 in main\n";
  DamageLog damage;
  const Report report = read(file, damage);
  ASSERT_EQ(report.runs.size(), 1U);
  EXPECT_EQ(report.runs[0].tool, "AddressSanitizer");
  EXPECT_TRUE(report.runs[0].error.starts_with("heap-use-after-free on"));
  EXPECT_TRUE(report.runs[0].leaks.empty());
  EXPECT_FALSE(report.runs[0].summed_leaks);
  EXPECT_EQ(damage.count(), 0U);
}

TEST(Sanitizer, OnlyItsOwnIsTakenForIt) {
  const auto takes = [](std::string_view text) {
    return formats::sanitizer::looks_like(std::as_bytes(std::span(text)));
  };
  EXPECT_TRUE(takes("output\n" + sample()));
  EXPECT_TRUE(takes("Suppressions used:\n  count      bytes template\n"));
  EXPECT_FALSE(takes("==12==ERROR: other\n"));
  EXPECT_FALSE(takes("==12== Memcheck, a memory error detector\n"));
  EXPECT_FALSE(takes("=====ERROR: AddressSanitizer: x\n"));
}

TEST(Sanitizer, EveryTruncationKeepsWhatIsBeforeIt) {
  const std::string whole = sample();
  std::size_t leaks = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    DamageLog damage;
    const Report report = read(whole.substr(0, size), damage);
    const std::size_t now = report.runs.empty() ? 0 : report.runs[0].leaks.size();
    EXPECT_GE(now, leaks) << size;
    EXPECT_EQ(damage.count() > 0, !report.runs.empty()) << size;
    leaks = now;
  }
  EXPECT_EQ(leaks, 2U);
}

TEST(Sanitizer, EveryByteFlipIsSurvived) {
  const std::string whole = sample(true);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int flip : {0x01, 0x20, 0x80}) {
      std::string file = whole;
      file[at] = static_cast<char>(file[at] ^ flip);
      DamageLog damage;
      for (const auto& run : read(file, damage).runs) EXPECT_LE(run.leaks.size(), 2U) << at;
    }
  }
}

}  // namespace
