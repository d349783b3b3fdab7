// Several inputs of one kind as one: a series of heap profiles, or of files that each hold a part of a growth series.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analyzer/commands/command.h"
#include "importers/import_job.h"
#include "queries/snapshot.h"

namespace analyzer {

/// Imports each file and appends it; `snapshot` becomes the newest with the profile of all. Times: the inputs' own,
/// else those of the files' last modification where these can be right, else positions. Throws formats::InputError when
/// inputs are of different kinds, or of one that makes no series (heap dumps: `heapql trend` compares those).
void import_series(const std::vector<std::string>& files, const importers::ImportOptions& options,
                   const importers::Progress& progress, queries::Snapshot& snapshot);

/// Text in which every number is `#`: warnings that differ in numbers only are the same.
[[nodiscard]] std::string without_numbers(std::string_view text);

/// Whether these inputs, more than one, are all of a kind that makes a series. False when any cannot be read.
[[nodiscard]] bool is_series(const std::vector<std::string>& inputs);

}  // namespace analyzer
