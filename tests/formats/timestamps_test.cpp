#include "formats/timestamps.h"

#include <gtest/gtest.h>

namespace formats {
namespace {

using Kind = Timestamp::Kind;

void expect(std::string_view text, Kind kind, double seconds) {
  const std::optional<Timestamp> time = parse_timestamp(text);
  ASSERT_TRUE(time) << text;
  EXPECT_EQ(time->kind, kind) << text;
  EXPECT_NEAR(time->seconds, seconds, 1e-6) << text;
}

TEST(Timestamps, Numbers) {
  expect("1795379203.308", Kind::unix_time, 1795379203.308);
  expect("1795379203308", Kind::unix_time, 1795379203.308);
  expect(" 12.5 ", Kind::elapsed, 12.5);
  expect("0", Kind::elapsed, 0);
}

TEST(Timestamps, DatesAreUtcUnlessTheySay) {
  expect("1970-01-01T00:00:00Z", Kind::unix_time, 0);
  expect("2000-03-01 00:00:00", Kind::unix_time, 951868800);  // behind a leap day
  expect("2026-11-27T13:00:00.5+01:00", Kind::unix_time, 1795780800.5);
  expect("2026-11-27T12:00:00.5Z", Kind::unix_time, 1795780800.5);
  expect("2026-11-27 12:00:00,500", Kind::unix_time, 1795780800.5);
  expect("1999-12-31T23:59:59-0030", Kind::unix_time, 946684799 + 1800);
}

TEST(Timestamps, TimesOfDay) {
  expect("13:00:05", Kind::time_of_day, 46805);
  expect("01:00:05 PM", Kind::time_of_day, 46805);
  expect("12:00:05 AM", Kind::time_of_day, 5);
  expect("12:00:05 PM", Kind::time_of_day, 43205);
}

TEST(Timestamps, AnythingElseIsNone) {
  for (const char* text : {"", "x", "12:3", "2026-13-01T00:00:00", "2026-11-27", "2026-11-27T13", "-5", "1e300", "nan",
                           "inf", "13:00:05 x", "2026-11-27T13:00:00 CET", "12 13"}) {
    EXPECT_FALSE(parse_timestamp(text)) << text;
  }
}

TEST(Timestamps, MidnightPasses) {
  DayCounter days;
  EXPECT_EQ(days.seconds({Kind::time_of_day, 86390}), 86390);
  EXPECT_EQ(days.seconds({Kind::time_of_day, 10}), 86410);
  EXPECT_EQ(days.seconds({Kind::time_of_day, 20}), 86420);
}

}  // namespace
}  // namespace formats
