#include "analyzer/import_pipeline.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <system_error>
#include <utility>

#include "analyzer/commands/import_cache.h"
#include "analyzer/commands/option_values.h"
#include "analyzer/import_series.h"
#include "analyzer/input_files.h"
#include "analyzer/interruption.h"
#include "analyzer/passes/growth.h"
#include "analyzer/passes/passes.h"
#include "analyzer/passes/profile_metrics.h"
#include "analyzer/passes/site_names.h"
#include "analyzer/progress.h"
#include "analyzer/quantities.h"
#include "analyzer/suspects/leak_words.h"
#include "analyzer/suspects/pin_paths.h"
#include "analyzer/suspects/suspects.h"
#include "analyzer/terminal.h"
#include "importers/registry.h"
#include "queries/allocation_profile.h"
#include "queries/heap_graph.h"

namespace analyzer {
namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;

constexpr std::uint64_t packed_above = 100'000'000;  // references
constexpr std::size_t head_size = 4096;              // of the input, for the format's magic

/// Makes the store when the first row comes: only then is it known how many references there can be. Steps aside at
/// once (`job.rows` then points to the store itself), so a row costs one virtual call as ever.
class StoreOnFirstRow final : public queries::RowSink {
 public:
  StoreOnFirstRow(const ImportRequest& request, const GlobalOptions& global, importers::ImportJob& job)
      : request_(request), global_(global), job_(job) {}

  void reference(queries::ObjectId source, std::uint32_t slot, queries::ObjectId target, queries::NameId name,
                 queries::Strength strength) override {
    store().reference(source, slot, target, name, strength);
  }
  void string(queries::ObjectId object, std::string_view utf8, std::uint64_t hash) override {
    store().string(object, utf8, hash);
  }
  void value(const queries::PrimitiveValue& value) override { store().value(value); }
  void event(const queries::AllocationEvent& event) override { store().event(event); }

  queries::Store& store() {
    if (store_ == nullptr) {
      queries::StoreOptions options;
      options.references = request_.references;
      // What the importer reserved: every slot that can hold a reference.
      const std::uint64_t references = job_.snapshot.references.target.capacity();
      if (request_.automatic_references && references > packed_above) {
        options.references = queries::ReferenceRows::packed;
        print_note(global_, "up to " + format_count(references) +
                                " references: stored packed, readable through heapql and its SQLite extension only "
                                "(--references=rows for one row each)");
      }
      store_ = std::make_unique<queries::Store>(request_.output, options);
      job_.rows = store_.get();
    }
    return *store_;
  }

 private:
  const ImportRequest& request_;
  const GlobalOptions& global_;
  importers::ImportJob& job_;
  std::unique_ptr<queries::Store> store_;
};

/// Damage that the input itself has (a compressed stream that breaks off) comes before what the importer found.
void add_input_damage(const formats::DamageLog& damage, queries::Snapshot& snapshot) {
  std::vector<queries::DamageRow> rows;
  for (const formats::Damage& entry : damage.entries()) rows.push_back({entry.offset, entry.bytes, entry.what});
  snapshot.damage.insert(snapshot.damage.begin(), rows.begin(), rows.end());
  snapshot.damage_count += damage.count();
  snapshot.damaged_bytes += damage.bytes();
}

/// Of a hundred inputs of one kind, the same with other numbers is said once.
void warn_once(const std::string& path, const std::string& warning, const GlobalOptions& global) {
  static std::map<std::string, std::size_t> said;
  const std::size_t times = ++said[without_numbers(warning)];
  if (times == 1) print_warning(global, path + ": " + warning);
  if (times == 2) print_warning(global, path + ": the same as of the input before; of further inputs it is not said");
}

void warn(const queries::Snapshot& snapshot, const GlobalOptions& global) {
  if (snapshot.damage_count != 0) {
    std::string text = snapshot.path + ": damaged: " + format_count(snapshot.damage_count) +
                       (snapshot.damage_count == 1 ? " place, " : " places, ") +
                       format_size(static_cast<double>(snapshot.damaged_bytes)) + " not usable";
    if (!snapshot.damage.empty()) {
      text +=
          "; first at offset " + std::to_string(snapshot.damage.front().offset) + ": " + snapshot.damage.front().what;
    }
    print_warning(
        global,
        text + "; results cover " +
            (snapshot.profile != nullptr ? "what" : "the " + format_count(snapshot.object_count) + " objects that") +
            " could be read");
  }
  for (const std::string& warning : snapshot.warnings) warn_once(snapshot.path, warning, global);
  if (snapshot.roots_reconstructed) {
    print_warning(global, snapshot.path +
                              ": no garbage-collection roots in this dump (cut before they were written?): classes, "
                              "threads and class loaders are taken as roots, so locals and JNI references are missing");
  }
}

/// Before the work, not after it: a folder that cannot be written, and a slip of the keyboard (`-o app.hprof`) that
/// would replace a file which is no database of ours.
void check_output(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::exists(status)) {
    const bool ours = fs::is_regular_file(status) &&
                      ((fs::file_size(path, error) == 0 && !error) || queries::Database::looks_like(path));
    if (!ours) throw UsageError(path + ": exists and is not a heapql database, so it is not replaced");
  }
  const fs::path folder = fs::path(path).has_parent_path() ? fs::path(path).parent_path() : fs::path(".");
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    throw queries::StoreError(path + ": cannot write there: " + std::generic_category().message(errno));
  }
}

