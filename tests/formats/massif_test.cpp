#include "formats/massif.h"

#include <gtest/gtest.h>

#include "tests/support/massif_writer.h"

namespace {

using formats::DamageLog;
using formats::massif::Reader;
using formats::massif::TreeKind;
using tests::MassifWriter;

struct Walk {
  std::uint64_t snapshots = 0, nodes = 0, heap_bytes = 0;
  DamageLog damage;
};

/// Reads all, from a block of exactly its size.
Walk walk(const std::string& file) {
  const std::vector<char> exact(file.begin(), file.end());
  Walk result;
  Reader reader(std::as_bytes(std::span(exact)), result.damage);
  std::vector<formats::massif::Snapshot> with_tree;
  while (const auto snapshot = reader.next()) {
    ++result.snapshots;
    result.heap_bytes += snapshot->heap_bytes;
    if (snapshot->tree != TreeKind::none) with_tree.push_back(*snapshot);
  }
  for (const auto& snapshot : with_tree) {
    reader.open_tree(snapshot);
    while (reader.next_node()) ++result.nodes;
  }
  return result;
}

std::string sample() {
  MassifWriter file("ms", "--detailed-freq=1");
  file.snapshot("0", 0, 0, 0);
  file.snapshot("10", 300, 24, 8, "detailed");
  file.sum(2, 300).node(1, 1, 200, "0x1: f(int)#1 (a.cc:1)").node(2, 0, 200, "0x2: main (a.cc:9)").remainder(1, 100, 3);
  file.snapshot("20.5", 400, 32, 0, "peak").sum(1, 400).node(1, 0, 400, "0x3: g() (in /lib/x.so)");
  return file.bytes();
}

TEST(Massif, HeaderSnapshotsAndTreesAreRead) {
  const std::string file = sample();
  DamageLog damage;
  Reader reader(std::as_bytes(std::span(file)), damage);
  EXPECT_EQ(reader.header().description, "--detailed-freq=1");
  EXPECT_EQ(reader.header().command, "./server 20000");
  EXPECT_EQ(reader.header().time_unit, "ms");
  ASSERT_TRUE(reader.next());
  const auto second = reader.next();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->number, 1U);
  EXPECT_EQ(second->time, 10);
  EXPECT_EQ(second->heap_bytes, 300U);
  EXPECT_EQ(second->extra_bytes, 24U);
  EXPECT_EQ(second->stack_bytes, 8U);
  EXPECT_EQ(second->tree, TreeKind::detailed);
  const auto third = reader.next();
  ASSERT_TRUE(third);
  EXPECT_EQ(third->time, 20.5);
  EXPECT_EQ(third->tree, TreeKind::peak);
  EXPECT_FALSE(reader.next());

  reader.open_tree(*second);
  EXPECT_EQ(reader.next_node()->text, "(heap allocation functions) malloc/new/new[], --alloc-fns, etc.");
  const auto lambda = reader.next_node();
  EXPECT_EQ(lambda->depth, 1U);
  EXPECT_EQ(lambda->bytes, 200U);
  EXPECT_EQ(lambda->text, "0x1: f(int)#1 (a.cc:1)");
  EXPECT_EQ(reader.next_node()->depth, 2U);
  EXPECT_TRUE(reader.next_node()->is_remainder);
  EXPECT_FALSE(reader.next_node());
  EXPECT_EQ(damage.count(), 0U);
}

TEST(Massif, HeaderBehindTheSnapshotsIsFound) {  // heaptrack_print 1.4
  const std::string file = sample();
  const std::size_t body = file.find('#', file.find("time_unit"));
  const std::string turned = file.substr(body) + file.substr(0, body);
  EXPECT_TRUE(formats::massif::looks_like(std::as_bytes(std::span(turned))));
  DamageLog damage;
  EXPECT_EQ(Reader(std::as_bytes(std::span(turned)), damage).header().time_unit, "ms");
  const Walk read = walk(turned);
  EXPECT_EQ(read.snapshots, 3U);
  EXPECT_EQ(read.nodes, 6U);
  EXPECT_EQ(read.damage.count(), 0U);
}

TEST(Massif, WhatHangsBelowADamagedLineIsDamageToo) {
  std::string file = sample();
  file.replace(file.find(" n1: 200"), 8, " n?: 200");
  const Walk read = walk(file);
  EXPECT_EQ(read.nodes, 4U);  // sum, remainder; sum, g
  EXPECT_EQ(read.damage.count(), 2U);
}

TEST(Massif, OnlyItsOwnIsTakenForIt) {
  const auto takes = [](std::string_view text) { return formats::massif::looks_like(std::as_bytes(std::span(text))); };
  EXPECT_TRUE(takes(sample()));
  EXPECT_FALSE(takes(""));
  EXPECT_FALSE(takes("desc: x\n"));
  EXPECT_FALSE(takes("desc: x\ncmd: y\nother"));
  EXPECT_FALSE(takes("#-----------\nsnapshot=1\nhello"));
}

TEST(Massif, EveryTruncationKeepsWhatIsBeforeIt) {
  const std::string whole = sample();
  std::uint64_t snapshots = 0, nodes = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Walk cut = walk(whole.substr(0, size));
    EXPECT_GE(cut.snapshots, snapshots) << size;
    EXPECT_GE(cut.nodes, nodes) << size;
    snapshots = cut.snapshots;
    nodes = cut.nodes;
  }
  EXPECT_EQ(snapshots, 3U);
  EXPECT_EQ(nodes, 5U);  // the sixth has no line end yet
}

TEST(Massif, EveryByteFlipIsSurvived) {
  const std::string whole = sample();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int flip : {0x01, 0x20, 0x80}) {
      std::string file = whole;
      file[at] = static_cast<char>(file[at] ^ flip);
      const Walk read = walk(file);
      EXPECT_GE(read.snapshots, 2U) << at;
      EXPECT_LE(read.nodes, 6U) << at;
    }
  }
}

}  // namespace
