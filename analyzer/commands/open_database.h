// "INPUT|DB" arguments: a database is opened; a raw dump is imported into the cache first and then opened.
#pragma once

#include <memory>
#include <string>

#include "analyzer/commands/command.h"
#include "analyzer/import_pipeline.h"
#include "queries/database.h"

namespace analyzer {

/// Opens a heapql database read only. A raw dump (or '-') is imported into the cache, with one line on stderr that says
/// so; with --no-cache into a temporary file that is gone when the database is closed. With --strict a damaged input
/// throws importers' InputError. Throws formats::InputError, queries::StoreError.
[[nodiscard]] std::unique_ptr<queries::Database> open_database(const std::string& dump_or_db,
                                                               const GlobalOptions& global);

/// The same for commands that report first and fail afterwards (see damage_status): --strict does not throw.
/// `request` holds the import options for a raw dump; its input and output are ignored.
[[nodiscard]] std::unique_ptr<queries::Database> open_database(const std::string& dump_or_db, ImportRequest request,
                                                               const GlobalOptions& global);

/// A digest (class, suspect, metric … but not every object) where that is enough: a raw dump is analysed in memory,
/// nothing is written.
[[nodiscard]] std::unique_ptr<queries::Database> open_digest(const std::string& dump_or_db, ImportRequest request,
                                                             const GlobalOptions& global);

/// exit_input when the database comes from a damaged input and --strict was given (says so), else exit_ok.
[[nodiscard]] int damage_status(const queries::Database& database, const GlobalOptions& global);

}  // namespace analyzer
