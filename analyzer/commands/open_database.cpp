#include "analyzer/commands/open_database.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "analyzer/commands/import_cache.h"
#include "analyzer/quantities.h"
#include "analyzer/terminal.h"

namespace analyzer {
namespace {

namespace fs = std::filesystem;

/// A directory of its own in $TMPDIR, removed with what is in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (fs::temp_directory_path() / "heapql-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) {
      throw queries::StoreError(
          pattern + ": cannot make a temporary directory: " + std::generic_category().message(errno) + " (set TMPDIR)");
    }
    path_ = pattern;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// The open database keeps its pages; its name is gone, so nothing is left whatever happens later.
std::unique_ptr<queries::Database> import_to_temporary(ImportRequest request, const GlobalOptions& global) {
  const TemporaryDirectory directory;
  request.temporary_folder = directory.path().string();
  request.output = (directory.path() / "import.db").string();
  return run_import(request, global).database;
}

std::unique_ptr<queries::Database> open_cached(const std::string& path) {
  if (!queries::Database::looks_like(path)) return nullptr;
  try {
    return queries::Database::open(path);
  } catch (const queries::StoreError&) {
    return nullptr;  // cut short by a full disk, or of another version: imported again
  }
}

/// Options of the import say what a database holds: given with one that is finished, they would be silently ignored.
std::unique_ptr<queries::Database> open_finished(const std::string& path, const ImportRequest& request) {
  if (!request.given.empty()) {
    std::string options;
    for (const std::string& name : request.given) options += (options.empty() ? "--" : ", --") + name;
    throw UsageError(
        path + ": is a finished database, " + options + (request.given.size() == 1 ? " is an option" : " are options") +
        " of the import: give the dump itself, or import it again with " + (request.given.size() == 1 ? "it" : "them"));
  }
  return queries::Database::open(path);
}

std::string size_of_file(const std::string& path) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  return error ? "?" : format_size(static_cast<double>(size));
}

}  // namespace

std::unique_ptr<queries::Database> open_database(const std::string& dump_or_db, ImportRequest request,
                                                 const GlobalOptions& global) {
  if (dump_or_db != "-" && queries::Database::looks_like(dump_or_db)) return open_finished(dump_or_db, request);
  request.input = dump_or_db;
  const std::string cached = global.no_cache ? std::string{} : cache_path(dump_or_db, import_options_text(request));
  if (cached.empty()) return import_to_temporary(std::move(request), global);
  if (auto database = open_cached(cached)) {
    print_note(global, "using the import kept in " + cached);
    return database;
  }
  request.output = cached;
  auto database = run_import(request, global).database;
  print_note(global, "imported into " + cached + " (" + size_of_file(cached) + "; --no-cache: do not keep it)");
  return database;
}

std::unique_ptr<queries::Database> open_database(const std::string& dump_or_db, const GlobalOptions& global) {
  ImportRequest request;
  request.import.threads = global.threads;
  auto database = open_database(dump_or_db, std::move(request), global);
  if (damage_status(*database, global) != exit_ok) {
    throw formats::InputError(dump_or_db + ": damaged, and --strict was given");
  }
  return database;
}

std::unique_ptr<queries::Database> open_digest(const std::string& dump_or_db, ImportRequest request,
                                               const GlobalOptions& global) {
  if (dump_or_db != "-" && queries::Database::looks_like(dump_or_db)) return open_finished(dump_or_db, request);
  request.input = dump_or_db;
  request.output.clear();
  return run_import(request, global).database;
}

int damage_status(const queries::Database& database, const GlobalOptions& global) {
  if (!global.strict) return exit_ok;
  const double damaged = database.metric("heap.damaged_bytes").value_or(0);
  const double places = database.metric("heap.damage_count").value_or(damaged > 0 ? 1 : 0);
  if (places <= 0) return exit_ok;
  print_warning(global, "--strict: " + format_size(damaged) + " of the input could not be used");
  return exit_input;
}

}  // namespace analyzer
