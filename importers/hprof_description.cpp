#include "importers/hprof_description.h"

#include "formats/hprof.h"
#include "importers/utc_text.h"

namespace importers {

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
