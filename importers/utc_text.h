// Times of dumps as text.
#pragma once

#include <cstdint>
#include <string>

namespace importers {

/// ISO 8601 in UTC: does not depend on the machine's zone or locale. "" when the year is not one of a real clock.
[[nodiscard]] std::string utc_text(std::uint64_t milliseconds);

}  // namespace importers
