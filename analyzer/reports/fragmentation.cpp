// The fragmentation report: what the allocators' regions are made of, a map of each arena, what requests of some size
// would find, free blocks by size and bin, and which used blocks keep free memory from going back to the system.
#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "analyzer/quantities.h"
#include "analyzer/reports/report_tools.h"
#include "analyzer/reports/reports.h"
#include "queries/ids.h"

namespace analyzer {

namespace {

using queries::Database;
using queries::Statement;

double external_percent(std::int64_t largest, std::int64_t free_bytes) {
  return free_bytes > 0 ? 100 - percent_of(static_cast<double>(largest), static_cast<double>(free_bytes)) : 0;
}

/// The sums of all regions.
struct Sums {
  std::int64_t regions = 0, bytes = 0, live = 0, free = 0, cached = 0, overhead = 0, live_count = 0;
  std::int64_t released = 0;  ///< of the free bytes of regions that are the system's again; not in `free`
};

Sums read_sums(const Database& database) {
  Sums sums;
  Statement row = report_statement(database, "report_region_sums");
  if (row.step()) {
    sums = {row.integer(0), row.integer(1), row.integer(2), row.integer(3),
            row.integer(4), row.integer(5), row.integer(6), metric_integer(database, "fragmentation.released_bytes")};
    sums.free -= sums.released;
  }
  return sums;
}

std::string missing_text(const Database& database) {
  Statement snapshot = report_statement(database, "report_snapshot");
  const std::string format = snapshot.step() ? snapshot.text(1) : "";
  const std::string input = format == "hprof" ? "An HPROF dump" : "This input";
  return input +
         " says nothing of the allocator, so there is no fragmentation to report: it takes a core of a native "
         "process.";
}

Table parts_table(const Sums& sums) {
  Table table;
  table.name = "parts";
  table.title = "What the regions are made of";
  table.columns = {{"part", CellFormat::text}, {"bytes", CellFormat::bytes}, {"percent", CellFormat::percent}};
  table.summed_columns = {1};
  const auto add = [&](const char* part, std::int64_t bytes) {
    table.rows.push_back(
        {std::string(part), bytes, percent_of(static_cast<double>(bytes), static_cast<double>(sums.bytes))});
  };
  add("used blocks", sums.live);
  add("free blocks", sums.free);
  add("in threads' caches", sums.cached);
  add("the allocator's own", sums.overhead);
  if (sums.released != 0) add("given back, address space kept", sums.released);
  const std::int64_t rest = sums.bytes - sums.live - sums.free - sums.cached - sums.overhead - sums.released;
  if (rest != 0) add("not accounted for", rest);
  total_and_cut(table, 0);
  return table;
}

Section overview_section(const Database& database, const Sums& sums) {
  Section section;
  section.name = "fragmentation";
  const std::int64_t largest = metric_integer(database, "fragmentation.largest_free_bytes");
  const std::int64_t blocks = metric_integer(database, "fragmentation.free_block_count");
  const std::int64_t pinned = metric_integer(database, "fragmentation.pinned_bytes");
  if (sums.free == 0) {
    section.paragraphs.emplace_back("Nothing is free: every request needs more memory from the system.");
  } else {
    section.paragraphs.push_back(bytes_text(sums.free) + " are free in " + count_text(blocks) +
                                 (blocks == 1 ? " block" : " blocks") + "; the largest has " + bytes_text(largest) +
                                 ". The largest request that succeeds without more memory from the "
                                 "system has " +
                                 count_text(largest) + " bytes; one of " + count_text(largest + 1) +
                                 " fails. External fragmentation is " +
                                 format_decimal(external_percent(largest, sums.free), 1) + " %.");
    section.paragraphs.push_back(
        bytes_text(pinned) +
        " of the free memory cannot go back to the system, because used blocks lie above or among "
        "it; " +
        bytes_text(metric_integer(database, "fragmentation.returnable_bytes")) + " can. " +
        bytes_text(metric_integer(database, "fragmentation.whole_page_bytes")) +
        " are whole pages inside free blocks, which the allocator can give back in place (malloc_trim, decay).");
  }
  for (const auto& [metric, name, label] :
       {std::tuple{"fragmentation.external", "external_percent", "external fragmentation"},
        std::tuple{"fragmentation.internal", "internal_percent", "internal fragmentation"}}) {
    const std::optional<double> ratio = database.metric(metric);
    section.facts.push_back({name, label, ratio ? Cell(100 * *ratio) : Cell(), CellFormat::percent});
  }
  for (const auto& [metric, label, format] :
       {std::tuple{"fragmentation.internal_bytes", "wasted in blocks", CellFormat::bytes},
        std::tuple{"fragmentation.internal_known_bytes", "in blocks of known request", CellFormat::bytes},
        std::tuple{"fragmentation.free_bytes", "free", CellFormat::bytes},
        std::tuple{"fragmentation.free_block_count", "free blocks", CellFormat::integer},
        std::tuple{"fragmentation.largest_free_bytes", "largest free block", CellFormat::bytes},
        std::tuple{"fragmentation.cached_bytes", "in threads' caches", CellFormat::bytes},
        std::tuple{"fragmentation.pinned_bytes", "free but pinned", CellFormat::bytes},
        std::tuple{"fragmentation.returnable_bytes", "free and returnable", CellFormat::bytes},
        std::tuple{"fragmentation.whole_page_bytes", "in whole free pages", CellFormat::bytes},
        std::tuple{"fragmentation.page_count", "pages of 4 KiB", CellFormat::integer},
        std::tuple{"fragmentation.empty_page_count", "without a used byte", CellFormat::integer},
        std::tuple{"fragmentation.sparse_page_count", "less than 10 % used", CellFormat::integer},
        std::tuple{"fragmentation.sparse_page_bytes", "unused in those", CellFormat::bytes}}) {
    section.facts.push_back(metric_fact(database, metric, label, format));
  }
  if (!database.metric("fragmentation.internal")) {
    section.paragraphs.emplace_back(
        "How many bytes the program asked for is not known of any block here, so internal fragmentation is not given.");
  }
  section.tables.push_back(parts_table(sums));
  return section;
}

/// The map and three tables: what each arena is made of, how its free memory lies, how full its pages are.
Section arenas_section(const Database& database, const Sums& sums, const ReportOptions& options) {
  Section section;
  section.name = "arenas";
  section.title = "Arenas";
  Table parts;
  parts.name = "arenas";
  parts.columns = {{"arena", CellFormat::text},         {"bytes", CellFormat::bytes},
                   {"live_bytes", CellFormat::bytes},   {"free_bytes", CellFormat::bytes},
                   {"cached_bytes", CellFormat::bytes}, {"overhead_bytes", CellFormat::bytes}};
  parts.summed_columns = {1, 2, 3, 4, 5};
  Table free;
  free.name = "arenas_free";
  free.title = "How their free memory lies";
  free.columns = {{"arena", CellFormat::text},          {"free_bytes", CellFormat::bytes},
                  {"free_blocks", CellFormat::integer}, {"largest_free_bytes", CellFormat::bytes},
                  {"external", CellFormat::percent},    {"pinned_bytes", CellFormat::bytes}};
  free.summed_columns = {1, 2, 5};
  Table pages;
  pages.name = "arenas_pages";
  pages.title = "Pages of 4 KiB (sparse: less than 10 % used), and memory given back whose addresses are kept";
  pages.columns = {{"arena", CellFormat::text},           {"regions", CellFormat::integer},
                   {"pages", CellFormat::integer},        {"empty_pages", CellFormat::integer},
                   {"sparse_pages", CellFormat::integer}, {"released_bytes", CellFormat::bytes}};
  pages.summed_columns = {1, 2, 3, 4, 5};
  Table maps;
  maps.name = "maps";
  maps.columns = {{"arena", CellFormat::text}, {"bytes_per_cell", CellFormat::bytes}, {"map", CellFormat::text}};
  maps.data_only = true;
  Statement row = report_statement(database, "report_arenas");
  while (row.step()) {
    const std::string name = row.text(1);
    const std::int64_t held = row.integer(3) - row.integer(8);
    parts.rows.push_back({name, held, row.integer(4), row.integer(5), row.integer(6), row.integer(7)});
    free.rows.push_back({name, row.integer(5), row.integer(11), row.integer(9),
                         external_percent(row.integer(9), row.integer(5)), row.integer(12)});
    pages.rows.push_back({name, row.integer(2), row.integer(13), row.integer(14), row.integer(15), row.integer(8)});
    if (row.is_null(16) || (options.rows != 0 && maps.rows.size() >= options.rows)) continue;
    maps.rows.push_back({name, row.integer(17), row.text(16)});
    section.preformatted.push_back('|' + row.text(16) + "|  " + name + ", " + bytes_text(held));
  }
  const auto metric = [&](const char* name) { return metric_integer(database, std::string("fragmentation.") + name); };
  cut_to_total(parts, options.rows,
               {Cell(), sums.bytes - sums.released, sums.live, sums.free, sums.cached, sums.overhead});
  cut_to_total(free, options.rows,
               {Cell(), sums.free, metric("free_block_count"), Cell(), Cell(), metric("pinned_bytes")});
  cut_to_total(pages, options.rows,
               {Cell(), sums.regions, metric("page_count"), metric("empty_page_count"), metric("sparse_page_count"),
                sums.released});
  section.paragraphs.emplace_back(
      "The map: low addresses on the left, each character the same part of its arena. '.' = no used byte, 0 to 9 = "
      "tenths in use, '#' = full.");
  section.tables = {std::move(parts), std::move(free), std::move(pages), std::move(maps)};
  return section;
}

Section requests_section(const Database& database) {
  Section section;
  section.name = "requests";
  section.title = "What requests would find";
  section.paragraphs.emplace_back(
      "The unusable-free-space index is the share of the free bytes that is of no use to requests of this size: "
      "0 % = all of it serves them, 100 % = none can be served. Every free block counts as divisible; a slot of a slab "
      "serves its own size only, so where there are slabs the index is a lower bound.");
  Table all;
  all.name = "requests";
  all.columns = {{"request_bytes", CellFormat::bytes},
                 {"servable_count", CellFormat::integer},
                 {"unusable_percent", CellFormat::percent}};
  Table arenas;
  arenas.name = "arena_requests";
  arenas.data_only = true;
  arenas.columns = all.columns;
  arenas.columns.insert(arenas.columns.begin(), {"arena", CellFormat::text});
  Statement row = report_statement(database, "report_unusable_free");
  while (row.step()) {
    std::vector<Cell> cells = {row.integer(2), row.integer(3), 100 * row.real(4)};
    if (row.is_null(0)) {
      all.rows.push_back(std::move(cells));
    } else {
      cells.insert(cells.begin(), text_cell(row, 1));
      arenas.rows.push_back(std::move(cells));
    }
  }
  section.tables = {std::move(all), std::move(arenas)};
  return section;
}

Section free_blocks_section(const Database& database, const ReportOptions& options) {
  Section section;
  section.name = "free_blocks";
  section.title = "Free blocks";
  Table sizes;
  sizes.name = "sizes";
  sizes.title = "By size";
  sizes.columns = {{"up_to", CellFormat::bytes}, {"blocks", CellFormat::integer}, {"free_bytes", CellFormat::bytes}};
  sizes.summed_columns = {1, 2};
  std::map<std::int64_t, std::pair<std::int64_t, std::int64_t>> by_size;  // power of two → blocks, bytes
  Statement size = report_statement(database, "report_free_sizes");
  while (size.step()) {
    constexpr std::int64_t largest = std::int64_t{1} << 62;
    std::int64_t limit = 16;
    while (limit < size.integer(0) && limit < largest) limit *= 2;
    by_size[limit].first += size.integer(1);
    by_size[limit].second += size.integer(1) * size.integer(0);
  }
  for (const auto& [limit, sum] : by_size) sizes.rows.push_back({limit, sum.first, sum.second});
  total_and_cut(sizes, 0);
  Table bins;
  bins.name = "bins";
  bins.title = "By the allocator's bin";
  bins.columns = {{"region_kind", CellFormat::text}, {"bin", CellFormat::text},       {"blocks", CellFormat::integer},
                  {"free_bytes", CellFormat::bytes}, {"smallest", CellFormat::bytes}, {"largest", CellFormat::bytes}};
  bins.summed_columns = {2, 3};
  Statement bin = report_statement(database, "report_free_bins");
  while (bin.step()) {
    bins.rows.push_back({text_cell(bin, 0), bin.is_null(1) ? Cell(std::string("none")) : integer_cell(bin, 1),
                         integer_cell(bin, 2), integer_cell(bin, 3), integer_cell(bin, 4), integer_cell(bin, 5)});
  }
  total_and_cut(bins, options.rows);
  section.tables = {std::move(sizes), std::move(bins)};
  return section;
}

struct Step {
  std::string name, type;
  std::int64_t number = 0;  ///< in the path, of which the middle may be missing
  Cell object_id, address, retained;
};

constexpr std::size_t steps_shown = 4;  // of each end of a path

/// "static_data registry → Registry +0x8 → Session": root, then types with the reference into each.
std::string path_line(const std::vector<Step>& path) {
  std::string line = path.front().name;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (i >= steps_shown && i + steps_shown < path.size()) {
      if (i == steps_shown) line += " \u2192 \u2026";
      continue;
    }
    if (i > 0) line += ' ' + path[i].name;
    line += " \u2192 " + (path[i].type.empty() ? std::string("?") : path[i].type);
  }
  return line;
}

std::map<std::int64_t, std::vector<Step>> read_paths(const Database& database) {
  std::map<std::int64_t, std::vector<Step>> paths;
  Statement row = report_statement(database, "report_pin_paths");
  while (row.step()) {
    paths[row.integer(0)].push_back(
        {row.text(2), row.text(3), row.integer(1), integer_cell(row, 4), integer_cell(row, 5), integer_cell(row, 6)});
  }
  return paths;
}

Table pin_path_table(std::int64_t pin, const std::vector<Step>& path) {
  Table table;
  table.name = "path_" + std::to_string(pin);
  table.data_only = true;
  table.columns = {{"step", CellFormat::integer},    {"name", CellFormat::text},
                   {"class", CellFormat::text},      {"object_id", CellFormat::text},
                   {"address", CellFormat::address}, {"retained_bytes", CellFormat::bytes}};
  for (const Step& step : path) {
    table.rows.push_back({step.number, step.name, step.type, step.object_id, step.address, step.retained});
  }
  return table;
}

Table pin_classes_table(const Database& database, const ReportOptions& options) {
  Table table;
  table.name = "pin_classes";
  table.title = "By type of the pinning block, all regions";
  table.columns = {{"class", CellFormat::text}, {"regions", CellFormat::integer}, {"pinned_bytes", CellFormat::bytes}};
  table.summed_columns = {1, 2};
  Statement row = report_statement(database, "report_pin_stats");
  while (row.step()) {
    table.rows.push_back({row.is_null(0) ? Cell(std::string("(in threads' caches)")) : text_cell(row, 0),
                          integer_cell(row, 1), integer_cell(row, 2)});
  }
  total_and_cut(table, options.rows);
  return table;
}

/// What is to be said of a pin in one line; empty = it was not searched for.
std::string retainer_line(const Statement& pin, const std::vector<Step>* path) {
  const std::string where = pin.text(0) + ": in " + pin.text(8) + ": ";
  if (path != nullptr) return where + path_line(*path);
  const bool is_leaked =
      !pin.is_null(5) && pin.integer(5) == static_cast<std::int64_t>(queries::Reachability::unreachable);
  return is_leaked ? where + "leaked: nothing reaches this " + pin.text(3) : std::string();
}

Section pins_section(const Database& database, const ReportOptions& options) {
  Section section;
  section.name = "pins";
  section.title = "What keeps free memory from going back";
  const auto paths = read_paths(database);
  Table table;
  table.name = "pins";
  table.columns = {{"pin", CellFormat::text},           {"class", CellFormat::text},
                   {"object_id", CellFormat::text},     {"address", CellFormat::address},
                   {"pinned_bytes", CellFormat::bytes}, {"gain_bytes", CellFormat::bytes},
                   {"live_count", CellFormat::integer}};
  table.summed_columns = {4};
  Table regions;  // their names are too long for the table
  regions.name = "pin_regions";
  regions.data_only = true;
  regions.columns = {{"pin", CellFormat::text}, {"region", CellFormat::text}};
  std::vector<Table> path_tables;
  Statement row = report_statement(database, "report_pins");
  while (row.step()) {
    table.rows.push_back({integer_cell(row, 0), text_cell(row, 3), integer_cell(row, 1), integer_cell(row, 2),
                          integer_cell(row, 6), integer_cell(row, 7), integer_cell(row, 9)});
    if (options.rows != 0 && table.rows.size() > options.rows) continue;
    regions.rows.push_back({integer_cell(row, 0), text_cell(row, 8)});
    const auto path = paths.find(row.integer(0));
    const bool has_path = path != paths.end();
    if (has_path) path_tables.push_back(pin_path_table(row.integer(0), path->second));
    std::string line = retainer_line(row, has_path ? &path->second : nullptr);
    if (!line.empty()) section.preformatted.push_back(std::move(line));
  }
  Table classes = pin_classes_table(database, options);
  if (classes.rows.empty()) {
    section.paragraphs.emplace_back("No used block does: all of the free memory can go back.");
    return section;
  }
  section.paragraphs.emplace_back(
      "An arena goes back to the system from its top, a slab or span as a whole: the highest used block of each keeps "
      "what is free. gain_bytes: what could go back if that block alone were freed; live_count: used blocks of the "
      "region.");
  cut_to_total(
      table, options.rows,
      {Cell(), Cell(), Cell(), Cell(), metric_integer(database, "fragmentation.pinned_bytes"), Cell(), Cell()});
  if (!table.others.empty()) {  // more regions are pinned than rows were stored
    const std::int64_t listed = static_cast<std::int64_t>(table.rows.size());
    table.others[0] = "[" + count_text(integer_of(classes.total[1]) - listed) + " others]";
  }
  section.tables = {std::move(table), std::move(regions), std::move(classes)};
  for (Table& path : path_tables) section.tables.push_back(std::move(path));
  return section;
}

Section internal_section(const Database& database, const ReportOptions& options) {
  Section section;
  section.name = "internal";
  section.title = "Wasted inside used blocks";
  Table table;
  table.name = "requested";
  table.columns = {{"class", CellFormat::text},
                   {"blocks", CellFormat::integer},
                   {"usable_bytes", CellFormat::bytes},
                   {"requested_bytes", CellFormat::bytes},
                   {"wasted_bytes", CellFormat::bytes}};
  table.summed_columns = {1, 2, 3, 4};
  Statement row = report_statement(database, "report_requested_stats");
  while (row.step()) {
    table.rows.push_back(
        {text_cell(row, 0), row.integer(1), row.integer(2), row.integer(3), row.integer(2) - row.integer(3)});
  }
  total_and_cut(table, options.rows);
  section.tables.push_back(std::move(table));
  return section;
}

}  // namespace

Report build_fragmentation(const Database& database, const ReportOptions& options) {
  Report report = begin_report(database, "fragmentation", "Fragmentation");
  if (!database.metric("fragmentation.external")) {  // nothing else is asked: an old database has no such tables
    Section section;
    section.name = "fragmentation";
    section.paragraphs.push_back(missing_text(database));
    report.sections.push_back(std::move(section));
    return report;
  }
  const Sums sums = read_sums(database);
  report.sections.push_back(overview_section(database, sums));
  report.sections.push_back(arenas_section(database, sums, options));
  report.sections.push_back(requests_section(database));
  report.sections.push_back(free_blocks_section(database, options));
  report.sections.push_back(pins_section(database, options));
  if (database.metric("fragmentation.internal")) report.sections.push_back(internal_section(database, options));
  return report;
}

}  // namespace analyzer
