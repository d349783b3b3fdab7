// Moments as recorders write them before a sample or in a column.
#pragma once

#include <optional>
#include <string_view>

namespace formats {

struct Timestamp {
  enum class Kind { unix_time, time_of_day, elapsed };
  Kind kind = Kind::elapsed;
  double seconds = 0;  ///< since 1970 (UTC where the text names no zone), midnight, or the start
};

/// "1795379203.308" (at least 10⁸: Unix time, at least 10¹¹: in milliseconds; less: elapsed seconds),
/// "2026-11-27T13:00:00.5+01:00", "2026-11-27 13:00:00", "13:00:05", "01:00:05 PM". Nothing else in `text`.
[[nodiscard]] std::optional<Timestamp> parse_timestamp(std::string_view text);

/// Makes times of day that pass midnight ascend. O(1) a call.
class DayCounter {
 public:
  double seconds(const Timestamp& at) {
    if (at.kind != Timestamp::Kind::time_of_day) return at.seconds;
    if (at.seconds + day_ < last_ - half_a_day) day_ += 2 * half_a_day;
    last_ = at.seconds + day_;
    return last_;
  }

 private:
  static constexpr double half_a_day = 43'200;
  double day_ = 0;
  double last_ = 0;
};

}  // namespace formats
