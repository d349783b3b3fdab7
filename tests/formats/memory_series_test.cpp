// The readers of memory over time: proc_memory, series_table, malloc_info, jemalloc_stats, tcmalloc_stats.
#include <gtest/gtest.h>

#include <cmath>

#include "formats/jemalloc_stats.h"
#include "formats/malloc_info.h"
#include "formats/proc_memory.h"
#include "formats/series_table.h"
#include "formats/tcmalloc_stats.h"
#include "tests/support/series_writer.h"

namespace tests {
namespace {

using formats::Bytes;
using formats::DamageLog;

Bytes as_bytes(const std::string& text) { return std::as_bytes(std::span(text.data(), text.size())); }

template <typename Reader>
auto read_all(const std::string& text, DamageLog& damage) {
  Reader reader(as_bytes(text), damage);
  std::vector<typename decltype(reader.next())::value_type> samples;
  while (auto sample = reader.next()) samples.push_back(std::move(*sample));
  return samples;
}

std::uint64_t figure(const formats::proc_memory::Sample& sample, std::string_view name) {
  for (const auto& each : sample.figures) {
    if (each.name == name) return each.value;
  }
  ADD_FAILURE() << "no figure " << name;
  return 0;
}

std::string status_series() {
  StatusWriter writer;
  for (int i = 0; i < 4; ++i) writer.time(std::to_string(1795379203 + i)).sample(1000 + 10 * static_cast<unsigned>(i));
  return writer.text();
}

TEST(ProcMemory, StatusSeries) {
  DamageLog damage;
  const std::string text = status_series();  // samples hold views of it
  const auto samples = read_all<formats::proc_memory::Reader>(text, damage);
  ASSERT_EQ(samples.size(), 4u);
  EXPECT_EQ(damage.count(), 0u);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    EXPECT_EQ(samples[i].time->seconds, 1795379203.0 + static_cast<double>(i));
    EXPECT_EQ(figure(samples[i], "rss_bytes"), (1000 + 10 * i) * 1024);
    EXPECT_EQ(samples[i].program, "server");
    EXPECT_EQ(samples[i].process_id, 42);
    EXPECT_EQ(figure(samples[i], "threads"), 3u);
  }
}

TEST(ProcMemory, OneStatusWithoutATime) {
  DamageLog damage;
  const auto samples = read_all<formats::proc_memory::Reader>(StatusWriter().sample(7).text(), damage);
  ASSERT_EQ(samples.size(), 1u);
  EXPECT_FALSE(samples[0].time);
}

TEST(ProcMemory, SmapsAreSummedAndSplitByWhatIsMapped) {
  DamageLog damage;
  const std::string text = SmapsWriter().sample(100).time("2026-11-27T13:00:00Z").sample(200).text();
  const auto samples = read_all<formats::proc_memory::Reader>(text, damage);
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(figure(samples[0], "rss_bytes"), (100 + 64 + 16 + 12) * 1024u);
  EXPECT_EQ(figure(samples[1], "rss_bytes"), (200 + 64 + 16 + 12) * 1024u);
  EXPECT_EQ(figure(samples[1], "rss_heap_bytes"), 200 * 1024u);
  EXPECT_EQ(figure(samples[1], "rss_mapped_file_bytes"), 64 * 1024u);
  EXPECT_EQ(figure(samples[1], "rss_unnamed_bytes"), 16 * 1024u);
  EXPECT_EQ(figure(samples[1], "rss_stack_bytes"), 12 * 1024u);
  EXPECT_EQ(samples[1].mapping_count, 5u);
  EXPECT_FALSE(samples[0].time);
  EXPECT_TRUE(samples[1].time);
}

TEST(ProcMemory, SmapsWithoutTimesAreSplitWhereAddressesBeginAgain) {
  DamageLog damage;
  EXPECT_EQ(read_all<formats::proc_memory::Reader>(SmapsWriter().sample(1).sample(2).sample(3).text(), damage).size(),
            3u);
}

TEST(ProcMemory, SumOverSomeMappingsIsNoSum) {
  const std::string two = SmapsWriter().sample(100).sample(200).text();
  DamageLog damage;
  const std::string cut = two.substr(0, two.rfind("7ffcfa173000"));  // between two mappings
  EXPECT_EQ(read_all<formats::proc_memory::Reader>(cut, damage).size(), 1u);
  EXPECT_EQ(damage.count(), 1u);
}

/// Every truncation: samples are those of the whole, and what is missing of a sample is damage.
template <typename Reader, typename Equal>
void cut_everywhere(const std::string& text, std::size_t whole_samples, Equal&& equal) {
  DamageLog none;
  const auto whole = read_all<Reader>(text, none);
  ASSERT_EQ(whole.size(), whole_samples);
  for (std::size_t size = 0; size < text.size(); ++size) {
    DamageLog damage;
    const auto samples = read_all<Reader>(text.substr(0, size), damage);
    ASSERT_LE(samples.size(), whole.size());
    EXPECT_LE(damage.bytes(), size);
    for (std::size_t i = 0; i + 1 < samples.size(); ++i) EXPECT_TRUE(equal(samples[i], whole[i])) << size;
  }
}

/// Every byte flipped: reads to the end, whatever comes out.
template <typename Reader>
void flip_everywhere(std::string text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char flip : {'\x01', '\x80'}) {
      text[at] = static_cast<char>(text[at] ^ flip);
      DamageLog damage;
      (void)read_all<Reader>(text, damage);
      EXPECT_LE(damage.bytes(), text.size());
      text[at] = static_cast<char>(text[at] ^ flip);
    }
  }
}

