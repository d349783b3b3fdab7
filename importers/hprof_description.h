// What the header of an HPROF file says about it, without reading on: for `heapql info`.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "formats/bytes.h"

namespace importers {

/// Name and text, in the order to show: version, pointer_size, taken_at. Empty when the header is cut. O(1).
[[nodiscard]] std::vector<std::pair<std::string, std::string>> describe_hprof(formats::Bytes head);

}  // namespace importers