const importers::Importer& importer_for(const formats::Input& input) {
  const importers::Importer* importer = importers::find_importer(input.head(head_size));
  if (importer == nullptr) {
    throw formats::InputError(input.path() + ": " + importers::refusal(input.bytes()));
  }
  return *importer;
}

formats::Input open_input(const std::string& path, const ImportRequest& request, formats::DamageLog& damage,
                          Progress& progress) {
  formats::InputOptions options;
  options.threads = request.import.threads;
  options.progress = [&](std::uint64_t done, std::uint64_t total) { progress.update("open", done, total); };
  options.inflate_later = true;  // traces are read as they inflate
  return formats::Input::open(path, damage, options);
}

}  // namespace

po::options_description import_options() {
  po::options_description options;
  options.add_options()("dump", po::value<std::string>()->value_name("N"),
                        "which heap dump of a file that holds several, from 0 (default: 0)")(
      "sizes", po::value<std::string>()->value_name("RULE"),
      "shallow sizes: auto (as the VM laid objects out) or mat (Eclipse MAT's formula)")(
      "weak", po::value<std::string>()->value_name("RULE"),
      "weak references in dominators and retained sizes: ignore (as a collector) or follow (as Eclipse MAT)")(
      "values", po::value<std::string>()->value_name("WHICH"),
      "primitive fields as rows of `value`: auto (up to 2 million objects), all or none")(
      "strings", "keep the text of strings (this is the default)")("no-strings", "do not keep the text of strings")(
      "string-limit", po::value<std::string>()->value_name("N"), "bytes of text kept per string (default: 1000)")(
      "references", po::value<std::string>()->value_name("HOW"),
      "how references are stored: auto (packed above 100 million), rows, packed or none")(
      "suspect-threshold", po::value<std::string>()->value_name("PERCENT"),
      "a leak suspect retains at least this part of the live heap (default: 10%)")(
      "memory-limit", po::value<std::string>()->value_name("SIZE"),
      "growth: the memory at which the process dies, for the time that is left")(
      "suppressions", po::value<std::vector<std::string>>()->composing()->value_name("FILE"),
      "profiles: leaks that do not count, one `leak:PATTERN` a line, as LeakSanitizer and heaptrack have them (may be "
      "repeated)")("no-embedded-suppressions", "profiles: not those that came with the record")(
      "no-builtin-suppressions", "profiles: not those of what glibc and GLib keep on purpose")(
      "events",
      "traces: keep every allocation and free as a row of `event` (heaptrack, memray, mtrace, valgrind_trace; about 25 "
      "bytes each)")("exe", po::value<std::string>()->value_name("FILE"), "cores, profiles without names: the program")(
      "sysroot", po::value<std::string>()->value_name("DIR"), "cores, profiles: where the paths in them begin")(
      "solib-path", po::value<std::vector<std::string>>()->composing()->value_name("DIR"),
      "cores, profiles: where libraries are looked for by file name (may be repeated)")(
      "debug-dir", po::value<std::vector<std::string>>()->composing()->value_name("DIR"),
      "cores, profiles: where separate debug files are, as .build-id/xx/yyyy.debug (default: /usr/lib/debug; may "
      "be repeated)")(
      "code", po::value<std::string>()->value_name("WHICH"),
      "cores: machine code to read: auto (of the program and of libraries that are not the distribution's, up to 32 "
      "MiB), "
      "all or none")(
      "memory-samples", po::value<std::vector<std::string>>()->composing()->value_name("FILE"),
      "cores: what perf measured of the process's memory accesses: text of perf c2c report --stdio, perf "
      "mem report, perf script (may be repeated)");
  return options;
}