TEST(ProcMemory, EveryTruncation) {
  const auto equal = [](const auto& a, const auto& b) { return figure(a, "rss_bytes") == figure(b, "rss_bytes"); };
  cut_everywhere<formats::proc_memory::Reader>(status_series(), 4, equal);
  cut_everywhere<formats::proc_memory::Reader>(SmapsWriter().sample(1).sample(2).sample(3).text(), 3, equal);
}

TEST(ProcMemory, EveryFlip) {
  flip_everywhere<formats::proc_memory::Reader>(status_series());
  flip_everywhere<formats::proc_memory::Reader>(SmapsWriter().sample(1).text());
}

TEST(ProcMemory, OtherTextsAreNotTaken) {
  for (const char* text : {"", "hello", "Name: x\n", "Name:\tx\nState:\tS\n", "1 2 3\n4 5 6\n",
                           "555e15b50000-555e15b51000 r--p 00000000 fe:00 1 /x\n"}) {
    EXPECT_FALSE(formats::proc_memory::looks_like(as_bytes(text))) << text;
  }
}

// ---- tables ----

std::vector<formats::series_table::Row> read_table(const std::string& text, DamageLog& damage) {
  return read_all<formats::series_table::Reader>(text, damage);
}

TEST(SeriesTable, CsvWithUnitsInTheHeader) {
  DamageLog damage;
  const std::string text =
      "timestamp,elapsed_s,rss_kb,vms_mb,label\n1795379203.3,0.0,100,2,a\n1795379204.3,1.0,110,2,b\n";
  formats::series_table::Reader reader(as_bytes(text), damage);
  ASSERT_EQ(reader.columns().size(), 2u);
  EXPECT_EQ(reader.columns()[0].name, "rss_bytes");
  EXPECT_EQ(reader.columns()[1].name, "vms_bytes");
  const auto rows = read_table(text, damage);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].values[0], 110 * 1024.0);
  EXPECT_EQ(rows[1].values[1], 2 * 1024.0 * 1024);
  EXPECT_EQ(rows[1].time.seconds, 1795379204.3);
}

TEST(SeriesTable, PsutilMeansBytes) {
  DamageLog damage;
  const auto rows = read_table("time;rss;vms\n0;4096;8192\n1;4096;8192\n", damage);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].values[0], 4096);
}

TEST(SeriesTable, Psrecord) {
  DamageLog damage;
  const auto rows = read_table(
      "# Elapsed time   CPU (%)     Real (MB)   Virtual (MB)\n"
      "       0.000        0.000        5.500       13.000\n"
      "       1.004       99.000        6.000       13.000\n",
      damage);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].values[0], 6 * 1024.0 * 1024);
  EXPECT_EQ(rows[1].time.seconds, 1.004);
}

TEST(SeriesTable, Pidstat) {
  DamageLog damage;
  const auto rows = read_table(
      "Linux 6.1.0 (host)  11/27/26  _x86_64_  (2 CPU)\n\n"
      "01:00:05 PM   UID       PID  minflt/s  majflt/s     VSZ     RSS   %MEM  Command\n"
      "01:00:06 PM     0     30039      1.00      0.00    9228    6728   0.03  grow\n"
      "\n"
      "01:00:06 PM   UID       PID  minflt/s  majflt/s     VSZ     RSS   %MEM  Command\n"
      "01:00:07 PM     0     30039      1.00      0.00    9620    7120   0.03  grow\n"
      "Average:        0     30039      1.00      0.00    9424    6924   0.03  grow\n",
      damage);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(damage.count(), 0u);
  EXPECT_EQ(rows[0].process_id, 30039);
  EXPECT_EQ(rows[1].values[1], 7120 * 1024.0);
  EXPECT_EQ(rows[1].time.seconds - rows[0].time.seconds, 1);
}

