#include "formats/perf_mem.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/perf_texts.h"

namespace {

using formats::DamageLog;
using formats::MemoryAccess;
using tests::small_perf_mem_dump;
using tests::small_perf_mem_report;

std::vector<MemoryAccess> read(const std::string& file, DamageLog& damage) {
  formats::perf_mem::Reader reader(std::as_bytes(std::span(file)), damage);
  std::vector<MemoryAccess> all;
  while (auto access = reader.next()) all.push_back(*access);
  return all;
}

bool looks_like(const std::string& file) { return formats::perf_mem::looks_like(std::as_bytes(std::span(file))); }

TEST(PerfMem, RawDumpsAreReadWithAnySeparator) {
  std::string with_commas =
      "# PID, TID, IP, ADDR, LOCAL WEIGHT, DSRC, SYMBOL\n"
      "6881,6882,0xffffffff817554ea,0x55c8971f0098,303,0x69081042,[kernel.kallsyms]:elf_load\n"
      "6881,6881,0x56341cfcf181,0x55c8971f0098,601,0x2669808042,/opt/my app:std::swap(int&, int&)\n"
      "6881,6881,0x56341cfcf1b9,0x0,0,0x69080144,???:???\n";
  for (const std::string& file : {small_perf_mem_dump, with_commas}) {
    EXPECT_TRUE(looks_like(file));
    DamageLog damage;
    const std::vector<MemoryAccess> all = read(file, damage);
    EXPECT_EQ(damage.count(), 0U);
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0].process_id, 6881);
    EXPECT_EQ(all[0].thread_id, 6882);
    EXPECT_EQ(all[0].code_address, 0xffffffff817554eaU);
    EXPECT_EQ(all[0].address, 0x55c8971f0098U);  // "0x01655c8971f0098" in the first row
    EXPECT_EQ(all[0].loads.mean_cycles, 303U);
    EXPECT_EQ(all[0].hitm_remote.count, 0U);
    EXPECT_EQ(all[0].module, "[kernel.kallsyms]");
    EXPECT_EQ(all[0].function, "elf_load");
    EXPECT_EQ(all[1].module, "/opt/my app");
    EXPECT_EQ(all[1].function, "std::swap(int&, int&)");
    EXPECT_EQ(all[1].hitm_remote.count, 1U);
    EXPECT_EQ(all[2].address, std::nullopt);
    EXPECT_EQ(all[2].stores.count, 1U);
    EXPECT_EQ(all[2].function, "");
    EXPECT_EQ(all[2].module, "");
  }
}

TEST(PerfMem, RowsOfReportsAreRead) {
  EXPECT_TRUE(looks_like(small_perf_mem_report));
  DamageLog damage;
  const std::vector<MemoryAccess> all = read(small_perf_mem_report, damage);
  EXPECT_EQ(damage.count(), 0U);
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(all[0].event, "cpu/mem-loads,ldlat=30/P");
  EXPECT_EQ(all[0].samples, 534U);
  EXPECT_EQ(all[0].loads.count, 534U);
  EXPECT_EQ(all[0].loads.mean_cycles, 32U);
  EXPECT_EQ(all[0].stores.count, 0U);
  EXPECT_EQ(all[0].hitm_local.count, 0U);
  EXPECT_EQ(all[0].address, 0x7ffcac77e3c8U);
  EXPECT_EQ(all[0].variable_module, "[stack]");
  EXPECT_EQ(all[0].function, "serve(int, char)");
  EXPECT_EQ(all[0].module, "app");
  EXPECT_EQ(all[0].memory_level, "L1 or L1 hit");
  EXPECT_EQ(all[1].address, std::nullopt);
  EXPECT_EQ(all[1].variable, "counters+0x8");
  EXPECT_EQ(all[1].hitm_remote.count, 25U);
  EXPECT_EQ(all[1].hitm_remote.mean_cycles, 602U);
  EXPECT_EQ(all[2].hitm_local.count, 7U);
  EXPECT_EQ(all[2].address, 0x55c8971f0088U);
  EXPECT_EQ(all[2].function, "");
  EXPECT_EQ(all[3].address, std::nullopt);
  EXPECT_EQ(all[3].variable, "");
  EXPECT_EQ(all[3].loads.mean_cycles, std::nullopt);
  EXPECT_EQ(all[4].event, "cpu/mem-stores/P");
  EXPECT_EQ(all[4].stores.count, 12U);
  EXPECT_EQ(all[4].loads.count, 0U);
  EXPECT_EQ(all[4].hitm_remote.count, std::nullopt);  // no column Snoop
}

TEST(PerfMem, AnEventThatSaysNothingLeavesTheKindOpen) {
  std::string file = small_perf_mem_report;
  for (const std::string event : {"cpu/mem-loads,ldlat=30/P", "cpu/mem-stores/P"})
    file.replace(file.find(event), event.size(), "ibs_op//");
  DamageLog damage;
  const std::vector<MemoryAccess> all = read(file, damage);
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(all[0].event, "ibs_op//");
  EXPECT_EQ(all[0].samples, 534U);
  EXPECT_EQ(all[0].loads.count, std::nullopt);
  EXPECT_EQ(all[0].stores.count, std::nullopt);
  EXPECT_EQ(all[1].hitm_remote.count, 25U);
}

TEST(PerfMem, OtherTablesAreNotRead) {
  EXPECT_FALSE(looks_like("# Overhead  Command  Symbol\n# ........  .......  ......\n#\n   50.00%  app      [.] f\n"));
  EXPECT_FALSE(looks_like("# PID, TID, IP, ADDR, SYMBOL\n"));
  EXPECT_FALSE(looks_like("# PID, TID, IP, ADDR, , SYMBOL\n"));
}

TEST(PerfMem, EveryTruncationKeepsWhatIsBeforeIt) {
  for (const std::string& whole : {small_perf_mem_dump, small_perf_mem_report}) {
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

TEST(PerfMem, EveryByteFlipIsSurvived) {
  for (const std::string& whole : {small_perf_mem_dump, small_perf_mem_report}) {
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (const int flip : {0x01, 0x20, 0x80}) {
        std::string file = whole;
        file[at] = static_cast<char>(file[at] ^ flip);
        DamageLog damage;
        EXPECT_LE(read(file, damage).size(), 6U) << at;
      }
    }
  }
}

}  // namespace
