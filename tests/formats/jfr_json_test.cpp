#include "formats/jfr_json.h"

#include <gtest/gtest.h>

#include <memory>
#include <span>

#include "tests/support/jfr_writer.h"

namespace {

using namespace formats::jfr_json;
using tests::JfrWriter;

struct Whole {
  std::vector<Event> events;
  formats::DamageLog damage;
  std::uint64_t event_count = 0;

  explicit Whole(const std::string& text) {
    const std::vector<char> exact(text.begin(), text.end());
    Reader reader(std::as_bytes(std::span(exact)), damage);
    for (Event event; reader.next(event);) events.push_back(event);
    event_count = reader.event_count();
  }
};

JfrWriter sample() {
  JfrWriter file;
  file.allocation("[B", 5000, {{"app\\/Session", "<init>", 10, "Inlined"}, {"app\\/Main", "main", 30}});
  file.event("jdk.ThreadStart", "2026-11-27T21:13:35Z", "\"thread\": {\"javaName\": \"main\"}");
  file.old_object("[B", 10000, {{"app\\/Session", "<init>", 10}}, JfrWriter::held_by_a_static_map());
  file.heap_summary("After GC", 4096, "2026-11-27T21:13:38Z");
  return file;
}

TEST(JfrJson, NamesAreAsInTheSource) {
  EXPECT_EQ(source_name("[B"), "byte[]");
  EXPECT_EQ(source_name("[[J"), "long[][]");
  EXPECT_EQ(source_name("[Ljava/util/Map$Entry;"), "java.util.Map$Entry[]");
  EXPECT_EQ(source_name("java/lang/String"), "java.lang.String");
  EXPECT_EQ(source_name("B"), "B");
  EXPECT_EQ(source_name("["), "[]");
  EXPECT_EQ(source_name(""), "");
}

TEST(JfrJson, ReadsTheEventsOfTheHeap) {
  const Whole file(sample().text());
  EXPECT_EQ(file.damage.count(), 0U);
  EXPECT_EQ(file.event_count, 4U);
  ASSERT_EQ(file.events.size(), 3U);
  const Event& allocation = file.events[0];
  EXPECT_EQ(allocation.kind, Kind::allocation_sample);
  EXPECT_EQ(allocation.type, "byte[]");
  EXPECT_EQ(allocation.bytes, 5000);
  EXPECT_DOUBLE_EQ(allocation.time, 1795814015.5);
  ASSERT_EQ(allocation.frames.size(), 2U);
  EXPECT_EQ(allocation.frames[0].type, "app.Session");
  EXPECT_EQ(allocation.frames[0].method, "<init>");
  EXPECT_EQ(allocation.frames[0].line, 10);
  EXPECT_TRUE(allocation.frames[0].is_inlined);
  EXPECT_FALSE(allocation.frames[1].is_inlined);
  const Event& old = file.events[1];
  EXPECT_EQ(old.kind, Kind::old_object);
  EXPECT_EQ(old.elements, 10000);
  EXPECT_DOUBLE_EQ(old.age, 62.5);
  EXPECT_EQ(old.root, "Class Loader Data");
  ASSERT_EQ(old.holders.size(), 2U);
  EXPECT_EQ(old.holders[0].type, "java.util.HashMap");
  EXPECT_EQ(old.holders[0].field, "table");
  EXPECT_FALSE(old.holders[0].is_static);
  EXPECT_EQ(old.holders[1].type, "SessionLeak");
  EXPECT_EQ(old.holders[1].field, "SESSIONS");
  EXPECT_TRUE(old.holders[1].is_static);
  EXPECT_TRUE(file.events[2].is_after_collection);
  EXPECT_EQ(file.events[2].bytes, 4096);
}

TEST(JfrJson, IsToldFromOtherJson) {
  const auto is_jfr = [](const std::string& text) { return looks_like(std::as_bytes(std::span(text))); };
  EXPECT_TRUE(is_jfr(sample().text()));
  EXPECT_FALSE(is_jfr("{\"dhatFileVersion\": 2}"));
  EXPECT_FALSE(is_jfr("{\"recording\": []}"));
  EXPECT_FALSE(is_jfr(""));
}

TEST(JfrJson, WhatIsBrokenLosesOnlyItself) {
  JfrWriter file;
  file.allocation("[B", 1, {}).event("jdk.Broken", "x", "\"a\": @@@").allocation("[C", 2, {});
  const Whole read(file.text());
  ASSERT_EQ(read.events.size(), 2U);
  EXPECT_EQ(read.events[1].type, "char[]");
  EXPECT_EQ(read.damage.count(), 1U);
}

TEST(JfrJson, EveryTruncationKeepsTheEventsBefore) {
  const std::string whole = sample().text();
  const std::size_t end_of_events = whole.rfind(']');
  std::size_t most = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Whole cut(whole.substr(0, size));
    EXPECT_GE(cut.events.size(), most) << size;
    most = std::max(most, cut.events.size());
    EXPECT_LE(cut.damage.bytes(), size);
    EXPECT_EQ(cut.damage.count(), size <= end_of_events ? 1U : 0U) << size;
  }
  EXPECT_EQ(most, 3U);
}

TEST(JfrJson, NoByteFlipBreaksIt) {
  const std::string whole = sample().text();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char mask : {'\x01', '\x20', '\x7f'}) {
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ mask);
      const Whole read(flipped);
      EXPECT_LE(read.events.size(), 4U);
      EXPECT_LE(read.damage.bytes(), whole.size());
    }
  }
}

TEST(JfrJson, AChainOfAnyDepthCostsNoStack) {
  std::string chain = "null";
  for (int i = 0; i < 1000; ++i) {
    chain =
        "{\"field\": {\"name\": \"next\"}, \"object\": {\"type\": {\"name\": \"Node\"}, \"referrer\": " + chain + "}}";
  }
  const Whole read(JfrWriter().old_object("Node", -1, {}, chain).text());
  ASSERT_EQ(read.events.size(), 1U);
  EXPECT_EQ(read.events[0].holders.size(), 1000U);
  for (int i = 0; i < 5000; ++i) chain = "{\"object\": {\"referrer\": " + chain + "}}";
  const Whole deep(JfrWriter().old_object("Node", -1, {}, chain).allocation("[B", 1, {}).text());
  ASSERT_EQ(deep.events.size(), 1U);  // the too deep one is damage
  EXPECT_EQ(deep.damage.count(), 1U);
}

}  // namespace
