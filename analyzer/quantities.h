// Sizes and percents as people write and read them: "64 MiB", "5%". Units are powers of 1024 ("MB" = "MiB", as every
// JVM flag means it). Formatting never depends on the locale.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace analyzer {

/// "64 MiB", "64M", "1.5 GB", "123", "10 kB" → bytes, rounded to the nearest. nullopt: not a size (negative, text, >
/// 2^63).
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);
/// "5%", "5 %", "0.5%" → 5, 5, 0.5. The sign is required. nullopt: not a percent, negative.
[[nodiscard]] std::optional<double> parse_percent(std::string_view text);
/// A number without unit, not negative.
[[nodiscard]] std::optional<double> parse_number(std::string_view text);

/// "0 B", "999 B", "1.2 MiB", "183.2 MiB".
[[nodiscard]] std::string format_size(double bytes);
/// "1,234,567".
[[nodiscard]] std::string format_count(std::uint64_t count);
/// At most `digits` decimals, no trailing zeros: "5", "12.4".
[[nodiscard]] std::string format_decimal(double value, int digits);

}  // namespace analyzer
