// What is left of a damaged HPROF file, and that every byte is either used or counted as damage.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <random>

#include "tests/formats/hprof_samples.h"
#include "tests/support/hprof_walk.h"

namespace {

using formats::Bytes;
using tests::HprofWalk;
using tests::HprofWriter;

/// Reads from a block of exactly this size, so that a sanitizer sees the first byte too far.
HprofWalk walk(const std::string& file) {
  const std::vector<char> exact(file.begin(), file.end());
  const HprofWalk result = tests::walk_hprof(std::as_bytes(std::span(exact)));
  if (result.has_header) {
    EXPECT_EQ(result.used_bytes + result.damage.bytes(), file.size());
  }
  return result;
}

TEST(HprofDamage, EveryTruncationKeepsWhatIsBeforeIt) {
  for (const std::string& whole :
       {tests::every_jvm_record(8), tests::every_jvm_record(4), tests::every_art_record(), tests::node_list(50, 20)}) {
    std::uint64_t objects = 0;
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const HprofWalk cut = walk(whole.substr(0, size));
      EXPECT_GE(cut.objects, objects) << size;  // a longer prefix never loses objects
      objects = cut.objects;
    }
    EXPECT_EQ(walk(whole).objects, objects);
  }
}

TEST(HprofDamage, TruncationInsideARecordIsLogged) {
  const std::string whole = tests::node_list(50, 50);
  // Behind the header nearly every cut hits a record; the few that do not are the record boundaries.
  std::size_t silent = 0;
  for (std::size_t size = 31; size < whole.size(); ++size) silent += walk(whole.substr(0, size)).damage.count() == 0;
  const HprofWalk full = walk(whole);
  std::size_t records = 0;
  for (const std::uint64_t count : full.records) records += count;
  EXPECT_EQ(silent, records);  // one boundary in front of each
}

TEST(HprofDamage, EveryByteFlipIsSurvived) {
  for (const std::string& whole :
       {tests::every_jvm_record(8), tests::every_jvm_record(4), tests::every_art_record(), tests::node_list(40, 20)}) {
    const std::uint64_t objects = walk(whole).objects;
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (const int flip : {0x01, 0x20, 0x80, 0xff}) {
        std::string file = whole;
        file[at] = static_cast<char>(file[at] ^ flip);
        const HprofWalk flipped = walk(file);
        EXPECT_LE(flipped.objects, objects + 8) << at;
      }
    }
  }
}

TEST(HprofDamage, OneFlippedByteCostsFewObjects) {
  const std::string whole = tests::node_list(2000, 500);
  std::mt19937 random(1);
  int costly = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string file = whole;
    file[31 + random() % (whole.size() - 31)] ^= static_cast<char>(1 + random() % 255);
    // A length that grew within its segment hides what is behind it there; everything else costs a record or two.
    const std::uint64_t objects = walk(file).objects;
    EXPECT_GE(objects, 1500u);
    costly += objects < 1990;
  }
  EXPECT_LT(costly, 20);
}

TEST(HprofDamage, OverwrittenPageResumesBehindIt) {
  // The list has 100 nodes a segment, 3300 bytes: every page hits a segment header.
  const std::string whole = tests::node_list(2000, 100);
  for (const char filler : {'\0', '\xff', ' ', '!'}) {
    for (std::size_t at = 1024; at + 4096 < whole.size(); at += 512) {
      std::string file = whole;
      file.replace(at, 4096, 4096, filler);
      const HprofWalk damaged = walk(file);
      // 33 bytes a node: a page touches 126 of them; a few more are lost until several in a row parse again.
      EXPECT_GE(damaged.objects, 2002u - 126 - 8) << at;
      EXPECT_EQ(damaged.records[0x2c], 1u);
      EXPECT_GT(damaged.damage.bytes(), 3800u);
      EXPECT_LT(damaged.damage.bytes(), 4096u + 8 * 33);
    }
  }
}

TEST(HprofDamage, LengthNeverWrittenRunsToTheEnd) {
  HprofWriter dump;
  const auto object = dump.define_class({.name = "java/lang/Object"});
  for (int made = 0; made < 20; ++made) dump.instance(object);
  dump.end_segment_with_length(0);
  const HprofWalk died = walk(dump.bytes());
  EXPECT_EQ(died.objects, 21u);
  EXPECT_EQ(died.damage.count(), 1u);
  EXPECT_EQ(died.damage.bytes(), 0u);
}

