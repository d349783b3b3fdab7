// Doubted pointers: each reason for a doubt, and each reason against one, as words in a process made by hand.
#include "importers/native_doubts.h"

#include <gtest/gtest.h>

#include "importers/native_links.h"
#include "tests/support/native_process.h"

namespace tests {
namespace {

using importers::native::Doubts;
using importers::native::KnownMemory;
using importers::native::Links;
using queries::Doubt;

/// The doubt of the word at `at`, which lies outside of the blocks or in one.
Doubt doubt_at(const NativeProcess& process, std::uint64_t at) {
  const Doubts doubts(*process.image, *process.blocks, process.typed);
  const auto source = process.blocks->find(at).id;
  const bool is_first = source != queries::no_object && process.blocks->address(source) == at;
  return doubts.of_word({at, process.word(at), is_first ? 0 : process.word(at - 8), source},
                        process.blocks->find(process.word(at)));
}

TEST(NativeDoubts, APointerToTheBeginningIsNotDoubtedOneInsideIs) {
  NativeProcess process;
  const std::uint64_t block = process.block(200);
  process.words(process.data + 0x100, {block, block + 8, block + 33, 0, block + 199});
  process.find();
  EXPECT_EQ(doubt_at(process, process.data + 0x100), Doubt::none);
  EXPECT_EQ(doubt_at(process, process.data + 0x108), Doubt::interior);
  EXPECT_EQ(doubt_at(process, process.data + 0x110), Doubt::interior);
  EXPECT_EQ(doubt_at(process, process.data + 0x120), Doubt::interior);
}

TEST(NativeDoubts, ACountOrASizeInFrontIsAReasonToPointBehindIt) {
  NativeProcess process;
  const std::uint64_t array = process.block(8 + 5 * 24);
  const std::uint64_t measured = process.block(16 + 300);
  const std::uint64_t neither = process.block(8 + 5 * 24);
  process.words(array, {5});
  process.words(measured, {300});
  process.words(neither, {100'000});
  process.words(process.data, {array + 8, measured + 16, neither + 8, array + 16 + 8});
  process.find();
  EXPECT_EQ(doubt_at(process, process.data), Doubt::none);
  EXPECT_EQ(doubt_at(process, process.data + 8), Doubt::none);
  EXPECT_EQ(doubt_at(process, process.data + 16), Doubt::interior);
  EXPECT_EQ(doubt_at(process, process.data + 24), Doubt::interior) << "into the array";
}

TEST(NativeDoubts, ASecondBaseClassIsAReason) {
  NativeProcess process;
  const std::uint64_t object = process.block(64);
  const std::uint64_t vtable = process.constants + 0x200;
  process.words(vtable - 16, {std::uint64_t{0} - 24, 0, process.code});  // how far to the top, type_info, a slot
  process.words(object + 24, {vtable});
  process.words(object + 32, {vtable});
  process.words(process.data, {object + 24, object + 32});
  process.find();
  EXPECT_EQ(doubt_at(process, process.data), Doubt::none);
  EXPECT_EQ(doubt_at(process, process.data + 8), Doubt::interior) << "the vtable is of a base at another place";
}

TEST(NativeDoubts, ALinkThatLeadsBackIsAReason) {
  NativeProcess process;
  const std::uint64_t first = process.block(72);
  const std::uint64_t second = process.block(72);
  const std::uint64_t head = process.data + 0x40;  // a list through a member at offset 40
  process.words(head, {first + 40, second + 40});
  process.words(first + 40, {second + 40, head});
  process.words(second + 40, {head, first + 40});
  process.find();
  for (const std::uint64_t at : {head, head + 8, first + 40, second + 48}) {
    EXPECT_EQ(doubt_at(process, at), Doubt::none) << std::hex << at;
  }
}

TEST(NativeDoubts, CharactersOfAReferenceCountedStringAreAReason) {
  NativeProcess process;
  const std::uint64_t body = process.block(24 + 41);
  process.words(body, {30, 40, 0});
  process.words(process.data, {body + 24});
  process.find();
  EXPECT_EQ(doubt_at(process, process.data), Doubt::none);
}

TEST(NativeDoubts, TheEndOfATextIsDoubted) {
  NativeProcess process;
  const std::uint64_t block = process.block(64);
  process.find();
  const Doubts doubts(*process.image, *process.blocks, process.typed);
  const auto hit = process.blocks->find(block);
  constexpr std::uint64_t eight = 0x6863'2074'6867'6965;  // "eight ch"
  constexpr std::uint64_t tail = 0x0000'5655'4443'4241;   // "ABCDUV"
  EXPECT_EQ(doubts.of_word({process.data, tail, eight, queries::no_object}, hit), Doubt::text);
  EXPECT_EQ(doubts.of_word({process.data, tail, eight & ~std::uint64_t{0xFF}, queries::no_object}, hit), Doubt::none);
  EXPECT_EQ(doubts.of_word({process.data, 0x0000'5655'0043'4241, eight, queries::no_object}, hit), Doubt::none);
}

TEST(NativeDoubts, AnElementIsOwnedByItsContainer) {
  NativeProcess process;
  const std::uint64_t body = process.block(64);
  process.words(process.data + 0x80, {body, body + 32, body + 64});  // a vector
  process.words(process.data + 0x400, {body});                       // something that looks at its first element
  process.find();
  ASSERT_EQ(process.type_name(body).substr(0, 16), "std::vector body");
  EXPECT_EQ(doubt_at(process, process.data + 0x80), Doubt::none);
  EXPECT_EQ(doubt_at(process, process.data + 0x400), Doubt::element);
}

TEST(NativeDoubts, MemoryIsKnownOnceACertainWordHoldsAPageOfIt) {
  KnownMemory memory({{0x10000, 0x20000}, {0x50000, 0x60000}});
  EXPECT_FALSE(memory.knows(0x10000));
  memory.see(0x10008);  // no beginning of a page
  memory.see(0x30000);  // between the two
  EXPECT_FALSE(memory.knows(0x10000));
  memory.see(0x1f000);
  EXPECT_TRUE(memory.knows(0x10000));
  EXPECT_TRUE(memory.knows(0x1ffff));
  EXPECT_FALSE(memory.knows(0x20000));
  EXPECT_FALSE(memory.knows(0x50000));
  EXPECT_FALSE(KnownMemory({}).knows(0));
}

/// A std::map of three nodes as libstdc++ lays it out: color, parent, left, right; the header has the root, the first,
/// the last and the count.
TEST(NativeLinks, OfATreeOnlyTheWayDownHolds) {
  NativeProcess process;
  const std::uint64_t root = process.block(48);
  const std::uint64_t left = process.block(48);
  const std::uint64_t right = process.block(48);
  const std::uint64_t header = process.data + 0x108;
  process.words(header, {0, root, left, right, 3});
  process.words(root, {1, header, left, right});
  process.words(left, {0, root, 0, 0});
  process.words(right, {0, root, 0, 0});
  process.find();
  ASSERT_EQ(process.type_name(root).substr(0, 17), "std::map/set node");
  const Links links(*process.image, *process.blocks, process.typed);
  const auto leads_back = [&](std::uint64_t at) {
    return links.leads_back(at, process.blocks->find(at).id, process.blocks->find(process.word(at)));
  };
  EXPECT_FALSE(leads_back(header + 8));
  EXPECT_TRUE(leads_back(header + 16));
  EXPECT_TRUE(leads_back(header + 24));
  EXPECT_FALSE(leads_back(root + 16));
  EXPECT_FALSE(leads_back(root + 24));
  EXPECT_TRUE(leads_back(left + 8));
  EXPECT_TRUE(leads_back(right + 8));
}

TEST(NativeLinks, OfAListOnlyTheWayForwardHolds) {
  NativeProcess process;
  const std::uint64_t first = process.block(24);
  const std::uint64_t second = process.block(24);
  const std::uint64_t header = process.data + 0x300;
  process.words(header, {first, second, 2});
  process.words(first, {second, header, 1});
  process.words(second, {header, first, 2});
  process.find();
  ASSERT_EQ(process.type_name(first).substr(0, 14), "std::list node");
  const Links links(*process.image, *process.blocks, process.typed);
  const auto leads_back = [&](std::uint64_t at) {
    return links.leads_back(at, process.blocks->find(at).id, process.blocks->find(process.word(at)));
  };
  EXPECT_FALSE(leads_back(header));
  EXPECT_TRUE(leads_back(header + 8));
  EXPECT_FALSE(leads_back(first));
  EXPECT_TRUE(leads_back(second + 8));
}

}  // namespace
}  // namespace tests
