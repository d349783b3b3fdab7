// memray captures: tokens of every version, every truncation, every flipped byte; CPython's line tables.
#include "formats/memray.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "formats/python_lines.h"
#include "tests/support/memray_writer.h"

namespace tests {
namespace {

using formats::memray::Allocator;
using formats::memray::Record;
using formats::memray::RecordKind;

formats::Bytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

struct WholeCapture {
  explicit WholeCapture(std::string_view file) : bytes(new std::byte[file.size()]) {
    std::memcpy(bytes.get(), file.data(), file.size());
    const formats::Bytes input{bytes.get(), file.size()};
    header = formats::memray::read_header(input);
    if (!header) return;
    formats::memray::Reader reader(input, *header, damage);
    for (Record record; reader.next(record);) records.push_back(record);
  }
  std::unique_ptr<std::byte[]> bytes;
  formats::DamageLog damage;
  std::optional<formats::memray::Header> header;
  std::vector<Record> records;
};

std::vector<Record> of_kind(const WholeCapture& capture, RecordKind kind) {
  std::vector<Record> all;
  std::copy_if(capture.records.begin(), capture.records.end(), std::back_inserter(all),
               [&](const Record& record) { return record.kind == kind; });
  return all;
}

class MemrayVersions : public testing::TestWithParam<int> {};

TEST_P(MemrayVersions, ReadsHeaderAndEveryRecord) {
  const WholeCapture capture(memray_capture(GetParam()));
  ASSERT_TRUE(capture.header.has_value());
  EXPECT_EQ(capture.header->command_line, "app.py --work");
  EXPECT_EQ(capture.header->process_id, 4711);
  EXPECT_TRUE(capture.header->traces_python_allocators);
  EXPECT_EQ(capture.header->python_version, GetParam() < 12 ? 0U : 0x030D05F0U);
  EXPECT_EQ(capture.damage.count(), 0U);
  const auto allocations = of_kind(capture, RecordKind::allocation);
  ASSERT_EQ(allocations.size(), 8U);
  EXPECT_EQ(allocations[0].allocator, Allocator::malloc);
  EXPECT_EQ(allocations[0].address, 0x10010U);
  EXPECT_EQ(allocations[0].size, 100U);
  EXPECT_EQ(allocations[2].allocator, Allocator::free);
  EXPECT_EQ(allocations[2].address, 0x10010U);
  EXPECT_EQ(allocations[5].allocator, Allocator::munmap);
  EXPECT_EQ(allocations[5].size, 0x1000U);
  EXPECT_EQ(of_kind(capture, RecordKind::frame_push).size(), 4U);
  EXPECT_EQ(of_kind(capture, RecordKind::frame_pop).front().count, 2U);
  EXPECT_EQ(of_kind(capture, RecordKind::memory).back().ms, 90U);
  EXPECT_EQ(of_kind(capture, RecordKind::thread_name).front().function, "MainThread");
  EXPECT_EQ(capture.records.back().kind, RecordKind::end);
}

TEST_P(MemrayVersions, ReadsAggregatedCaptures) {
  const WholeCapture capture(memray_aggregated(GetParam()));
  EXPECT_EQ(capture.damage.count(), 0U);
  const auto aggregates = of_kind(capture, RecordKind::aggregate);
  ASSERT_EQ(aggregates.size(), 2U);
  EXPECT_EQ(aggregates[0].allocator, Allocator::malloc);
  EXPECT_EQ(aggregates[0].aggregated.path, 2U);
  EXPECT_EQ(aggregates[0].aggregated.peak_bytes, 132U);
  EXPECT_EQ(aggregates[0].aggregated.live_count, 1U);
  EXPECT_EQ(of_kind(capture, RecordKind::python_path).back().parent, 1U);
  EXPECT_EQ(of_kind(capture, RecordKind::aggregated_memory).back().heap, 132U);
}

TEST_P(MemrayVersions, ReadsNativeFramesAndModules) {
  MemrayWriter writer({.version = GetParam(), .native = true});
  writer.memory_map().module("/lib/x.so", 0x7f0000000000, 0x1000, 0x2000).native_frame(0x7f0000001234, 0);
  writer.native_frame(0x7f0000001300, 1).allocate(Allocator::malloc, 0x40, 8, 2).end();
  const WholeCapture capture(writer.bytes());
  EXPECT_EQ(capture.damage.count(), 0U);
  ASSERT_EQ(of_kind(capture, RecordKind::segment).size(), 1U);
  EXPECT_EQ(of_kind(capture, RecordKind::segment)[0].address, 0x7f0000001000U);
  EXPECT_EQ(of_kind(capture, RecordKind::native_frame).back().id, 1U);
  EXPECT_EQ(of_kind(capture, RecordKind::allocation)[0].native_id, 2U);
}

TEST_P(MemrayVersions, PaddingBehindTheEndIsNoDamageAndAMissingEndIs) {
  EXPECT_EQ(WholeCapture(memray_capture(GetParam()) + std::string(4096, '\0')).damage.count(), 0U);
  MemrayWriter killed({.version = GetParam()});
  killed.thread(1).padding(4096);
  EXPECT_EQ(WholeCapture(killed.bytes()).damage.count(), 1U);
}

TEST_P(MemrayVersions, EveryTruncationKeepsTheRecordsBeforeAndSaysSo) {
  for (const std::string& whole : {memray_capture(GetParam()), memray_aggregated(GetParam())}) {
    std::size_t most = 0;
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const WholeCapture capture(std::string_view(whole).substr(0, size));
      EXPECT_GE(capture.records.size(), most);
      most = std::max(most, capture.records.size());
      if (capture.header) {
        EXPECT_EQ(capture.damage.count(), 1U);
      }
    }
    EXPECT_EQ(most + 1, WholeCapture(whole).records.size());
  }
}

TEST_P(MemrayVersions, EveryFlippedByteIsReadWithinBounds) {
  for (const std::string& whole : {memray_capture(GetParam()), memray_aggregated(GetParam())}) {
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (const int mask : {0x01, 0x10, 0x80, 0xFF}) {
        std::string flipped = whole;
        flipped[at] = static_cast<char>(flipped[at] ^ mask);
        const WholeCapture capture(flipped);
        EXPECT_LE(capture.records.size(), whole.size());
        EXPECT_LE(capture.damage.bytes(), whole.size());
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Memray, MemrayVersions, testing::Values(11, 12, 13));

TEST(Memray, OtherVersionsHaveNoHeader) {
  const std::string old = MemrayWriter({.version = 9}).bytes();
  EXPECT_TRUE(formats::memray::looks_like(bytes_of(old)));
  EXPECT_EQ(formats::memray::version_of(bytes_of(old)), 9);
  EXPECT_FALSE(formats::memray::read_header(bytes_of(old)).has_value());
  EXPECT_FALSE(formats::memray::looks_like(bytes_of("memray")));
}

TEST(PythonLines, LocationTablesTellTheLineOfEveryEntry) {
  const std::string table = location_table(10, {{2, 10}, {8, 17}, {1, 11}, {1, 0}, {1, 12}, {3, 14}});
  const auto line = [&](std::int64_t offset) { return formats::python_line(bytes_of(table), 10, offset, 0x030B00F0); };
  EXPECT_EQ(line(0), 10);
  EXPECT_EQ(line(3), 10);
  EXPECT_EQ(line(4), 17);
  EXPECT_EQ(line(19), 17);
  EXPECT_EQ(line(20), 11);
  EXPECT_EQ(line(22), 0);
  EXPECT_EQ(line(24), 12);
  EXPECT_EQ(line(31), 14);
  EXPECT_EQ(line(1000), 0);
}

TEST(PythonLines, OlderTablesAreReadByTheirOwnRules) {
  // 3.10: 4 bytes on the first line, 6 three lines on, 2 without a line, 2 back by one.
  const std::string linetable = std::string("\x04\x00\x06\x03\x02", 5) + "\x80\x02\xFF";
  EXPECT_EQ(formats::python_line(bytes_of(linetable), 10, 2, 0x030A04F0), 10);
  EXPECT_EQ(formats::python_line(bytes_of(linetable), 10, 8, 0x030A04F0), 13);
  EXPECT_EQ(formats::python_line(bytes_of(linetable), 10, 10, 0x030A04F0), 0);
  EXPECT_EQ(formats::python_line(bytes_of(linetable), 10, 12, 0x030A04F0), 12);
  // lnotab: from byte 0 the first line, from byte 4 one on, from byte 10 two back.
  const std::string lnotab("\x04\x01\x06\xFE", 4);
  EXPECT_EQ(formats::python_line(bytes_of(lnotab), 10, 2, 0x030800F0), 10);
  EXPECT_EQ(formats::python_line(bytes_of(lnotab), 10, 4, 0x030800F0), 11);
  EXPECT_EQ(formats::python_line(bytes_of(lnotab), 10, 40, 0x030800F0), 9);
}

}  // namespace
}  // namespace tests
