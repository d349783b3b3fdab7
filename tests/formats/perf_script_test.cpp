#include "formats/perf_script.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "formats/perf_data_source.h"
#include "tests/support/perf_texts.h"

namespace {

using formats::DamageLog;
using formats::MemoryAccess;
using tests::small_perf_script;

std::vector<MemoryAccess> read(const std::string& file, DamageLog& damage) {
  formats::perf_script::Reader reader(std::as_bytes(std::span(file)), damage);
  std::vector<MemoryAccess> all;
  while (auto access = reader.next()) all.push_back(*access);
  return all;
}

TEST(PerfScript, SamplesOfEverySpellingAreRead) {
  EXPECT_TRUE(formats::perf_script::looks_like(std::as_bytes(std::span(small_perf_script))));
  DamageLog damage;
  const std::vector<MemoryAccess> all = read(small_perf_script, damage);
  EXPECT_EQ(damage.count(), 0U);
  ASSERT_EQ(all.size(), 7U);
  EXPECT_EQ(all[0].event, "cpu/mem-loads,ldlat=30/P");
  EXPECT_EQ(all[0].address, 0x55c8971f0080U);
  EXPECT_EQ(all[0].process_id, -1);
  EXPECT_EQ(all[0].thread_id, 5415);
  EXPECT_EQ(all[0].thread_name, "app");
  EXPECT_EQ(all[0].code_address, 0x56341cfcf181U);
  EXPECT_EQ(all[0].function, "serve(int, char)");
  EXPECT_EQ(all[0].module, "/opt/my app");
  EXPECT_EQ(all[0].memory_level, "Remote Remote Cache (1 hop) or L3 hit");
  EXPECT_EQ(all[0].samples, 1U);
  EXPECT_EQ(all[0].loads.count, 1U);
  EXPECT_EQ(all[0].stores.count, 0U);
  EXPECT_EQ(all[0].hitm_remote.count, 1U);
  EXPECT_EQ(all[0].hitm_remote.mean_cycles, 601U);
  EXPECT_EQ(all[0].hitm_local.count, 0U);
  EXPECT_EQ(all[0].cpu_count, 1U);

  EXPECT_EQ(all[1].process_id, 5412);
  EXPECT_EQ(all[1].thread_id, 5414);
  EXPECT_EQ(all[1].thread_name, "my app");
  EXPECT_EQ(all[1].variable, "counters+0x8");
  EXPECT_EQ(all[1].variable_module, "/opt/app");
  EXPECT_EQ(all[1].function, "add");  // which is a hexadecimal number as well
  EXPECT_EQ(all[1].code_address, 0x56341cfcf1b9U);
  EXPECT_EQ(all[1].module, "/opt/app");
  EXPECT_EQ(all[1].hitm_local.count, 1U);
  EXPECT_EQ(all[1].loads.mean_cycles, 180U);

  EXPECT_EQ(all[2].event, "cpu/mem-stores/P");
  EXPECT_EQ(all[2].thread_id, -1);
  EXPECT_EQ(all[2].variable, "");
  EXPECT_EQ(all[2].stores.count, 1U);
  EXPECT_EQ(all[2].stores.mean_cycles, std::nullopt);
  EXPECT_EQ(all[2].code_address, std::nullopt);

  EXPECT_EQ(all[3].address, std::nullopt);
  EXPECT_EQ(all[3].code_address, std::nullopt);
  EXPECT_EQ(all[3].function, "touch");
  EXPECT_EQ(all[3].module, "/opt/app (deleted)");
  EXPECT_EQ(all[3].loads.mean_cycles, 10U);

  EXPECT_EQ(all[4].event, "cpu_core/mem-loads,ldlat=30/");
  EXPECT_EQ(all[4].loads.mean_cycles, 5U);
  EXPECT_EQ(all[4].code_address, 0xffffffff8cc2ba08U);
  EXPECT_EQ(all[4].function, "operator|=");
  EXPECT_EQ(all[4].module, "[kernel.kallsyms]");

  EXPECT_EQ(all[5].event, "l1d-miss");
  EXPECT_EQ(all[5].address, std::nullopt);
  EXPECT_EQ(all[5].peer_local.count, 1U);
  EXPECT_EQ(all[5].loads.mean_cycles, std::nullopt);
  EXPECT_EQ(all[5].code_address, 0xaaaac17c3e88U);
  EXPECT_EQ(all[5].function, "");

  EXPECT_EQ(all[6].address, 0xffff0027a65352a0U);
  EXPECT_EQ(all[6].memory_level, "L1 miss");
  EXPECT_EQ(all[6].loads.count, 1U);
  EXPECT_EQ(all[6].offset, small_perf_script.find("  ls 14753"));
}

TEST(PerfScript, DataSourcesAreDecodedAsPerfC2cDoes) {
  using formats::decode_data_source;
  EXPECT_TRUE(decode_data_source(0x68100142).is_load);
  EXPECT_FALSE(decode_data_source(0x68100142).is_hitm);
  EXPECT_TRUE(decode_data_source(0x669800842).is_hitm);
  EXPECT_FALSE(decode_data_source(0x669800842).is_remote);
  EXPECT_TRUE(decode_data_source(0x2669808042).is_hitm);
  EXPECT_TRUE(decode_data_source(0x2669808042).is_remote);
  EXPECT_FALSE(decode_data_source(0x288800142).is_hitm);  // L1 hit and HitM: of no other cache
  EXPECT_TRUE(decode_data_source(0x288100144).is_store);
  EXPECT_TRUE(decode_data_source(0x8688000842).is_peer);
  EXPECT_FALSE(decode_data_source(0).is_load);
  EXPECT_FALSE(decode_data_source(~std::uint64_t{0}).is_store);
}

TEST(PerfScript, WithoutDataSourceThereIsNoAccess) {
  EXPECT_FALSE(formats::perf_script::parse_sample("app 5427 344.640000: cycles:  56341cfcf1b9 add (/opt/app)"));
  EXPECT_FALSE(formats::perf_script::parse_sample(""));
  const std::string file = "app 1 1.0: x: zz |OP LOAD|LVL L1 hit\napp 1 1.0: cycles: 12 f (/app)\n";
  DamageLog damage;
  EXPECT_TRUE(read(file, damage).empty());
  EXPECT_EQ(damage.count(), 1U);
  EXPECT_EQ(damage.entries().at(0).offset, 0U);
}

TEST(PerfScript, EveryTruncationKeepsWhatIsBeforeIt) {
  std::size_t before = 0;
  for (std::size_t size = 0; size < small_perf_script.size(); ++size) {
    const std::string cut = small_perf_script.substr(0, size);
    DamageLog damage;
    const std::size_t now = read(cut, damage).size();
    EXPECT_TRUE(now == before || now == before + 1) << size;
    EXPECT_LE(damage.count(), 1U) << size;
    before = now;
    (void)formats::perf_script::parse_sample(cut.substr(cut.rfind('\n') + 1));
  }
}

TEST(PerfScript, EveryByteFlipIsSurvived) {
  for (std::size_t at = 0; at < small_perf_script.size(); ++at) {
    for (const int flip : {0x01, 0x20, 0x80}) {
      std::string file = small_perf_script;
      file[at] = static_cast<char>(file[at] ^ flip);
      DamageLog damage;
      EXPECT_LE(read(file, damage).size(), 7U) << at;
    }
  }
}

}  // namespace
