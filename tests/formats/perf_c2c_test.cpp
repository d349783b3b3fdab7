#include "formats/perf_c2c.h"

#include <gtest/gtest.h>

#include "tests/support/perf_texts.h"

namespace {

using formats::DamageLog;
using formats::MemoryAccess;
using tests::PerfC2cWriter;
using tests::small_perf_c2c;
using Layout = PerfC2cWriter::Layout;

std::vector<MemoryAccess> read(const std::string& file, DamageLog& damage) {
  formats::perf_c2c::Reader reader(std::as_bytes(std::span(file)), damage);
  std::vector<MemoryAccess> all;
  while (auto access = reader.next()) all.push_back(*access);
  return all;
}

bool looks_like(const std::string& file) { return formats::perf_c2c::looks_like(std::as_bytes(std::span(file))); }

/// As they were printed: before nodes, until 5.10, until 5.19, since; and what options change.
std::vector<Layout> layouts() {
  Layout before_nodes{.has_nodes = false, .has_records = false, .has_short_names = true, .has_stores_na = false};
  before_nodes.has_process = true;
  before_nodes.nodes_heading = "Node{cpu list}";
  Layout until_5_10{.has_short_names = true, .has_stores_na = false};
  Layout until_5_19{.has_stores_na = false};
  Layout peer{.is_peer = true};
  Layout not_stdio{.is_stdio = false};
  Layout by_thread{.has_process = true, .has_thread = true};
  by_thread.nodes_heading = "Node{cpus %hitms %stores}";
  Layout by_thread_only{.has_thread = true, .has_code = false};
  Layout without_source{.has_source = false};
  Layout callchains{.has_callchains = true};
  Layout mailed;
  mailed.indentation = "  ";
  return {Layout{},  before_nodes,   until_5_10,     until_5_19, peer,  not_stdio,
          by_thread, by_thread_only, without_source, callchains, mailed};
}

/// Those that differ most, for what takes its time.
std::vector<Layout> few_layouts() {
  const std::vector<Layout> all = layouts();
  Layout callchains{.is_stdio = false, .has_thread = true, .has_callchains = true};
  return {all[1], callchains};
}

TEST(PerfC2c, LinesAndAccessesOfEveryLayoutAreRead) {
  for (const Layout& layout : layouts()) {
    const std::string file = small_perf_c2c(layout);
    EXPECT_TRUE(looks_like(file));
    DamageLog damage;
    const std::vector<MemoryAccess> all = read(file, damage);
    EXPECT_EQ(damage.count(), 0U) << file << (damage.entries().empty() ? "" : damage.entries()[0].what);
    ASSERT_EQ(all.size(), 7U) << file;

    EXPECT_TRUE(all[0].address_is_line_only);
    EXPECT_FALSE(all[0].counts_are_estimates);
    EXPECT_EQ(all[0].line, 0U);
    EXPECT_EQ(all[0].address, 0x20ea08034080U);
    EXPECT_EQ(all[0].samples, 3164U);
    EXPECT_EQ(all[0].loads.count, 3152U);
    EXPECT_EQ(all[0].stores.count, 12U);
    EXPECT_EQ(all[0].data_nodes, layout.has_nodes ? "0" : "");
    EXPECT_EQ(all[1].data_nodes, layout.has_nodes ? "0-1" : "");

    const MemoryAccess& first = all[2];
    EXPECT_FALSE(first.address_is_line_only);
    EXPECT_TRUE(first.counts_are_estimates);
    EXPECT_EQ(first.line, 0U);
    EXPECT_EQ(first.address, 0x20ea080340b0U);
    EXPECT_EQ(first.offset, file.rfind('\n', file.find("75.00%")) + 1);
    EXPECT_EQ(first.process_id, layout.has_process ? 14604 : -1);
    EXPECT_EQ(first.thread_id, layout.has_thread ? 14605 : -1);
    EXPECT_EQ(first.thread_name, layout.has_thread ? "my app" : "");
    EXPECT_EQ(first.code_address, layout.has_code ? std::optional<std::uint64_t>(0x53dc88) : std::nullopt);
    EXPECT_EQ(first.function, layout.has_code ? "serve(int, char)" : "");
    EXPECT_EQ(first.module, layout.has_code ? "app" : "");
    EXPECT_EQ(first.source, layout.has_code && layout.has_source ? "serve.cpp:12" : "");
    EXPECT_FALSE(first.texts_may_be_cut);
    EXPECT_EQ(first.cpu_count, 12U);
    EXPECT_EQ(first.data_nodes, "");  // "N/A"
    EXPECT_EQ(first.cpu_nodes, "0");
    EXPECT_EQ(first.stores.count, 9U);  // 100 % of 8 and 25 % of 4
    EXPECT_EQ(first.loads.mean_cycles, std::nullopt);
    EXPECT_EQ(first.loads.count, layout.has_records ? std::optional<std::uint64_t>(1552) : std::nullopt);
    EXPECT_EQ(first.samples, layout.has_records ? std::optional<std::uint64_t>(1561) : std::nullopt);
    EXPECT_EQ(all[3].cpu_nodes, "0{0-1,4}  1{24-25,120}");
    EXPECT_EQ(all[5].cpu_nodes, "0  1");
    EXPECT_EQ(all[5].address, 0xffff0027a65352c0U);
    EXPECT_EQ(all[5].line, 1U);
  }
}

TEST(PerfC2c, PercentagesAddUpToTheTotalsOfTheLine) {
  for (const Layout& layout : layouts()) {
    const std::string file = small_perf_c2c(layout);
    DamageLog damage;
    const std::vector<MemoryAccess> all = read(file, damage);
    ASSERT_EQ(all.size(), 7U);
    const auto local = layout.is_peer ? &MemoryAccess::peer_local : &MemoryAccess::hitm_local;
    const auto remote = layout.is_peer ? &MemoryAccess::peer_remote : &MemoryAccess::hitm_remote;
    const auto not_shown = layout.is_peer ? &MemoryAccess::hitm_local : &MemoryAccess::peer_local;
    EXPECT_EQ((all[0].*local).count, 2092U);
    EXPECT_EQ((all[0].*remote).count, 4U);
    EXPECT_EQ((all[2].*remote).count, 3U);
    EXPECT_EQ((all[2].*remote).mean_cycles, 410U);
    EXPECT_EQ((all[3].*remote).mean_cycles, std::nullopt);
    EXPECT_EQ((all[2].*local).count, 1038U);
    EXPECT_EQ((all[3].*local).count, 1054U);
    EXPECT_EQ((all[3].*local).mean_cycles, 75U);
    EXPECT_EQ((all[4].*local).count, 0U);
    EXPECT_EQ(all[4].stores.count, 3U);
    EXPECT_EQ((all[2].*not_shown).count, std::nullopt);
  }
}

/// Of a published report of a program with two counters and a lock in one line: 6 places, of all that was sampled.
TEST(PerfC2c, EstimatesOfARealReportAddUpExactly) {
  const PerfC2cWriter::Line line = {
      .address = "0x602180", .remote = 9834, .local = 2269, .l1_hits = 109036, .l1_misses = 468, .loads = 40400};
  const auto place = [](std::string remote, std::string local, std::string hits, std::string misses, std::string at) {
    return PerfC2cWriter::Access{std::move(remote),
                                 std::move(local),
                                 std::move(hits),
                                 std::move(misses),
                                 "0.00",
                                 std::move(at),
                                 "14604",
                                 "",
                                 "0x400b4f",
                                 "27161",
                                 "26039",
                                 "26017",
                                 "",
                                 "9",
                                 "[.] serve",
                                 "app",
                                 "app.c:144",
                                 "0{0-1,4}  1{24-25,120}  2{48,54}  3{169}"};
  };
  PerfC2cWriter writer(layouts()[1]);
  writer.pareto()
      .totals(0, line)
      .access(place("65.51", "55.88", "75.20", "0.00", "0x0"))
      .access(place("0.41", "0.35", "0.00", "0.00", "0x0"))
      .access(place("0.00", "0.00", "24.80", "100.00", "0x0"))
      .access(place("7.50", "9.92", "0.00", "0.00", "0x20"))
      .access(place("17.61", "20.89", "0.00", "0.00", "0x28"))
      .access(place("8.97", "12.96", "0.00", "0.00", "0x30"));
  DamageLog damage;
  std::uint64_t remote = 0, local = 0, stores = 0;
  for (const MemoryAccess& access : read(writer.bytes(), damage)) {
    remote += access.hitm_remote.count.value();
    local += access.hitm_local.count.value();
    stores += access.stores.count.value();
  }
  EXPECT_EQ(remote, 9834U);
  EXPECT_EQ(local, 2269U);
  EXPECT_EQ(stores, 109504U);
  EXPECT_EQ(damage.count(), 0U);
}

TEST(PerfC2c, AnotherTableEndsThisOne) {
  const std::string file = small_perf_c2c() + "# Overhead  Command\n# ........  .......\n#\n    50.00%  app\n";
  DamageLog damage;
  EXPECT_EQ(read(file, damage).size(), 7U);
  EXPECT_EQ(damage.count(), 0U);
}

TEST(PerfC2c, WhatPerfDoesNotKnowIsNoText) {
  const std::string file = small_perf_c2c();
  DamageLog damage;
  const std::vector<MemoryAccess> all = read(file, damage);
  ASSERT_EQ(all.size(), 7U);
  EXPECT_EQ(all[3].function, "github.com/someone/somethi");  // 30 bytes, with the level before it
  EXPECT_TRUE(all[3].texts_may_be_cut);
  EXPECT_EQ(all[3].source, "else.go:0");
  EXPECT_EQ(all[4].function, "");
  EXPECT_EQ(all[4].module, "");
  EXPECT_EQ(all[4].source, "");  // "app[13dbc]"
  EXPECT_EQ(all[5].function, "ktime_get");
  EXPECT_EQ(all[5].source, "");  // "ktime_get+19"
  EXPECT_EQ(all[6].source, "");  // "??:0"
  EXPECT_EQ(all[6].samples, 0U);
}

TEST(PerfC2c, FullSymbolsAreNotCut) {
  const std::string file = small_perf_c2c({.symbol_width = 50});
  DamageLog damage;
  const std::vector<MemoryAccess> all = read(file, damage);
  ASSERT_EQ(all.size(), 7U);
  EXPECT_EQ(all[3].function, "github.com/someone/something/else");
  EXPECT_FALSE(all[3].texts_may_be_cut);
}

TEST(PerfC2c, TotalsThatAreLostTakeTheirAccessesWithThem) {
  std::string file = small_perf_c2c();
  const std::string address = "0x20ea08034080";
  const std::size_t totals = file.find(address, file.find(address) + 1);
  file[totals + 1] = '?';
  DamageLog damage;
  const std::vector<MemoryAccess> all = read(file, damage);
  EXPECT_EQ(all.size(), 4U);  // the lines, and the accesses of the second one
  ASSERT_EQ(damage.count(), 4U);
  EXPECT_EQ(damage.entries()[0].offset, file.rfind('\n', totals) + 1);
  EXPECT_EQ(all[2].line, 1U);
}

TEST(PerfC2c, CountsAndOffsetsThatCannotBeAreDamage) {
  const auto lost = [](const std::string& from, const std::string& to) {
    std::string file = small_perf_c2c();
    file.replace(file.find(from), from.size(), to);
    DamageLog damage;
    (void)read(file, damage);
    return damage.count();
  };
  EXPECT_EQ(lost(" 75.00%", "175.00%"), 1U);
  EXPECT_EQ(lost(" 75.00%", "  -nan%"), 1U);
  EXPECT_EQ(lost("  0x30", "0x1000"), 1U);
  EXPECT_EQ(lost("0x53dc88", "     N/A"), 1U);
  EXPECT_EQ(lost("    3152", "99999999999999999999"), 1U);
  EXPECT_EQ(lost("    1561", "18446744073709551615"), 1U);
}

TEST(PerfC2c, OtherTablesAreNotRead) {
  EXPECT_FALSE(looks_like("# Overhead  Command  Symbol\n# ........  .......  ......\n#\n   50.00%  app      [.] f\n"));
  EXPECT_FALSE(looks_like("===\n  Trace\n===\n"));
  EXPECT_TRUE(looks_like("====\n    Global Shared Cache Line Event Information   \n====\n"));
  EXPECT_FALSE(formats::perf_c2c::parse_columns("#", "# a", "# " + std::string(2000, '.').replace(0, 1, ".")));
  std::string many = "#";
  for (int i = 0; i < 1000; ++i) many += " .";
  EXPECT_FALSE(formats::perf_c2c::parse_columns("#", "# Offset", many));
}

TEST(PerfC2c, EveryTruncationKeepsWhatIsBeforeIt) {
  for (const Layout& layout : few_layouts()) {
    const std::string whole = small_perf_c2c(layout);
    std::size_t before = 0;
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const std::string cut = whole.substr(0, size);
      DamageLog damage;
      const std::size_t now = read(cut, damage).size();
      EXPECT_TRUE(now == before || now == before + 1) << size;
      EXPECT_LE(damage.count(), 1U) << size;
      before = now;
    }
  }
}

TEST(PerfC2c, EveryByteFlipIsSurvived) {
  for (const Layout& layout : few_layouts()) {
    const std::string whole = small_perf_c2c(layout);
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (const int flip : {0x01, 0x20}) {
        std::string file = whole;
        file[at] = static_cast<char>(file[at] ^ flip);
        DamageLog damage;
        EXPECT_LE(read(file, damage).size(), 7U) << at;
        EXPECT_LE(damage.bytes(), file.size()) << at;
      }
    }
  }
}

}  // namespace
