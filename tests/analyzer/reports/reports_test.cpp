#include "analyzer/reports/reports.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "analyzer/reports/diff.h"
#include "analyzer/reports/render.h"
#include "tests/analyzer/suspects/heap_fixture.h"

using namespace analyzer;
using namespace queries;
using tests::NamedHeap;

namespace {

double number(const Cell& cell) {
  if (const auto* integer = std::get_if<std::int64_t>(&cell)) return static_cast<double>(*integer);
  const auto* real = std::get_if<double>(&cell);
  return real != nullptr ? *real : 0;
}

/// Of every table: rows + others = total, in each summed column.
void expect_conservation(const Report& report) {
  const std::function<void(const Section&)> check = [&](const Section& section) {
    for (const Table& table : section.tables) {
      for (const auto& row : table.rows)
        ASSERT_EQ(row.size(), table.columns.size()) << report.name << ' ' << table.name;
      if (table.total.empty()) continue;
      for (const std::size_t column : table.summed_columns) {
        double sum = table.others.empty() ? 0 : number(table.others[column]);
        for (const auto& row : table.rows) sum += number(row[column]);
        EXPECT_NEAR(sum, number(table.total[column]), 1e-6)
            << report.name << ' ' << table.name << ' ' << table.columns[column].name;
        if (!table.others.empty() && report.name != "diff") {
          EXPECT_GE(number(table.others[column]), 0) << table.name;
        }
      }
    }
    for (const Section& inner : section.sections) check(inner);
  };
  for (const Section& section : report.sections) check(section);
}

NamedHeap shop(std::uint32_t listeners, const std::string& element = "com.acme.View") {
  NamedHeap heap;
  const queries::ObjectId list = heap.list_of(listeners, element, 1000);  // the first objects, whatever the compiler
  heap.field(heap.root_class("com.acme.Bus"), "listeners", list);
  (void)heap.graph.objects(40, "com.acme.Garbage", 100);
  return heap;
}

std::unique_ptr<Database> digest(const NamedHeap& heap) {
  const tests::Analysed analysed = tests::analyse(heap);
  return write_digest(analysed.snapshot, analysed.results);
}

constexpr std::string_view hostile = "com.acme.<b>|\x1b[31m`x`\"\n,\xff";

}  // namespace

TEST(Reports, EveryReportConservesWhatItSums) {
  const auto database = digest(shop(500));
  for (const ReportType& type : report_types()) {
    for (const std::size_t rows : {std::size_t{0}, std::size_t{1}, std::size_t{25}}) {
      SCOPED_TRACE(type.name);
      const Report report = type.build(*database, ReportOptions{rows});
      EXPECT_EQ(report.name, type.name);
      EXPECT_FALSE(report.sections.empty());
      expect_conservation(report);
    }
  }
}

TEST(Reports, AnUnknownReportIsNotFound) {
  EXPECT_EQ(find_report_type("leak-suspect"), nullptr);
  ASSERT_NE(find_report_type("leak-suspects"), nullptr);
}

TEST(Reports, TheFirstParagraphOfASuspectIsWorthATicket) {
  const Report report = build_leak_suspects(*digest(shop(500)), {});
  ASSERT_EQ(report.sections.size(), 2u);
  const Section& suspect = report.sections[1];
  for (const char* needed : {"com.acme.Bus", "500 com.acme.View", "% of the live heap", "static com.acme.Bus.listeners",
                             "What to do:", "system class loader"}) {
    EXPECT_NE(suspect.paragraphs.at(0).find(needed), std::string::npos) << needed << " in " << suspect.paragraphs.at(0);
  }
}

TEST(Reports, DamageComesFirst) {
  const NamedHeap heap = shop(200);
  const tests::Analysed analysed = tests::analyse(heap, [](Snapshot& snapshot) {
    snapshot.damage.push_back({1234, 10, "record cut short"});
    snapshot.damage_count = 1;
    snapshot.damaged_bytes = 10;
    snapshot.roots_reconstructed = true;
  });
  const auto database = write_digest(analysed.snapshot, analysed.results);
  for (const ReportType& type : report_types()) {
    const Report report = type.build(*database, {});
    ASSERT_GE(report.warnings.size(), 2u) << type.name;
    const std::string text = render_text(report, {});
    EXPECT_LT(text.find("damaged"), text.find("com.acme")) << type.name;
  }
}

TEST(Reports, DiffIsByClassSuspectAndPathNeverByAddress) {
  const auto before = digest(shop(300));
  const auto after = digest(shop(500));
  const Report report = build_diff(*before, *after, {});
  expect_conservation(report);
  const std::string text = render_text(report, {});
  EXPECT_NE(text.find("grown"), std::string::npos);
  EXPECT_EQ(text.find("0x"), std::string::npos);
  EXPECT_NE(text.find("0 new and 0 gone of 1 suspects"), std::string::npos) << text;

  const Report itself = build_diff(*after, *after, {});
  expect_conservation(itself);
  for (const Section& section : itself.sections) {
    if (section.name == "classes") {
      EXPECT_TRUE(section.tables.at(0).rows.empty());
    }
  }
}

