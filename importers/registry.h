// The table of importers. To add a format: one stem in formats/, one importer here, one row in registry.cpp.
#pragma once

#include <optional>
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
  /// What it has instead of single events (`--events`), as NoEvents says it; "" = it has them.
  std::string_view instead_of_events{};
};

/// The fact of describe() that says why run() would refuse.
inline constexpr std::string_view cannot_be_read = "cannot_be_read";
/// Another: how many (inflated) bytes the header promises; a file that ends before them is cut short.
inline constexpr std::string_view whole_size = "whole_size";

/// Strongest magic first.
[[nodiscard]] std::span<const Importer> all_importers();
/// The first importer whose looks_like() accepts the head; nullptr = no format known.
[[nodiscard]] const Importer* find_importer(formats::Bytes head);
/// Why no importer takes the file, as the end of a sentence: "not a format heapql knows (…)", or what it is and what
/// reads it.
[[nodiscard]] std::string refusal(formats::Bytes head);
/// Facts about a file that is known but not read, as of Importer::describe; nothing when it is not known.
[[nodiscard]] std::optional<std::vector<std::pair<std::string, std::string>>> describe_foreign(formats::Bytes head);

}  // namespace importers
