// heapql info: what a file is, on one screen. A raw dump is not imported: only its header is read.
#include <cstdlib>
#include <filesystem>

#include "analyzer/commands/commands.h"
#include "analyzer/commands/report_output.h"
#include "analyzer/reports/process_sections.h"
#include "analyzer/reports/reports.h"
#include "analyzer/terminal.h"
#include "importers/registry.h"
#include "queries/database.h"
#include "queries/named_queries.h"

namespace analyzer {
namespace {

namespace po = boost::program_options;

po::options_description info_options() {
  po::options_description options;
  add_report_options(options, false);
  return options;
}

void add(Section& section, std::string name, Cell value, CellFormat format = CellFormat::text) {
  const std::string label = name;
  section.facts.push_back({std::move(name), label, std::move(value), format});
}

Cell cell(const queries::Statement& row, int column, CellFormat format) {
  if (row.is_null(column)) return {};
  if (format == CellFormat::text) return row.text(column);
  return row.integer(column);
}

Report describe_dump(const std::string& path) {
  constexpr std::size_t head_size = 1 << 16;
  const std::string head = formats::Input::read_head(path, head_size);
  const formats::Bytes bytes = std::as_bytes(std::span(head.data(), head.size()));
  Section section{"input", path, {}, {}, {}, {}, {}};
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  bool readable = false;
  if (const importers::Importer* importer = importers::find_importer(bytes)) {
    add(section, "format", std::string(importer->name));
    readable = true;
    for (const auto& [name, value] : importer->describe(bytes)) {
      add(section, name, value);
      if (name == importers::cannot_be_read) readable = false;
      if (name != importers::whole_size || head.size() == head_size) continue;
      const std::uint64_t whole = std::strtoull(value.c_str(), nullptr, 10);
      if (whole > head.size())
        add(section, "missing", static_cast<std::int64_t>(whole - head.size()), CellFormat::bytes);
    }
  } else if (const auto foreign = importers::describe_foreign(bytes)) {
    for (const auto& [name, value] : *foreign) add(section, name, value);
  } else {
    throw formats::InputError(path + ": " + importers::refusal(bytes));
  }
  if (!error) add(section, "file_size", static_cast<std::int64_t>(size), CellFormat::bytes);
  section.paragraphs.push_back(readable ? "A raw dump; only its header was read. `heapql " + path + "` analyses it."
                                        : "heapql cannot analyse it; only its header was read.");
  return {"info", "Input", {}, {std::move(section)}};
}

Report describe_database(const std::string& path, const GlobalOptions& global) {
  struct Row {
    const char* name;
    CellFormat format;
  };
  constexpr Row rows[] = {
      {"path", CellFormat::text},
      {"format", CellFormat::text},
      {"runtime", CellFormat::text},
      {"pointer_size", CellFormat::integer},
      {"taken_at", CellFormat::text},
      {"object_count", CellFormat::integer},
      {"shallow_bytes", CellFormat::bytes},
      {"damaged_bytes", CellFormat::bytes},
      {"damage_count", CellFormat::integer},
      {"class_count", CellFormat::integer},
      {"thread_count", CellFormat::integer},
      {"root_count", CellFormat::integer},
      {"suspect_count", CellFormat::integer},
  };
  const auto database = queries::Database::open(path);
  Section section{"database", path, {}, {}, {}, {}, {}};
  add(section, "database", path);
  queries::Statement info = database->prepare(queries::find_named_query("info")->sql);
  if (info.step()) {
    int column = 0;
    const bool profile = is_profile(*database);
    for (const Row& row : rows) {
      const bool of_objects = column == 5 || column == 6 || column > 8;  // a profile has none of them
      if (profile && of_objects) {
        ++column;
        continue;
      }
      add(section, row.name, cell(info, column, row.format), row.format);
      ++column;
    }
  }
  for (Fact& fact : process_facts(*database)) section.facts.push_back(std::move(fact));
  struct Metric {
    const char* name;
    CellFormat format;
  };
  constexpr Metric metrics[] = {{"heap.live_bytes", CellFormat::bytes},
                                {"heap.unreachable_bytes", CellFormat::bytes},
                                {"allocations.count", CellFormat::integer},
                                {"allocations.bytes", CellFormat::bytes},
                                {"peak.bytes", CellFormat::bytes},
                                {"leaks.bytes", CellFormat::bytes},
                                {"leaks.suppressed_bytes", CellFormat::bytes},
                                {"sampling.mean_interval_bytes", CellFormat::bytes}};
  for (const Metric& metric : metrics) {
    if (const auto value = database->metric(metric.name)) {
      add(section, metric.name, static_cast<std::int64_t>(*value), metric.format);
    }
  }
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (!error) add(section, "file_size", static_cast<std::int64_t>(size), CellFormat::bytes);
  queries::Statement suspects = database->prepare(queries::find_named_query("info-suspects")->sql);
  while (suspects.step()) section.preformatted.push_back("suspect: " + suspects.text(0));
  if (global.verbose) {
    queries::Statement meta = database->prepare(queries::find_named_query("info-meta")->sql);
    while (meta.step()) section.preformatted.push_back(meta.text(0) + " = " + meta.text(1));
  }
  return {"info", "Database", {}, {std::move(section)}};
}

int run_info(const Invocation& invocation) {
  if (invocation.arguments.empty()) throw UsageError("info needs an INPUT or DB", "examples: heapql info --help");
  const ReportTarget target = report_target(invocation.values, false);
  for (const std::string& path : invocation.arguments) {
    const bool database = path != "-" && queries::Database::looks_like(path);
    write_report(database ? describe_database(path, invocation.global) : describe_dump(path), target,
                 invocation.global);
  }
  return exit_ok;
}

}  // namespace

const Command info_command = {"info",
                              "say what a file is, on one screen; a raw dump is not imported",
                              "INPUT|DB...",
                              "heapql info app.hprof.gz\n"
                              "heapql info app.db --format json\n"
                              "heapql info -v app.db                   # with everything known of the import\n",
                              info_options,
                              run_info};

}  // namespace analyzer