ImportRequest import_request(const po::variables_map& values, const GlobalOptions& global) {
  ImportRequest request;
  request.import.threads = global.threads;
  if (choice(values, "sizes", {"auto", "mat"}) == "mat") request.import.sizes = importers::SizeRule::mat;
  request.follow_weak = choice(values, "weak", {"ignore", "follow"}) == "follow";
  const std::string rows = choice(values, "values", {"auto", "all", "none"});
  request.import.values = rows == "all"    ? importers::ValueRows::all
                          : rows == "none" ? importers::ValueRows::none
                                           : importers::ValueRows::automatic;
  if (values.count("strings") != 0 && values.count("no-strings") != 0) {
    throw UsageError("--strings and --no-strings exclude each other");
  }
  request.import.strings = values.count("no-strings") == 0;
  request.import.dump_index = static_cast<std::uint32_t>(count_value(values, "dump", 0, 0, 1'000'000));
  request.import.string_limit = count_value(values, "string-limit", 1000, 0, 1'000'000'000);
  const std::string references = choice(values, "references", {"auto", "rows", "packed", "none"});
  request.automatic_references = references == "auto";
  request.references = references == "packed" ? queries::ReferenceRows::packed
                       : references == "none" ? queries::ReferenceRows::none
                                              : queries::ReferenceRows::rows;
  if (values.count("suspect-threshold") != 0) {
    const std::string text = text_value(values, "suspect-threshold");
    const std::optional<double> percent = text.ends_with('%') ? parse_percent(text) : parse_number(text);
    if (!percent || *percent <= 0 || *percent > 100) {
      throw UsageError("--suspect-threshold: '" + text + "' is not a percent above 0%, at most 100%");
    }
    request.suspect_threshold = *percent;
  }
  if (values.count("memory-limit") != 0) {
    const std::string text = text_value(values, "memory-limit");
    const std::optional<std::uint64_t> limit = parse_size(text);
    if (!limit || *limit == 0) throw UsageError("--memory-limit: '" + text + "' is not a size like 512MiB");
    request.memory_limit = static_cast<double>(*limit);
  }
  const auto list = [&](const char* name) {
    return values.count(name) == 0 ? std::vector<std::string>{} : values[name].as<std::vector<std::string>>();
  };
  if (values.count("exe") != 0) request.import.modules.exe = text_value(values, "exe");
  if (values.count("sysroot") != 0) request.import.modules.sysroot = text_value(values, "sysroot");
  request.suppressions.files = list("suppressions");
  request.suppressions.embedded = values.count("no-embedded-suppressions") == 0;
  request.suppressions.built_in = values.count("no-builtin-suppressions") == 0;
  request.import.events = values.count("events") != 0;
  request.import.modules.solib_paths = list("solib-path");
  request.import.modules.debug_directories = list("debug-dir");
  request.import.memory_samples = list("memory-samples");
  const std::string code = choice(values, "code", {"auto", "all", "none"});
  request.import.code = code == "all"    ? importers::CodeModules::all
                        : code == "none" ? importers::CodeModules::none
                                         : importers::CodeModules::automatic;
  if (!global.no_cache) request.import.code_cache = code_cache_path();
  const po::options_description options = import_options();
  for (const auto& option : options.options()) {
    const auto found = values.find(option->long_name());
    if (found != values.end() && !found->second.defaulted()) request.given.push_back(option->long_name());
  }
  return request;
}

namespace {

/// Names and contents: a changed file is another import.
std::string files_text(const char* option, const std::vector<std::string>& paths) {
  std::string text;
  for (const std::string& path : paths) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    text += std::string(" ") + option + "=" + path + '\n' + content.str();
  }
  return text;
}

}  // namespace

