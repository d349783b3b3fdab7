#include "importers/hprof_description.h"

#include <array>
#include <ctime>

#include "formats/hprof.h"

namespace importers {
namespace {

/// ISO 8601 in UTC: does not depend on the machine's zone or locale. "" when the year is not one of a real clock.
std::string utc_text(std::uint64_t milliseconds) {
  const auto seconds = static_cast<std::time_t>(milliseconds / 1000);
  std::tm parts{};
  if (milliseconds > 32'503'680'000'000u || gmtime_r(&seconds, &parts) == nullptr) return {};  // year 3000
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), size};
}

}  // namespace

std::vector<std::pair<std::string, std::string>> describe_hprof(formats::Bytes head) {
  const auto header = formats::hprof::read_header(head);
  if (!header) return {};
  std::vector<std::pair<std::string, std::string>> facts;
  facts.emplace_back("version", header->version);
  facts.emplace_back("pointer_size", std::to_string(header->id_size));
  if (const std::string text = utc_text(header->timestamp_ms); !text.empty()) facts.emplace_back("taken_at", text);
  return facts;
}

}  // namespace importers