TEST(SeriesTable, BadRowsAreDamageAndTheRestIsRead) {
  DamageLog damage;
  const auto rows = read_table("t,rss_kb\n0,1\nyesterday,2\n2,many\n3,4\n4,", damage);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].values[0], 4096);
  EXPECT_EQ(damage.count(), 3u);
}

TEST(SeriesTable, OtherTablesAreNotTaken) {
  for (const char* text :
       {"", "a,b\n1,2\n", "name,real\n", "rss of the process\nis large\n", "#!/bin/sh\necho rss,vms\n"}) {
    EXPECT_FALSE(formats::series_table::looks_like(as_bytes(text))) << text;
  }
}

TEST(SeriesTable, EveryTruncationAndFlip) {
  const std::string text =
      "timestamp,rss_kb,vms_kb\n1795379203.3,100,200\n1795379204.3,110,210\n1795379205.3,120,220\n";
  cut_everywhere<formats::series_table::Reader>(
      text, 3, [](const auto& a, const auto& b) { return a.values == b.values && a.time.seconds == b.time.seconds; });
  flip_everywhere<formats::series_table::Reader>(text);
}

// ---- malloc_info ----

std::string malloc_infos() {
  return MallocInfoWriter().time("1795379203").sample(135168, 1074).time("1795379204").sample(270336, 2000).text();
}

TEST(MallocInfo, Series) {
  DamageLog damage;
  const auto samples = read_all<formats::malloc_info::Reader>(malloc_infos(), damage);
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(damage.count(), 0u);
  EXPECT_EQ(samples[0].system_bytes, 135168u);
  EXPECT_EQ(samples[0].free_bytes, 1072u);  // two chunks, each with a flag
  EXPECT_EQ(samples[0].free_count, 2u);
  EXPECT_EQ(samples[0].mapped_bytes, 4096u);
  EXPECT_EQ(samples[0].largest_free_bytes, 1040u);
  EXPECT_EQ(samples[0].heap_count, 1u);
  EXPECT_EQ(samples[1].time->seconds, 1795379204);
}

// Bins have chunks with their flags (another one in arenas), fast bins sizes without.
TEST(MallocInfo, FlagsOfChunksAreNoBytes) {
  const std::string text =
      "<malloc version=\"1\">\n<heap nr=\"1\">\n<sizes>\n  <size from=\"17\" to=\"32\" total=\"96\" count=\"3\"/>\n"
      "  <size from=\"69\" to=\"69\" total=\"138\" count=\"2\"/>\n  <unsorted from=\"101\" to=\"261\" total=\"362\" "
      "count=\"2\"/>\n</sizes>\n</heap>\n<total type=\"fast\" count=\"3\" size=\"96\"/>\n"
      "<total type=\"rest\" count=\"5\" size=\"1500\"/>\n<system type=\"current\" size=\"135168\"/>\n</malloc>\n";
  DamageLog damage;
  const auto samples = read_all<formats::malloc_info::Reader>(text, damage);
  ASSERT_EQ(samples.size(), 1u);
  EXPECT_EQ(samples[0].free_bytes, 96u + 1500 - 4 * 5);
  EXPECT_EQ(samples[0].largest_free_bytes, 256u);
  EXPECT_EQ(samples[0].free_count, 8u);
}

TEST(MallocInfo, EveryTruncationAndFlip) {
  cut_everywhere<formats::malloc_info::Reader>(
      malloc_infos(), 2, [](const auto& a, const auto& b) { return a.system_bytes == b.system_bytes; });
  flip_everywhere<formats::malloc_info::Reader>(malloc_infos());
}

TEST(MallocInfo, CutDocumentIsDamage) {
  const std::string text = malloc_infos();
  DamageLog damage;
  EXPECT_EQ(read_all<formats::malloc_info::Reader>(text.substr(0, text.size() - 20), damage).size(), 1u);
  EXPECT_EQ(damage.count(), 1u);
}

// ---- jemalloc_stats ----

std::string jemalloc_documents() {
  const auto json = [](int allocated) {
    return "{\"jemalloc\":{\"version\":\"5.3.0\",\"config\":{\"stats\":true},\"stats\":{\"allocated\":" +
           std::to_string(allocated) +
           ",\"active\":559,\"metadata\":28,\"resident\":831,\"mapped\":1188,\"retained\":226},"
           "\"stats.arenas\":{\"merged\":{\"small\":{\"allocated\":1}}}}}\n";
  };
  return "server: started\n1795379203\n" + json(517) + "1795379213\n" + json(617) +
         "1795379223\n___ Begin jemalloc statistics ___\nVersion: \"5.3.0\"\n"
         "Allocated: 717, active: 6, metadata: 7 (n_thp 0), resident: 8, mapped: 9, retained: 10\n"
         "--- End jemalloc statistics ---\n";
}

