#include "importers/utc_text.h"

#include <array>
#include <ctime>

namespace importers {

std::string utc_text(std::uint64_t milliseconds) {
  const auto seconds = static_cast<std::time_t>(milliseconds / 1000);
  std::tm parts{};
  if (milliseconds > 32'503'680'000'000u || gmtime_r(&seconds, &parts) == nullptr) return {};  // year 3000
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), size};
}

}  // namespace importers
