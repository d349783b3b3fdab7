// The compact columns and the address map against plain vectors.
#include "queries/columns.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "queries/address_map.h"

namespace {

using namespace queries;

void expect_like_sorted_vector(std::vector<std::uint64_t> addresses, std::uint64_t seed) {
  AddressMap map;
  std::mt19937_64 random(seed);
  std::shuffle(addresses.begin(), addresses.end(), random);
  for (const std::uint64_t address : addresses) map.add(address);
  for (std::size_t i = 0; i < addresses.size(); i += 3) map.add(addresses[i]);  // duplicates are one object
  map.freeze();
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  ASSERT_EQ(map.size(), addresses.size());
  std::size_t next = 0;
  map.for_each([&](ObjectId id, std::uint64_t address) {
    ASSERT_LT(next, addresses.size());
    EXPECT_EQ(index(id), next);
    EXPECT_EQ(address, addresses[next++]);
  });
  EXPECT_EQ(next, addresses.size());
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const ObjectId id{static_cast<std::uint32_t>(i)};
    map.prefetch(addresses[i]);
    ASSERT_EQ(map.id_of(addresses[i]), id);
    ASSERT_EQ(map.address_of(id), addresses[i]);
    for (const std::uint64_t near : {addresses[i] - 8, addresses[i] - 1, addresses[i] + 1, addresses[i] + 8,
                                     addresses[i] + (std::uint64_t{1} << 30)}) {  // between heaps
      const auto at = std::lower_bound(addresses.begin(), addresses.end(), near);
      const bool exact = at != addresses.end() && *at == near;
      ASSERT_EQ(map.id_of(near), exact ? ObjectId{static_cast<std::uint32_t>(at - addresses.begin())} : no_object);
      const auto above = std::upper_bound(addresses.begin(), addresses.end(), near);
      ASSERT_EQ(map.at_or_below(near).id, above == addresses.begin()
                                              ? no_object
                                              : ObjectId{static_cast<std::uint32_t>(above - addresses.begin() - 1)});
    }
  }
  for (const std::uint64_t far : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}, std::uint64_t{1} << 63}) {
    const auto at = std::lower_bound(addresses.begin(), addresses.end(), far);
    EXPECT_EQ(map.id_of(far) != no_object, at != addresses.end() && *at == far);
  }
}

TEST(AddressMapTest, EmptyHoldsNothing) {
  AddressMap map;
  map.freeze();
  EXPECT_EQ(map.size(), 0u);
  EXPECT_EQ(map.id_of(0), no_object);
  EXPECT_EQ(map.at_or_below(~std::uint64_t{0}).id, no_object);
}

TEST(AddressMapTest, DenseHeap) {
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> addresses;
  std::uint64_t address = 0x6'C000'0000;
  for (int i = 0; i < 50000; ++i) addresses.push_back(address += 16 + 8 * (random() % 8));
  expect_like_sorted_vector(addresses, 2);
}

TEST(AddressMapTest, SeveralRegionsFarApart) {
  std::mt19937_64 random(3);
  std::vector<std::uint64_t> addresses;
  for (const std::uint64_t base : {0x1000ull, 0x7000'0000ull, 0x7FFF'0000'0000ull, 0xFFFF'FFFF'0000'0000ull}) {
    for (int i = 0; i < 3000; ++i) addresses.push_back(base + 8 * (random() % 100000));
  }
  expect_like_sorted_vector(addresses, 4);
}

TEST(AddressMapTest, MoreHeapsThanAProcessUsuallyHas) {
  std::mt19937_64 random(10);
  std::vector<std::uint64_t> addresses;
  for (std::uint64_t heap = 0; heap < 60; ++heap) {
    const std::uint64_t base = 0x1000'0000'0000 + heap * (std::uint64_t{1} << 40) + (heap % 7 << 28);
    for (int i = 0; i < 300; ++i) addresses.push_back(base + 8 * (random() % 50000));
  }
  expect_like_sorted_vector(addresses, 11);
}

TEST(AddressMapTest, SparseAddresses) {
  std::mt19937_64 random(5);
  std::vector<std::uint64_t> addresses;
  for (int i = 0; i < 20000; ++i) addresses.push_back(random() & ~std::uint64_t{7});
  expect_like_sorted_vector(addresses, 6);
}

TEST(AddressMapTest, UnalignedIds) {
  std::mt19937_64 random(7);
  std::vector<std::uint64_t> addresses;
  for (int i = 0; i < 20000; ++i) addresses.push_back(1 + random() % 100000);
  expect_like_sorted_vector(addresses, 8);
}

TEST(AddressMapTest, OneUnalignedAddressAmongAligned) {
  std::vector<std::uint64_t> addresses;
  for (std::uint64_t i = 0; i < 1000; ++i) addresses.push_back(0x10000 + 16 * i);
  addresses.push_back(0x10004);
  expect_like_sorted_vector(addresses, 9);
}

TEST(ColumnsTest, EdgeOffsetsAreOffsets) {
  std::mt19937 random(11);
  for (const std::size_t objects : {0u, 1u, 7u, 8u, 9u, 1000u}) {
    std::vector<std::uint32_t> expected{0};
    for (std::size_t i = 0; i < objects; ++i) {
      expected.push_back(expected.back() + static_cast<std::uint32_t>(random() % (random() % 20 == 0 ? 100000 : 256)));
    }
    EdgeOffsets offsets;
    for (const std::uint32_t offset : expected) offsets.push_back(offset);
    ASSERT_EQ(offsets.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(offsets[i], expected[i]) << i;
    for (std::size_t i = 0; i < objects; ++i) ASSERT_EQ(offsets.count(i), expected[i + 1] - expected[i]);
  }
}

TEST(ColumnsTest, SizesOfEveryMagnitude) {
  SizeColumn column;
  std::vector<std::uint64_t> expected;
  std::mt19937_64 random(12);
  for (int i = 0; i < 5000; ++i) expected.push_back(random() >> (random() % 64));
  for (const std::uint64_t size : {0ull, 1ull, 8ull, 2032ull, 2040ull, 2048ull, 65535ull, ~0ull})
    expected.push_back(size);
  for (const std::uint64_t size : expected) column.push_back(size);
  for (std::uint32_t i = 0; i < expected.size(); ++i) ASSERT_EQ(column[ObjectId{i}], expected[i]);
}

TEST(ColumnsTest, ClassesBeyond16Bits) {
  ClassColumn column;
  std::vector<std::uint32_t> expected;
  for (std::uint32_t i = 0; i < 1000; ++i) expected.push_back(i < 500 ? i : i * 1000);
  for (const std::uint32_t id : expected) column.push_back(ClassId{id});
  for (std::uint32_t i = 0; i < expected.size(); ++i) ASSERT_EQ(index(column[ObjectId{i}]), expected[i]);
}

TEST(ColumnsTest, SparseValuesAreFoundByRank) {
  SparseColumn<std::uint32_t> column;
  for (std::uint32_t i = 0; i < 1000; i += 7) column.append(ObjectId{i}, i * 2);
  column.freeze(1100);
  for (std::uint32_t i = 0; i < 1100; ++i) {
    ASSERT_EQ(column.has(ObjectId{i}), i % 7 == 0 && i < 1000);
    if (!column.has(ObjectId{i})) continue;
    ASSERT_EQ(column[ObjectId{i}], i * 2);
  }
}

}  // namespace