std::string import_options_text(const ImportRequest& request) {
  const importers::ModulePaths& modules = request.import.modules;
  std::string paths = " exe=" + modules.exe + " sysroot=" + modules.sysroot;
  for (const std::string& path : modules.solib_paths) paths += " solib=" + path;
  for (const std::string& path : modules.debug_directories) paths += " debug=" + path;
  paths += " code=" + std::to_string(static_cast<int>(request.import.code));
  paths += " embedded=" + std::to_string(request.suppressions.embedded) +
           " built_in=" + std::to_string(request.suppressions.built_in) +
           files_text("suppressions", request.suppressions.files) +
           files_text("memory_samples", request.import.memory_samples);
  return "dump=" + std::to_string(request.import.dump_index) +
         " sizes=" + std::to_string(static_cast<int>(request.import.sizes)) +
         " values=" + std::to_string(static_cast<int>(request.import.values)) +
         " strings=" + std::to_string(request.import.strings) +
         " string_limit=" + std::to_string(request.import.string_limit) +
         " weak=" + std::to_string(request.follow_weak) +
         " references=" + std::to_string(static_cast<int>(request.references)) +
         (request.automatic_references ? "auto" : "") + " events=" + std::to_string(request.import.events) +
         " threshold=" + format_decimal(request.suspect_threshold, 6) +
         " limit=" + format_decimal(request.memory_limit, 0) + paths;
}

namespace {

/// Columns of millions of objects come and go between phases. glibc raises its threshold for mapping allocations with
/// every large block freed, and from then on keeps such blocks: fixed, they go back at once (745 → 697 MB at the peak
/// of 15.5 million objects). Of a small input, mapping and unmapping would be a sixth of the time.
void manage_memory(const std::vector<std::string>& files) {
#ifdef __GLIBC__
  constexpr std::uintmax_t small_file = 4 << 20;
  std::error_code error;
  const std::uintmax_t size = files.size() == 1 ? fs::file_size(files.front(), error) : small_file;
  const int threshold = !error && size < small_file ? 32 << 20 : 256 << 10;
  mallopt(M_MMAP_THRESHOLD, threshold);
  mallopt(M_TRIM_THRESHOLD, threshold);
#endif
}

/// Passes and suspects over an object graph.
queries::Results analyse_heap(const ImportRequest& request, const GlobalOptions& global,
                              const importers::ImportJob& job, queries::Snapshot& snapshot,
                              const queries::ObjectDetails* details, Progress& progress) {
  PassOptions pass_options;
  pass_options.follow = request.follow_weak ? queries::follow_all : queries::follow_collector;
  // What retained sizes mean; the SQL functions follow the same references.
  snapshot.meta.emplace_back("weak", request.follow_weak ? "follow" : "ignore");
  pass_options.threads = global.threads;
  pass_options.progress = job.progress;
  pass_options.details = details;
  queries::Results results = run_passes(snapshot, pass_options);

  progress.update("suspects");
  const queries::HeapGraph graph(snapshot);
  SuspectOptions suspect_options;
  suspect_options.threshold_percent = request.suspect_threshold;
  find_suspects(snapshot, graph, *details, suspect_options, results);
  find_pin_paths(snapshot, graph, *details, results);
  describe_leaks(snapshot, graph, *details, results);
  return results;
}

queries::Results analyse_profile(const ImportRequest& request, queries::Snapshot& snapshot) {
  snapshot.meta.emplace_back("kind", "allocation_profile");
  const auto flag = [&](const char* key, bool value) { snapshot.meta.emplace_back(key, value ? "1" : "0"); };
  flag("sizes.bucketed", snapshot.profile->sizes_bucketed);
  flag("sizes.usable", snapshot.profile->usable_sizes);
  GrowthOptions options;
  options.limit = request.memory_limit;
  name_sites(*snapshot.profile);
  apply_suppressions(request.suppressions, *snapshot.profile);
  snapshot.profile->add_record_series();
  find_profile_growth(*snapshot.profile, options);
  flag("times.positions", snapshot.profile->times_are_positions);
  queries::Results results;
  results.metrics = profile_metrics(*snapshot.profile, snapshot);
  return results;
}

UsageError no_events(const std::string& input, std::string_view format, std::string_view instead) {
  std::string those_with;
  for (const importers::Importer& importer : importers::all_importers()) {
    if (importer.instead_of_events.empty()) those_with += (those_with.empty() ? "" : ", ") + std::string(importer.name);
  }
  return UsageError(input + ": --events: this " + std::string(format) + " input holds " + std::string(instead) +
                        ", not single events",
                    "recordings of these kinds have events: " + those_with);
}

void run_importer(importers::ImportJob& job) {
  const importers::Importer& importer = importer_for(job.input);
  if (job.options.events && !importer.instead_of_events.empty()) {
    throw no_events(job.input.path(), importer.name, importer.instead_of_events);
  }
  try {
    importer.run(job);
  } catch (const importers::NoEvents& error) {
    throw no_events(job.input.path(), importer.name, error.what());
  }
}

/// --events needs a place for the rows, and one recording that they are of.
void check_events(const ImportRequest& request, std::size_t files) {
  if (!request.import.events) return;
  if (request.output.empty()) {
    throw UsageError("--events keeps rows in a database, and none is written here",
                     "heapql import INPUT --events -o DB");
  }
  if (files > 1) {
    throw UsageError("--events is for one recording: these " + std::to_string(files) + " inputs are one series",
                     "import each into a database of its own");
  }
}

/// One file, or the files of a series.
std::vector<std::string> files_of(const ImportRequest& request) {
  std::vector<std::string> inputs{request.input};
  inputs.insert(inputs.end(), request.more_inputs.begin(), request.more_inputs.end());
  return input_files(inputs);
}

}  // namespace