TEST(HprofDamage, EmptySegmentInFrontOfAnotherIsNoDamage) {
  HprofWriter dump;
  const auto object = dump.define_class({.name = "java/lang/Object"});
  dump.begin_segment();
  dump.begin_segment();
  for (int made = 0; made < 8; ++made) dump.instance(object);
  dump.heap_dump_end();
  const HprofWalk read = walk(dump.bytes());
  EXPECT_EQ(read.damage.count(), 0u);
  EXPECT_EQ(read.records[0x1c], 3u);
  EXPECT_EQ(read.objects, 9u);
}

TEST(HprofDamage, WrongSegmentLengthsLoseNothingButTheirHeaders) {
  for (const std::uint32_t length : {0u, 5u, 100u, 300u, 1000u, 0x7fff'ffffu, 0xffff'ffffu}) {
    HprofWriter dump;
    const auto object = dump.define_class({.name = "java/lang/Object"});
    dump.begin_segment();
    for (int made = 0; made < 20; ++made) dump.instance(object);
    dump.end_segment_with_length(length);
    dump.begin_segment();
    for (int made = 0; made < 20; ++made) dump.instance(object);
    dump.heap_dump_end();
    const HprofWalk read = walk(dump.bytes());
    EXPECT_GE(read.objects, 40u) << length;
    EXPECT_GT(read.damage.count(), 0u) << length;
  }
}

TEST(HprofDamage, SegmentsWithoutAnEndRecordAreComplete) {
  HprofWriter dump;
  dump.define_class({.name = "java/lang/Object"});
  const HprofWalk read = walk(dump.bytes());
  EXPECT_EQ(read.damage.count(), 0u);
  EXPECT_EQ(read.objects, 1u);
}

TEST(HprofDamage, TrailingGarbageIsCounted) {
  const std::string whole = tests::node_list(50, 50);
  for (const std::string& tail :
       {std::string("x"), std::string(100, '\0'), std::string("lorem ipsum dolor sit amet")}) {
    const HprofWalk read = walk(whole + tail);
    EXPECT_EQ(read.objects, 52u);
    EXPECT_EQ(read.damage.count(), 1u);
    EXPECT_EQ(read.damage.bytes(), tail.size());
    EXPECT_EQ(read.damage.entries().at(0).offset, whole.size());
  }
}

TEST(HprofDamage, UnknownRecordIsSkippedByItsLength) {
  HprofWriter dump;
  dump.string("before");
  dump.record(0x77, "a record of a later version");
  dump.string("behind");
  dump.string("and more");
  dump.string("and more still");
  const HprofWalk read = walk(dump.bytes());
  EXPECT_EQ(read.records[1], 4u);
  EXPECT_EQ(read.damage.count(), 1u);
  EXPECT_EQ(read.damage.bytes(), 9u + 27);
}

TEST(HprofDamage, UnknownSubRecordIsSteppedOver) {
  HprofWriter dump;
  const auto object = dump.define_class({.name = "java/lang/Object"});
  for (int made = 0; made < 10; ++made) dump.instance(object);
  dump.sub_record(0x66, "twenty bytes or so..");
  for (int made = 0; made < 10; ++made) dump.instance(object);
  dump.heap_dump_end();
  const HprofWalk read = walk(dump.bytes());
  EXPECT_EQ(read.objects, 21u);
  EXPECT_EQ(read.damage.bytes(), 21u);
}

TEST(HprofDamage, CountsBeyondTheBodyDoNotOverflow) {
  for (const unsigned id_size : {4u, 8u}) {
    HprofWriter dump(id_size);
    const auto object = dump.define_class({.name = "java/lang/Object"});
    dump.object_array(object, {1, 2, 3});
    std::string file = dump.bytes();
    const std::size_t count_at = file.size() - 3 * id_size - id_size - 4;
    file.replace(count_at, 4, "\xff\xff\xff\xff");
    const HprofWalk read = walk(file);
    EXPECT_EQ(read.objects, 1u);
    EXPECT_EQ(read.damage.bytes(), file.size() - (count_at - 5 - id_size));
  }
}