TEST(JemallocStats, JsonAndTextAmongOtherLines) {
  DamageLog damage;
  EXPECT_TRUE(formats::jemalloc_stats::looks_like(as_bytes(jemalloc_documents())));
  const auto samples = read_all<formats::jemalloc_stats::Reader>(jemalloc_documents(), damage);
  ASSERT_EQ(samples.size(), 3u);
  EXPECT_EQ(damage.count(), 0u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(samples[i].allocated_bytes, 517 + 100 * i);
    ASSERT_TRUE(samples[i].time);
    EXPECT_EQ(samples[i].time->seconds, 1795379203.0 + 10 * static_cast<double>(i));
  }
  EXPECT_EQ(samples[0].retained_bytes, 226u);
  EXPECT_EQ(samples[2].resident_bytes, 8u);
}

TEST(JemallocStats, EveryTruncationAndFlip) {
  cut_everywhere<formats::jemalloc_stats::Reader>(
      jemalloc_documents(), 3, [](const auto& a, const auto& b) { return a.allocated_bytes == b.allocated_bytes; });
  flip_everywhere<formats::jemalloc_stats::Reader>(jemalloc_documents());
}

// ---- tcmalloc_stats ----

std::string tcmalloc_statistics(int in_use) {
  return "------------------------------------------------\nMALLOC:        " + std::to_string(in_use) +
         " (    4.7 MiB) Bytes in use by application\nMALLOC: +       679936 (    0.6 MiB) Bytes in page heap "
         "freelist\n"
         "MALLOC: +       235416 (    0.2 MiB) Bytes in central cache freelist\n"
         "MALLOC: +        36864 (    0.0 MiB) Bytes in transfer cache freelist\n"
         "MALLOC: +       367984 (    0.4 MiB) Bytes in thread cache freelists\n"
         "MALLOC: +      4718592 (    4.5 MiB) Bytes in malloc metadata\nMALLOC:   ------------\n"
         "MALLOC: =     11010048 (   10.5 MiB) Actual memory used (physical + swap)\n"
         "MALLOC: +         8192 (    0.0 MiB) Bytes released to OS (aka unmapped)\nMALLOC:   ------------\n"
         "MALLOC: =     11018240 (   10.5 MiB) Virtual address space used\nMALLOC:\n"
         "MALLOC:            440              Spans in use\nMALLOC:           8192              Tcmalloc page size\n"
         "------------------------------------------------\n";
}
std::string tcmalloc_series() {
  return "server: started\n1795379203\n" + tcmalloc_statistics(517) + "1795379213\n" + tcmalloc_statistics(617);
}

TEST(TcmallocStats, Series) {
  DamageLog damage;
  EXPECT_TRUE(formats::tcmalloc_stats::looks_like(as_bytes(tcmalloc_series())));
  EXPECT_FALSE(formats::tcmalloc_stats::looks_like(as_bytes("MALLOC:  8192   Tcmalloc page size\n")));
  const auto samples = read_all<formats::tcmalloc_stats::Reader>(tcmalloc_series(), damage);
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(damage.count(), 0u);
  EXPECT_EQ(samples[0].in_use_bytes, 517u);
  EXPECT_EQ(samples[0].page_free_bytes, 679936u);
  EXPECT_EQ(samples[0].cached_bytes, 235416u + 36864 + 367984);
  EXPECT_EQ(samples[0].metadata_bytes, 4718592u);
  EXPECT_EQ(samples[0].resident_bytes, 11010048u);
  EXPECT_EQ(samples[0].retained_bytes, 8192u);
  EXPECT_EQ(samples[0].mapped_bytes, 11018240u);
  ASSERT_TRUE(samples[1].time);
  EXPECT_EQ(samples[1].time->seconds, 1795379213);
}

TEST(TcmallocStats, EveryTruncationAndFlip) {
  cut_everywhere<formats::tcmalloc_stats::Reader>(
      tcmalloc_series(), 2, [](const auto& a, const auto& b) { return a.mapped_bytes == b.mapped_bytes; });
  flip_everywhere<formats::tcmalloc_stats::Reader>(tcmalloc_series());
}

TEST(TcmallocStats, CutStatisticsAreDamage) {
  const std::string text = tcmalloc_series();
  DamageLog damage;
  EXPECT_EQ(read_all<formats::tcmalloc_stats::Reader>(text.substr(0, text.find("Virtual")), damage).size(), 0u);
  EXPECT_EQ(damage.count(), 1u);
}

}  // namespace
}  // namespace tests