ImportOutcome run_import(const ImportRequest& request, const GlobalOptions& global) {
  const bool to_file = !request.output.empty();
  if (to_file) check_output(request.output);
  InterruptGuard interrupts;
  if (to_file) interrupts.remove_on_interrupt(queries::Store::temporary_path(request.output));
  if (!request.temporary_folder.empty()) interrupts.remove_on_interrupt(request.temporary_folder);
  Progress progress(global, request.input);
  formats::DamageLog input_damage;
  progress.update("open");
  const std::vector<std::string> files = files_of(request);
  check_events(request, files.size());
  manage_memory(files);
  const bool is_series = files.size() > 1;
  const formats::Input input = is_series ? formats::Input::borrow({}, request.input)
                                         : open_input(files.front(), request, input_damage, progress);

  queries::Snapshot snapshot;
  std::unique_ptr<queries::ObjectDetails> details;
  importers::ImportJob job{input, request.import, snapshot, nullptr, &details, {}};
  job.progress = [&](std::string_view phase, std::uint64_t done, std::uint64_t total) {
    progress.update(phase, done, total);
  };
  StoreOnFirstRow sink(request, global, job);
  if (to_file) job.rows = &sink;
  if (is_series) {
    import_series(files, request.import, job.progress, snapshot);
    snapshot.path =
        request.input + (request.more_inputs.empty() ? "" : " and " + std::to_string(files.size() - 1) + " more");
  } else {
    run_importer(job);
    add_input_damage(input_damage, snapshot);
  }
  queries::Results results = snapshot.types_only ? queries::Results{}
                             : snapshot.profile != nullptr
                                 ? analyse_profile(request, snapshot)
                                 : analyse_heap(request, global, job, snapshot, details.get(), progress);

  ImportOutcome outcome;
  outcome.object_count = snapshot.object_count;
  outcome.damage_count = snapshot.damage_count;
  if (to_file) {
    progress.update("write");
    sink.store().finish(snapshot, std::move(results));
    outcome.database = queries::Database::open(request.output);
  } else {
    outcome.database = queries::write_digest(snapshot, results);
  }
  if (snapshot.profile) outcome.database->keep_profile(snapshot.profile);
  progress.finish();
  warn(snapshot, global);
  return outcome;
}

queries::Snapshot count_classes(const ImportRequest& request, const GlobalOptions& global) {
  Progress progress(global, request.input);
  formats::DamageLog input_damage;
  progress.update("open");
  const formats::Input input = open_input(request.input, request, input_damage, progress);
  queries::Snapshot snapshot;
  importers::ImportOptions options = request.import;
  options.histogram_only = true;
  importers::ImportJob job{input, options, snapshot, nullptr, nullptr, {}};
  job.progress = [&](std::string_view phase, std::uint64_t done, std::uint64_t total) {
    progress.update(phase, done, total);
  };
  importer_for(input).run(job);
  add_input_damage(input_damage, snapshot);
  progress.finish();
  for (const queries::HistogramRow& row : snapshot.histogram) {
    snapshot.object_count += static_cast<std::uint32_t>(row.object_count);
  }
  warn(snapshot, global);
  return snapshot;
}

}  // namespace analyzer
