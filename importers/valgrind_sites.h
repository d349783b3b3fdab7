// Frames as Valgrind's tools print them → sites.
#pragma once

#include "formats/valgrind_frame.h"
#include "queries/allocation_profile.h"

namespace importers {

/// A frame without a name is its address; a line that is no frame at all is a function of that name.
[[nodiscard]] inline queries::SiteFrame site_frame(std::string_view text) {
  const auto frame = formats::parse_valgrind_frame(text);
  if (!frame) return {text, {}, 0, {}, false};
  return {frame->function.empty() ? frame->address : frame->function, frame->file, frame->line, frame->module, false};
}

}  // namespace importers
