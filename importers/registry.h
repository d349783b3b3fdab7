// The table of importers. To add a format: one stem in formats/, one importer here, one row in registry.cpp.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/bytes.h"
#include "importers/import_job.h"

namespace importers {

struct Importer {
  std::string_view name;     ///< "hprof": value of snapshot.format and of --input-format
  std::string_view summary;  ///< one line for `heapql formats`
  bool (*looks_like)(formats::Bytes head);
  void (*run)(ImportJob&);  ///< throws formats::InputError when nothing can be kept
  /// What the header alone says, as (name, text) for `heapql info`.
  std::vector<std::pair<std::string, std::string>> (*describe)(formats::Bytes head);
  /// Several inputs of this kind are one series (profiles, memory over time); not of heap dumps.
  bool makes_series = true;
};

/// Strongest magic first.
[[nodiscard]] std::span<const Importer> all_importers();
/// The first importer whose looks_like() accepts the head; nullptr = no format known.
[[nodiscard]] const Importer* find_importer(formats::Bytes head);

}  // namespace importers
