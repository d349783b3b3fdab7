// The one place that runs the whole path: input → importer → passes → suspects → database file or in-memory digest.
#pragma once

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/variables_map.hpp>
#include <memory>
#include <string>
#include <vector>

#include "analyzer/commands/command.h"
#include "analyzer/passes/suppressions.h"
#include "importers/import_job.h"
#include "queries/database.h"
#include "queries/store.h"

namespace analyzer {

struct ImportRequest {
  std::string input;                     ///< path, "-", a folder or a pattern: several files of one kind are one series
  std::vector<std::string> more_inputs;  ///< of the same series
  std::string output;                    ///< database file; "" = no file: a digest in memory
  std::string temporary_folder;          ///< of the output, to be removed when interrupted; "" = none
  importers::ImportOptions import;
  bool follow_weak = false;          ///< --weak=follow: dominators through weak, final and phantom references, as MAT
  bool automatic_references = true;  /// rows up to 100 million references, packed beyond
  queries::ReferenceRows references = queries::ReferenceRows::rows;
  double suspect_threshold = 10;    ///< percent of heap.live_bytes
  SuppressionOptions suppressions;  ///< of leaks that a profile names
  double memory_limit = 0;          ///< bytes at which the process dies, for growth; 0 = not given
  std::vector<std::string> given;   ///< names of the options that were given: a finished database cannot follow them
};

struct ImportOutcome {
  std::unique_ptr<queries::Database> database;  ///< the file, opened, or the digest
  std::uint64_t object_count = 0;
  std::uint64_t damage_count = 0;
};

/// --sizes, --weak, --values, --strings, … : options of every command that imports.
[[nodiscard]] boost::program_options::options_description import_options();
/// The request that these options ask for; `input` and `output` are left to the caller. Throws UsageError.
[[nodiscard]] ImportRequest import_request(const boost::program_options::variables_map& values,
                                           const GlobalOptions& global);
/// The options that change what a database holds, as one line: part of the cache's key.
[[nodiscard]] std::string import_options_text(const ImportRequest& request);

/// Imports, with progress and warnings on stderr. Interrupted: nothing is left behind, exit 128 + signal. Throws
/// formats::InputError, queries::StoreError.
[[nodiscard]] ImportOutcome run_import(const ImportRequest& request, const GlobalOptions& global);

/// Snapshot::histogram of a raw dump from one walk over it: no graph, no database, memory for the classes alone. Throws
/// formats::InputError.
[[nodiscard]] queries::Snapshot count_classes(const ImportRequest& request, const GlobalOptions& global);

}  // namespace analyzer
