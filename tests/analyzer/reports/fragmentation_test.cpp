#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>

#include "analyzer/passes/passes.h"
#include "analyzer/reports/render.h"
#include "analyzer/reports/reports.h"
#include "analyzer/suspects/pin_paths.h"
#include "queries/heap_graph.h"
#include "queries/store.h"
#include "tests/analyzer/suspects/heap_fixture.h"
#include "tests/support/heap_layout.h"

using namespace analyzer;
using namespace queries;
using tests::HeapLayout;

namespace {

/// Every reference is the word at offset 8.
class Words final : public ObjectDetails {
 public:
  [[nodiscard]] std::vector<FieldValue> fields(ObjectId, std::size_t) const override { return {}; }
  [[nodiscard]] std::optional<std::string> text(ObjectId, std::size_t) const override { return std::nullopt; }
  [[nodiscard]] std::string reference_name(ObjectId, ObjectId) const override { return "+0x8"; }
};

std::unique_ptr<Database> analysed(const Snapshot& snapshot) {
  Results results = run_passes(snapshot, {});
  const HeapGraph graph(snapshot);
  find_pin_paths(snapshot, graph, Words(), results);
  return write_digest(snapshot, results);
}

/// A main arena with a cache that a static holds pinning 1 KiB, and an arena that a leaked block pins.
HeapLayout server(const std::string& session = "Session") {
  HeapLayout heap;
  heap.region("main arena", 0x10000, 0, "glibc main arena");
  const ObjectId cache = heap.used(64, "Cache");
  heap.overhead(16);
  heap.free(1024, 40);
  const ObjectId pin = heap.used(128, session);
  heap.cached(32);
  heap.free(4096, 126);
  heap.region("arena", 0x7f0000, 1, "glibc arena 0x7f0000");
  heap.free(96, 3);
  (void)heap.used(48, "Leaked");
  heap.root(cache, RootKind::stack_word, "0x7ffe10");
  heap.root(cache, RootKind::static_data, "acme::registry");
  heap.reference(cache, pin);
  return heap;
}

double number(const Cell& cell) {
  if (const auto* integer = std::get_if<std::int64_t>(&cell)) return static_cast<double>(*integer);
  const auto* real = std::get_if<double>(&cell);
  return real != nullptr ? *real : 0;
}

std::size_t check_sums(const Report& report) {
  std::size_t checked = 0;
  const std::function<void(const Section&)> check = [&](const Section& section) {
    for (const Table& table : section.tables) {
      for (const auto& row : table.rows) EXPECT_EQ(row.size(), table.columns.size()) << table.name;
      if (table.total.empty()) continue;
      for (const std::size_t column : table.summed_columns) {
        double sum = table.others.empty() ? 0 : number(table.others[column]);
        for (const auto& row : table.rows) sum += number(row[column]);
        EXPECT_EQ(sum, number(table.total[column])) << table.name << ' ' << table.columns[column].name;
        if (!table.others.empty()) {
          EXPECT_GE(number(table.others[column]), 0) << table.name << ' ' << table.columns[column].name;
        }
        ++checked;
      }
    }
    for (const Section& inner : section.sections) check(inner);
  };
  for (const Section& section : report.sections) check(section);
  return checked;
}

const Table* find_table(const Report& report, std::string_view name) {
  for (const Section& section : report.sections) {
    for (const Table& table : section.tables) {
      if (table.name == name) return &table;
    }
  }
  return nullptr;
}

void expect_contains(const std::string& text, std::string_view part) {
  EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
}

}  // namespace

