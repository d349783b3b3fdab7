// report --type pools: sites that allocate blocks of one size often and free them soon, and what a pool would save.
//
// The cost model, measured per pair of malloc and free on an AMD EPYC: glibc 18-29 ns for one size, a free-list pool
// 2-3 ns. A pool saves 17-26 ns a pair, so 100,000 a second are 0.2-0.3 % of a core. Below 0.1 % a pool has no effect
// that could be noticed, whatever the rate says.
#include <algorithm>
#include <map>

#include "analyzer/passes/site_names.h"
#include "analyzer/quantities.h"
#include "analyzer/reports/report_tools.h"
#include "analyzer/reports/reports.h"
#include "analyzer/reports/site_sections.h"

namespace analyzer {
namespace {

using queries::add_known;
using queries::no_site;
using queries::not_known;

constexpr double saved_ns_low = 17, saved_ns_high = 26;  // per pair of allocation and release
constexpr double no_effect_percent = 0.1;                // of a core
constexpr double short_lived_percent = 90;               // of the blocks are freed in the record

struct Candidate {
  std::string name, place;
  std::uint64_t size = 0;
  std::int64_t count = 0, live = not_known, temporary = not_known, samples = not_known;
};

/// Allocations by site and size, most first.
std::vector<Candidate> candidates_of(const ProfileFigures& figures, bool shorten) {
  std::map<std::tuple<std::string, std::string, std::uint64_t>, Candidate> by_key;
  const queries::SiteTree& sites = figures.profile.sites;
  const double interval = figures.profile.sampling.mean_interval_bytes;
  for (const queries::SiteSizeRow& row : figures.profile.records.back().sizes) {
    if (row.allocation_count == not_known) continue;
    std::string name = "(unknown)", place;
    if (row.site != no_site) {
      const queries::SiteFrame frame = sites.frame(naming_site(sites, row.site));
      name = shorten ? shorten_templates(frame.function) : std::string(frame.function);
      place = place_of(frame);
    }
    Candidate& candidate = by_key[{name, place, row.size}];
    candidate.name = name;
    candidate.place = place;
    candidate.size = row.size;
    candidate.count += row.allocation_count;
    candidate.live = add_known(candidate.live, row.live_count);
    candidate.temporary = add_known(candidate.temporary, row.temporary_count);
    if (interval > 1) candidate.samples = add_known(candidate.samples, samples_of(row, interval));
  }
  std::vector<Candidate> list;
  list.reserve(by_key.size());
  for (auto& [key, candidate] : by_key) list.push_back(std::move(candidate));
  std::stable_sort(list.begin(), list.end(), [](const Candidate& a, const Candidate& b) { return a.count > b.count; });
  return list;
}

std::string verdict(double rate, double freed_percent, const SiteOptions& options) {
  if (freed_percent < short_lived_percent) return "blocks stay";
  if (rate < options.pool_none_below) return "too rare";
  if (100 * rate * saved_ns_high * 1e-9 < no_effect_percent) return "no effect";
  return rate >= options.pool_pays_above ? "a pool pays" : "measure";
}

}  // namespace

Report build_pools(const queries::Database& database, const ReportOptions& options) {
  Report report = begin_profile_report(database, "pools", "Memory pools");
  const ProfileFigures figures = figures_for(database, report, {.sizes = true});
  if (figures.empty()) return report;
  Section section;
  section.name = "pools";
  const std::vector<Candidate> candidates = candidates_of(figures, options.sites.shorten_templates);
  const double seconds = figures.profile.seconds;
  if (candidates.empty() || seconds <= 0) {
    section.paragraphs.emplace_back(candidates.empty()
                                        ? "This record does not count allocations by size: no pool can be judged."
                                        : "This record has no clock: without rates no pool can be judged.");
    report.sections.push_back(std::move(section));
    return report;
  }
  if (figures.profile.sizes_bucketed) {
    report.warnings.emplace_back("the record has sizes in ranges only: blocks of one row need not be of one size");
  }
  section.paragraphs.push_back(
      "Screening: below " + format_count(static_cast<std::uint64_t>(options.sites.pool_none_below)) +
      " allocations a second of one size a pool is useless, from " +
      format_count(static_cast<std::uint64_t>(options.sites.pool_pays_above)) +
      " on it pays (--pool-rates). Beside it the cost: a pool saves 17 to 26 ns for each pair of malloc and free, so "
      "less than 0.1 % of a core is no effect. Blocks stay: less than 90 % of them were freed in the record, so that a "
      "pool has little to reuse. Rates are those of the recorded run, which recording slows down.");
  Table table;
  table.name = "pools";
  table.columns = {{"site", CellFormat::text},
                   {"where", CellFormat::text},
                   {"size", CellFormat::bytes},
                   {"allocation_count", CellFormat::integer},
                   {"per_second", CellFormat::real},
                   {"freed_percent", CellFormat::percent},
                   {"cpu_percent_low", CellFormat::real},
                   {"cpu_percent_high", CellFormat::real},
                   {"verdict", CellFormat::text}};
  const bool is_sampled = figures.profile.sampling.mean_interval_bytes > 1;
  if (is_sampled) table.columns.push_back({"error_percent", CellFormat::percent});
  table.summed_columns = {3};
  for (const Candidate& row : candidates) {
    const double rate = static_cast<double>(row.count) / seconds;
    const double freed = row.live == not_known
                             ? 0
                             : percent_of(static_cast<double>(row.count - row.live), static_cast<double>(row.count));
    table.rows.push_back({row.name, row.place, cell(row.size), row.count, rate,
                          row.live == not_known ? Cell{} : Cell(freed), 100 * rate * saved_ns_low * 1e-9,
                          100 * rate * saved_ns_high * 1e-9, verdict(rate, freed, options.sites)});
    if (is_sampled) table.rows.back().push_back(error_cell(row.samples));
  }
  total_and_cut(table, options.rows);
  section.tables.push_back(std::move(table));
  report.sections.push_back(std::move(section));
  return report;
}

}  // namespace analyzer
