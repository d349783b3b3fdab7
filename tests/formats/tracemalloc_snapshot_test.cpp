// tracemalloc's pickles: every opcode of theirs, what they must not do, every truncation, every flipped byte.
#include "formats/tracemalloc_snapshot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "tests/support/tracemalloc_writer.h"

namespace tests {
namespace {

using formats::tracemalloc_snapshot::Snapshot;

struct ReadSnapshot {
  explicit ReadSnapshot(std::string_view file) : bytes(new std::byte[file.size()]) {
    std::memcpy(bytes.get(), file.data(), file.size());
    snapshot = formats::tracemalloc_snapshot::read({bytes.get(), file.size()}, damage);
  }
  std::unique_ptr<std::byte[]> bytes;
  formats::DamageLog damage;
  Snapshot snapshot;
};

bool looks_like(std::string_view text) {
  return formats::tracemalloc_snapshot::looks_like(std::as_bytes(std::span(text.data(), text.size())));
}

TEST(TracemallocSnapshot, ReadsTracesAndSharesTheirTracebacks) {
  const ReadSnapshot read(tracemalloc_snapshot());
  EXPECT_EQ(read.damage.count(), 0U);
  EXPECT_EQ(read.snapshot.refusal, "");
  EXPECT_EQ(read.snapshot.traceback_limit, 25);
  ASSERT_EQ(read.snapshot.traces.size(), 5U);
  ASSERT_EQ(read.snapshot.tracebacks.size(), 3U);
  EXPECT_EQ(read.snapshot.traces[2].size, 5'000'000'000);
  EXPECT_EQ(read.snapshot.traces[2].traceback, 0U);
  EXPECT_EQ(read.snapshot.traces[4].domain, 3);
  EXPECT_EQ(read.snapshot.traces[4].total_frames, 9);
  const auto& leak = read.snapshot.tracebacks[0];
  ASSERT_EQ(leak.count, 2U);
  EXPECT_EQ(read.snapshot.frames[leak.first].file, "/srv/app.py");
  EXPECT_EQ(read.snapshot.frames[leak.first + 1].line, 300);
  EXPECT_EQ(read.snapshot.tracebacks[2].count, 5U);
}

TEST(TracemallocSnapshot, ReadsThoseOfOlderPythons) {
  const ReadSnapshot read(TracemallocWriter(1).trace(0, 10, {{"a.py", 1}}).bytes());
  ASSERT_EQ(read.snapshot.traces.size(), 1U);
  EXPECT_EQ(read.snapshot.traces[0].total_frames, -1);
}

TEST(TracemallocSnapshot, IsToldByItsClass) {
  EXPECT_TRUE(looks_like(tracemalloc_snapshot()));
  EXPECT_FALSE(
      looks_like("\x80\x04\x95\x10\x8c\x08"
                 "builtins\x94\x8c\x04list\x94"));
  EXPECT_FALSE(looks_like(""));
  EXPECT_FALSE(looks_like("\x80\x05"));
}

TEST(TracemallocSnapshot, NamesOfOtherClassesAndCallsAreRefused) {
  const ReadSnapshot other(TracemallocWriter(1, "posix").trace(0, 10, {{"a.py", 1}}).bytes());
  EXPECT_EQ(other.snapshot.refusal, "it names posix._Traces");
  EXPECT_TRUE(other.snapshot.traces.empty());
  const ReadSnapshot call(TracemallocWriter(1).trace(0, 10, {{"a.py", 1}}).raw("R").bytes());
  EXPECT_EQ(call.snapshot.refusal, "it has the opcode 'R'");
  const ReadSnapshot global(TracemallocWriter(1).raw("cos\nsystem\n").bytes());
  EXPECT_EQ(global.snapshot.refusal, "it has the opcode 'c'");
}

TEST(TracemallocSnapshot, EveryTruncationKeepsTheTracesBefore) {
  const std::string whole = tracemalloc_snapshot();
  std::size_t most = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const ReadSnapshot read(std::string_view(whole).substr(0, size));
    EXPECT_GE(read.snapshot.traces.size(), most);
    most = std::max(most, read.snapshot.traces.size());
    EXPECT_GE(read.damage.count(), size == 0 ? 0U : 1U);
  }
  EXPECT_EQ(most, 5U);
}

TEST(TracemallocSnapshot, EveryFlippedByteIsReadWithinBounds) {
  const std::string whole = tracemalloc_snapshot();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (int value = 0; value < 256; value += 5) {
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ value);
      const ReadSnapshot read(flipped);
      EXPECT_LE(read.snapshot.traces.size(), whole.size());
      for (const auto& trace : read.snapshot.traces) ASSERT_LT(trace.traceback, read.snapshot.tracebacks.size());
      for (const auto& traceback : read.snapshot.tracebacks) {
        ASSERT_LE(traceback.first + traceback.count, read.snapshot.frames.size());
      }
    }
  }
}

}  // namespace
}  // namespace tests