TEST(FragmentationReport, PartsSumToTheRegions) {
  const Snapshot snapshot = server().build();
  const auto database = analysed(snapshot);
  for (const std::size_t rows : {std::size_t{0}, std::size_t{1}, std::size_t{25}}) {
    const Report report = build_fragmentation(*database, {rows});
    EXPECT_GE(check_sums(report), 20u);
    const Table* parts = find_table(report, "parts");
    ASSERT_NE(parts, nullptr);
    ASSERT_EQ(parts->rows.size(), 4u) << "live, free, cached, overhead and nothing unaccounted for";
    std::uint64_t bytes = 0;
    for (const RegionRow& row : snapshot.regions) bytes += row.end - row.start;
    EXPECT_EQ(number(parts->total[1]), static_cast<double>(bytes));
    const Table* arenas = find_table(report, "arenas");
    ASSERT_NE(arenas, nullptr);
    for (const auto& row : arenas->rows) {
      EXPECT_EQ(number(row[2]) + number(row[3]) + number(row[4]) + number(row[5]), number(row[1]));
    }
    for (const char* of_free : {"arenas_free", "sizes", "bins"}) {
      const Table* table = find_table(report, of_free);
      ASSERT_NE(table, nullptr) << of_free;
      for (std::size_t i = 0; i < table->columns.size(); ++i) {
        if (table->columns[i].name == "free_bytes") {
          EXPECT_EQ(number(table->total[i]), 1024 + 4096 + 96) << of_free;
        }
      }
    }
  }
}

TEST(FragmentationReport, WhatWasGivenBackIsNotFree) {
  HeapLayout heap;
  heap.region("slab", 0x10000, 0, "jemalloc arena 0, 64-byte slab");
  (void)heap.used(64);
  heap.free(64);
  heap.region("retained extent", 0x800000, 0, "jemalloc arena 0, retained extent");
  heap.free(1 << 20);
  const Report report = build_fragmentation(*analysed(heap.build()), {});
  check_sums(report);
  const Table* parts = find_table(report, "parts");
  ASSERT_NE(parts, nullptr);
  ASSERT_EQ(parts->rows.size(), 5u);
  EXPECT_EQ(parts->rows[1][1], Cell(std::int64_t{64}));
  EXPECT_EQ(parts->rows[4][0], Cell(std::string("given back, address space kept")));
  EXPECT_EQ(parts->rows[4][1], Cell(std::int64_t{1 << 20}));
  for (const char* of_free : {"sizes", "bins"}) {
    const Table* table = find_table(report, of_free);
    ASSERT_NE(table, nullptr);
    EXPECT_EQ(table->rows.size(), 1u) << of_free;
  }
  expect_contains(render_text(report, {}), "64 B are free in 1 block");
}

TEST(FragmentationReport, WhatDoesNotAddUpIsShown) {
  Snapshot snapshot = server().build();
  snapshot.regions[0].overhead_bytes -= 10;
  const Report report = build_fragmentation(*analysed(snapshot), {});
  const Table* parts = find_table(report, "parts");
  ASSERT_NE(parts, nullptr);
  ASSERT_EQ(parts->rows.size(), 5u);
  EXPECT_EQ(parts->rows[4][0], Cell(std::string("not accounted for")));
  EXPECT_EQ(parts->rows[4][1], Cell(std::int64_t{10}));
}

TEST(FragmentationReport, EveryPinHasItsRetainer) {
  const std::string text = render_text(build_fragmentation(*analysed(server().build()), {}), {});
  expect_contains(text, "1: in glibc main arena: static acme::registry \u2192 Cache +0x8 \u2192 Session");
  expect_contains(text, "2: in glibc arena 0x7f0000: leaked: nothing reaches this Leaked");
}

TEST(FragmentationReport, ALongPathIsShownByItsEnds) {
  HeapLayout heap;
  heap.region("arena", 0x10000, 0, "arena");
  ObjectId last = heap.used(16, "Head");
  heap.root(last, RootKind::static_data, "list");
  for (int i = 0; i < 999; ++i) {
    const ObjectId next = heap.used(16, "Node");
    heap.reference(last, next);
    last = next;
  }
  heap.free(64);
  const ObjectId tail = heap.used(16, "Tail");
  heap.reference(last, tail);
  const auto database = analysed(heap.build());
  const Report report = build_fragmentation(*database, {});
  expect_contains(
      render_text(report, {}),
      "1: in arena: static list \u2192 Head +0x8 \u2192 Node +0x8 \u2192 Node +0x8 \u2192 Node \u2192 \u2026 +0x8 "
      "\u2192 Node +0x8 \u2192 Node +0x8 \u2192 Node +0x8 \u2192 Tail");
  const Table* path = find_table(report, "path_1");
  ASSERT_NE(path, nullptr);
  EXPECT_EQ(path->rows.size(), 200u);
  EXPECT_EQ(path->rows.back()[0], Cell(std::int64_t{1000}));
}