TEST(HprofDamage, TwoDumpsInOneFileAreBothRead) {
  HprofWriter dump(4, "JAVA PROFILE 1.0.1");
  for (int round = 0; round < 2; ++round) {
    dump.begin_heap_dump();
    dump.define_class({.name = "java/lang/Object"});
    dump.end_segment();
  }
  const HprofWalk read = walk(dump.bytes());
  EXPECT_EQ(read.records[0x0c], 2u);
  EXPECT_EQ(read.objects, 2u);
  EXPECT_EQ(read.damage.count(), 0u);
}

// Blocks of text that begin like class dumps, roots and records everywhere: the searches must stay linear.
TEST(HprofDamage, HostileFillersAreReadInLinearTime) {
  HprofWriter base;
  base.define_class({.name = "java/lang/Object"});
  const std::string head = base.bytes();
  HprofWriter big;
  std::vector<HprofWriter::Field> fields(60000, {"f", HprofWriter::Type::int8});
  big.define_class({.name = "Big", .fields = fields});
  std::string class_like = big.bytes();
  class_like.resize(class_like.size() - 1);  // its last field is missing
  for (const std::string& unit :
       {std::string("\x20"), std::string("\x01\0\0\0\0\0\0\0\x05", 9), std::string("\x1c\0\0\0\0\0\0\x01\0", 9),
        std::string("\x0c\0\0\0\0\0\0\0\0", 9), std::string("\x05\0\0\0\0\0\0\x10\0", 9), class_like.substr(200),
        std::string("\x20\x08\x00\x20\x08", 5)}) {
    std::string file = head + std::string("\x1c\0\0\0\0\0\0\0\0", 9);
    while (file.size() < 2'000'000) file += unit;
    (void)walk(file);
    std::string top = head;
    while (top.size() < 2'000'000) top += unit;
    (void)walk(top);
  }
}

// The only way to a file above 4 GiB that costs nothing: a sparse one, mapped.
TEST(HprofDamage, LengthThatWrappedAtFourGibibytesIsUnwrapped) {
  constexpr std::uint64_t array_length = (std::uint64_t{1} << 32) / 8 + 1000;
  HprofWriter dump(8, "JAVA PROFILE 1.0.1");
  dump.define_class({.name = "java/lang/Object"});
  dump.end_segment();
  dump.begin_heap_dump();
  const std::uint64_t heap_at = dump.size() - 9;
  dump.primitive_array(HprofWriter::Type::int64, {});
  std::string head = dump.bytes();
  // The array gets its real length, the record the low 32 bits of its own.
  const std::uint64_t body = head.size() - heap_at - 9 + array_length * 8;
  const auto patch = [&](std::size_t at, std::uint64_t value) {
    for (int byte = 0; byte < 4; ++byte)
      head[at + static_cast<std::size_t>(byte)] = static_cast<char>(value >> (24 - 8 * byte));
  };
  patch(head.size() - 5, array_length);
  patch(heap_at + 5, body);

  std::string name = testing::TempDir() + "/hprof-sparse-XXXXXX";
  const int file = mkstemp(name.data());
  ASSERT_GE(file, 0);
  unlink(name.c_str());
  const std::uint64_t size = head.size() + array_length * 8;
  if (ftruncate(file, static_cast<off_t>(size)) != 0) GTEST_SKIP() << "no sparse files here";
  ASSERT_EQ(pwrite(file, head.data(), head.size(), 0), static_cast<ssize_t>(head.size()));
  void* at = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
  close(file);
  if (at == MAP_FAILED) GTEST_SKIP() << "no address space";
  const Bytes bytes(static_cast<const std::byte*>(at), size);
  formats::DamageLog damage;
  formats::hprof::Reader reader(bytes, *formats::hprof::read_header(bytes), damage);
  std::uint64_t arrays = 0;
  while (const auto record = reader.next()) {
    if (record->tag != formats::hprof::Tag::heap_dump) continue;
    EXPECT_EQ(record->body.size(), body);
    formats::hprof::HeapReader heap(record->body, record->offset + 9, 8, damage);
    formats::hprof::HeapRecord sub_record;
    while (heap.next(sub_record)) {
      ++arrays;
      EXPECT_EQ(formats::hprof::parse_primitive_array(sub_record.body, 8).elements.size(), array_length * 8);
    }
  }
  EXPECT_EQ(arrays, 1u);
  EXPECT_EQ(damage.count(), 0u);
  munmap(at, size);
}

}  // namespace
