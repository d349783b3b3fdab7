#include "analyzer/quantities.h"

#include <gtest/gtest.h>

namespace analyzer {
namespace {

TEST(Quantities, SizesAreReadAsPeopleWriteThem) {
  EXPECT_EQ(parse_size("0"), 0u);
  EXPECT_EQ(parse_size("123"), 123u);
  EXPECT_EQ(parse_size("64 MiB"), 64u << 20);
  EXPECT_EQ(parse_size("64M"), 64u << 20);
  EXPECT_EQ(parse_size("64mb"), 64u << 20);
  EXPECT_EQ(parse_size(" 1.5 GiB "), 1536u << 20);
  EXPECT_EQ(parse_size("10 kB"), 10u << 10);
  EXPECT_EQ(parse_size("1,000,000 bytes"), 1'000'000u);
  EXPECT_EQ(parse_size("12 B"), 12u);
}

TEST(Quantities, WhatIsNoSizeIsRefused) {
  for (const char* text : {"", " ", "MiB", "-1", "1 XB", "1 MiBs", "1..5", ".", "5%", "1e3", "0x10", "9999999 PiB"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
}

TEST(Quantities, PercentsNeedTheirSign) {
  EXPECT_EQ(parse_percent("5%"), 5.0);
  EXPECT_EQ(parse_percent("0.5 %"), 0.5);
  EXPECT_EQ(parse_percent("5"), std::nullopt);
  EXPECT_EQ(parse_percent("-5%"), std::nullopt);
  EXPECT_EQ(parse_percent("%"), std::nullopt);
}

TEST(Quantities, SizesAreShownWithOneDecimalAndNeverAs1024) {
  EXPECT_EQ(format_size(0), "0 B");
  EXPECT_EQ(format_size(1023), "1023 B");
  EXPECT_EQ(format_size(1024), "1.0 KiB");
  EXPECT_EQ(format_size(1024 * 1024 - 1), "1.0 MiB");
  EXPECT_EQ(format_size(183.2 * 1024 * 1024), "183.2 MiB");
}

TEST(Quantities, WhatIsShownCanBeReadBack) {
  for (const double bytes : {1.0, 999.0, 2048.0, 64.0 * (1 << 20), 3.0 * (1 << 30)}) {
    const auto read = parse_size(format_size(bytes));
    ASSERT_TRUE(read);
    EXPECT_EQ(static_cast<double>(*read), bytes);
  }
}

TEST(Quantities, CountsHaveGroups) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1000), "1,000");
  EXPECT_EQ(format_count(1234567), "1,234,567");
  EXPECT_EQ(format_decimal(12.50, 2), "12.5");
  EXPECT_EQ(format_decimal(-0.001, 1), "0");
}

}  // namespace
}  // namespace analyzer