TEST(FragmentationReport, SaysWhichRequestSucceeds) {
  HeapLayout heap;  // 32/8/16/12/24/4/40
  heap.region("main arena", 0x10000, 0, "heap");
  (void)heap.used(32);
  heap.free(8);
  (void)heap.used(16);
  heap.free(12);
  (void)heap.used(24);
  heap.free(4);
  (void)heap.used(40);
  RenderOptions unlimited;
  unlimited.width = 0;
  const std::string text = render_text(build_fragmentation(*analysed(heap.build()), {}), unlimited);
  expect_contains(
      text,
      "24 B are free in 3 blocks; the largest has 12 B. The largest request that succeeds without more memory from "
      "the system has 12 bytes; one of 13 fails.");
  expect_contains(text, "External fragmentation is 50 %");
  expect_contains(text, "internal fragmentation is not given");
}

TEST(FragmentationReport, InternalFragmentationIsListedByTypeWhenItIsKnown) {
  HeapLayout heap;
  heap.region("slab", 0x10000, 0, "32-byte slab");
  heap.requested(heap.used(32, "std::string body"), 25);
  const Report report = build_fragmentation(*analysed(heap.build()), {});
  const Table* table = find_table(report, "requested");
  ASSERT_NE(table, nullptr);
  EXPECT_EQ(table->total[4], Cell(std::int64_t{7}));
  EXPECT_GT(check_sums(report), 0u);
}

TEST(FragmentationReport, AnHprofSaysNothingOfTheAllocator) {
  Snapshot snapshot = server().build();
  snapshot.regions.clear();
  snapshot.free_blocks.clear();
  snapshot.format = "hprof";
  const std::string text = render_text(build_fragmentation(*analysed(snapshot), {}), {});
  expect_contains(text, "An HPROF dump says nothing of the allocator");
  EXPECT_EQ(text.find("External"), std::string::npos);
}

TEST(FragmentationReport, MapAndSchemaInEveryFormat) {
  const auto database = analysed(server().build());
  const Report report = build_fragmentation(*database, {});
  const std::string text = render_text(report, {});
  expect_contains(text, "|  glibc main arena, 5.2 KiB");
  const std::string json = render_json(report, {});
  EXPECT_TRUE(json.starts_with("{\"schema\": \"heapql/fragmentation@1\"")) << json.substr(0, 80);
  Statement valid = database->prepare("SELECT json_valid(:json)");
  valid.bind("json", std::string_view(json));
  ASSERT_TRUE(valid.step());
  EXPECT_EQ(valid.integer(0), 1);
  expect_contains(json, "\"external_percent\": 21.4");
  expect_contains(json, "\"internal_percent\": null");
  expect_contains(json, "\"name\": \"arena_requests\"");
  expect_contains(render_markdown(report, {}), "## Arenas");
}

TEST(FragmentationReport, NamesOfADumpSteerNothing) {
  const Report report = build_fragmentation(*analysed(server("<b>|\x1b[31m`x`\n\xff").build()), {});
  for (const Renderer& renderer : renderers()) {
    if (renderer.name == "csv") continue;  // data, byte for byte
    EXPECT_EQ(renderer.render(report, {}).find('\x1b'), std::string::npos) << renderer.name;
  }
}

TEST(FragmentationReport, TextIsAsWideAsItIsAllowed) {
  HeapLayout heap = server();
  RenderOptions options;
  options.width = 100;
  const std::string text = render_text(build_fragmentation(*analysed(heap.build()), {}), options);
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    const auto width = std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; });
    EXPECT_LE(width, 100) << line;
    at = end + 1;
  }
}
