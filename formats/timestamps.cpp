#include "formats/timestamps.h"

#include <array>
#include <cstdint>

#include "formats/text_lines.h"

namespace formats {
namespace {

/// Digits of exactly `width`, taken off `text`.
std::optional<int> take_digits(std::string_view& text, std::size_t width) {
  if (text.size() < width) return std::nullopt;
  const std::optional<int> value = parse_number<int>(text.substr(0, width));
  if (!value || *value < 0 || text.front() == '-') return std::nullopt;
  text.remove_prefix(width);
  return value;
}

bool take(std::string_view& text, char expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(1);
  return true;
}

/// Days since 1970-01-01 (proleptic Gregorian calendar).
std::int64_t days_before(int year, int month, int day) {
  static constexpr std::array<int, 12> days{0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
  const std::int64_t past = year - 1;
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return 365 * past + past / 4 - past / 100 + past / 400 - 719'162 + days[static_cast<std::size_t>(month - 1)] +
         (leap && month > 2 ? 1 : 0) + day - 1;
}

/// "13:00:05", "13:00:05.25", "13:00"; seconds since midnight.
std::optional<double> take_time(std::string_view& text) {
  const std::optional<int> hour = take_digits(text, 2);
  if (!hour || *hour > 24 || !take(text, ':')) return std::nullopt;
  const std::optional<int> minute = take_digits(text, 2);
  if (!minute || *minute > 59) return std::nullopt;
  double seconds = 3600.0 * *hour + 60.0 * *minute;
  if (!take(text, ':')) return seconds;
  const std::optional<int> second = take_digits(text, 2);
  if (!second || *second > 60) return std::nullopt;
  seconds += *second;
  if (!take(text, '.') && !take(text, ',')) return seconds;
  double place = 0.1;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), place /= 10) {
    seconds += place * (text.front() - '0');
  }
  return seconds;
}

/// "", "Z", "+01:00", "-0330": seconds east of UTC.
std::optional<double> take_zone(std::string_view& text) {
  text = trim(text);
  if (text.empty()) return 0;
  if (take(text, 'Z') || text == "UTC") {
    text = text == "UTC" ? std::string_view{} : text;
    return 0;
  }
  const double sign = text.front() == '-' ? -1 : 1;
  if (!take(text, '+') && !take(text, '-')) return std::nullopt;
  const std::optional<int> hours = take_digits(text, 2);
  take(text, ':');
  const std::optional<int> minutes = text.empty() ? std::optional<int>(0) : take_digits(text, 2);
  if (!hours || !minutes) return std::nullopt;
  return sign * (3600.0 * *hours + 60.0 * *minutes);
}

std::optional<Timestamp> parse_date(std::string_view text) {
  const std::optional<int> year = take_digits(text, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  const std::optional<int> month = take_digits(text, 2);
  if (!month || *month < 1 || *month > 12 || !take(text, '-')) return std::nullopt;
  const std::optional<int> day = take_digits(text, 2);
  if (!day || *day < 1 || *day > 31 || (!take(text, 'T') && !take(text, ' '))) return std::nullopt;
  const std::optional<double> time = take_time(text);
  if (!time) return std::nullopt;
  const std::optional<double> zone = take_zone(text);
  if (!zone || !text.empty()) return std::nullopt;
  return Timestamp{Timestamp::Kind::unix_time,
                   86'400.0 * static_cast<double>(days_before(*year, *month, *day)) + *time - *zone};
}

std::optional<Timestamp> parse_time_of_day(std::string_view text) {
  std::optional<double> time = take_time(text);
  if (!time) return std::nullopt;
  text = trim(text);
  if (text == "AM" || text == "PM") {
    if (*time >= 43'200) *time -= 43'200;  // 12:30 AM is half past midnight
    if (text == "PM") *time += 43'200;
    text = {};
  }
  if (!text.empty()) return std::nullopt;
  return Timestamp{Timestamp::Kind::time_of_day, *time};
}

}  // namespace

std::optional<Timestamp> parse_timestamp(std::string_view text) {
  constexpr double least_unix_time = 1e8, least_milliseconds = 1e11, most_milliseconds = 1e14;
  text = trim(text);
  if (const std::optional<double> number = parse_number<double>(text)) {
    if (!(*number >= 0) || *number >= most_milliseconds) return std::nullopt;
    if (*number >= least_milliseconds) return Timestamp{Timestamp::Kind::unix_time, *number / 1000};
    return Timestamp{*number >= least_unix_time ? Timestamp::Kind::unix_time : Timestamp::Kind::elapsed, *number};
  }
  if (const std::optional<Timestamp> date = parse_date(text)) return date;
  return parse_time_of_day(text);
}

}  // namespace formats