TEST(Renderers, NothingOfADumpSteersTheReader) {
  const auto database = digest(shop(500, std::string(hostile)));
  for (const ReportType& type : report_types()) {
    const Report report = type.build(*database, {});
    for (const Renderer& renderer : renderers()) {
      SCOPED_TRACE(std::string(type.name) + ' ' + std::string(renderer.name));
      const std::string out = renderer.render(report, {});
      if (renderer.name != "csv") {
        EXPECT_EQ(out.find('\x1b'), std::string::npos);  // CSV is data, byte for byte
      }
      if (renderer.name == "markdown") {
        std::size_t at = 0;
        while (at < out.size()) {
          const std::size_t end = std::min(out.find('\n', at), out.size());
          const std::string line = out.substr(at, end - at);
          if (!line.starts_with("    ")) {
            EXPECT_EQ(line.find("<b>"), std::string::npos) << line;
          }
          at = end + 1;
        }
      }
      if (renderer.name == "json") {
        EXPECT_EQ(out.find('\xff'), std::string::npos);
        EXPECT_EQ(out.find("{\"schema\": \"heapql/" + report.name + "@1\""), 0u);
      }
    }
  }
}

TEST(Renderers, CsvQuotesAsRfc4180Says) {
  Report report;
  Section section;
  Table table;
  table.columns = {{"name", CellFormat::text}, {"bytes", CellFormat::bytes}, {"at", CellFormat::address}};
  table.rows = {{std::string("a,\"b\"\nc"), std::int64_t{2048}, std::int64_t{255}}, {Cell(), Cell(), Cell()}};
  section.tables = {table, table};
  report.sections = {section};
  EXPECT_EQ(render_csv(report, {}),
            "name,bytes,at\r\n\"a,\"\"b\"\"\nc\",2048,0xff\r\n,,\r\n\r\nname,bytes,at\r\n\"a,\"\"b\"\"\nc\",2048,"
            "0xff\r\n,,\r\n");
}

TEST(Renderers, TextTablesFitTheWidthAndKeepTheEndsOfNames) {
  Report report;
  Section section;
  Table table;
  table.columns = {{"class", CellFormat::text}, {"bytes", CellFormat::bytes}};
  table.rows = {{std::string(200, 'a') + "$Inner", std::int64_t{4096}}};
  section.tables = {table};
  report.sections = {section};
  RenderOptions options;
  options.width = 60;
  const std::string text = render_text(report, options);
  EXPECT_NE(text.find("aa$Inner  4.0 KiB"), std::string::npos) << text;
  EXPECT_EQ(text.find("class"), text.find_first_not_of(' ', 0));
}

TEST(Renderers, NamesOfColumnsBreakBeforeATableIsTooWide) {
  Table table;
  table.columns = {{"site", CellFormat::text},
                   {"where", CellFormat::text},
                   {"allocation_count", CellFormat::integer},
                   {"allocated_bytes", CellFormat::bytes},
                   {"mean_lifetime_bytes", CellFormat::bytes}};
  table.rows = {{std::string("open_session"), std::string("requests.c:43"), std::int64_t{2000}, std::int64_t{160'000},
                 std::int64_t{5000}}};
  Report report;
  report.sections.push_back({"sites", "", {}, {}, {}, {table}, {}});
  EXPECT_NE(render_text(report, {.color = false, .width = 100}).find("allocation_count"), std::string::npos);
  const std::string narrow = render_text(report, {.color = false, .width = 70});
  EXPECT_NE(narrow.find("  site          where                count       bytes      bytes\n"), std::string::npos)
      << narrow;
  // On a terminal the last columns go before its lines wrap.
  const std::string terminal = render_text(report, {.color = false, .width = 60, .leave_out_columns = true});
  EXPECT_NE(terminal.find("[too narrow for mean_lifetime_bytes:"), std::string::npos) << terminal;
}

TEST(Renderers, LambdasOfOneFunctionStayApart) {
  Table table;
  table.columns = {{"site", CellFormat::text}, {"count", CellFormat::integer}};
  table.rows = {{std::string("a_long_name_of_a_function::{lambda(int)#1}::operator()(int) const"), std::int64_t{1}},
                {std::string("a_long_name_of_a_function::{lambda(int)#2}::operator()(int) const"), std::int64_t{1}}};
  Report report;
  report.sections.push_back({"sites", "", {}, {}, {}, {table}, {}});
  const std::string text = render_text(report, {.color = false, .width = 50});
  EXPECT_NE(text.find("1}::operator()"), std::string::npos) << text;
  EXPECT_NE(text.find("2}::operator()"), std::string::npos) << text;
}

TEST(Renderers, LeakSuspectsAsTextIsWhatItWas) {
  const std::string text = render_text(build_leak_suspects(*digest(shop(500)), {}), {});
  EXPECT_NE(text.find("  \u252C\u2500 GC root: sticky_class\n"
                      "  \u251C\u2500 class com.acme.Bus  #1002  retains 500.0 KiB\n"
                      "  \u2502     \u2193 static listeners\n"
                      "  \u251C\u2500 java.util.ArrayList  #0  retains 500.0 KiB\n"
                      "  \u2502     \u2193 elementData\n"
                      "  \u2570\u2192 java.lang.Object[]  #1  retains 500.0 KiB\n"),
            std::string::npos)
      << text;
}
