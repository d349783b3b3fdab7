#include "analyzer/gates/gate_growth.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "analyzer/quantities.h"
#include "queries/allocation_profile.h"
#include "queries/named_queries.h"

namespace analyzer {
namespace {

using queries::Database;
using queries::GrowthVerdict;
using queries::Statement;

constexpr std::size_t most_findings = 10;

struct Primary {
  std::string name, verdict;
  bool has_rate = false, has_percent = false;
  double per_hour = 0, percent_per_hour = 0, r2 = 0;
  std::int64_t points = 0;
};

Statement prepare_named(const Database& database, std::string_view name) {
  const queries::NamedQuery* query = queries::find_named_query(name);
  if (query == nullptr) throw std::logic_error("query " + std::string(name) + " is not built in");
  return database.prepare(query->sql);
}

/// The series that speaks for the process; nothing when there is none.
std::optional<Primary> primary_of(const Database& database) {
  Statement row = prepare_named(database, "report-growth");
  if (!row.step() || row.integer(16) == 0) return std::nullopt;
  return Primary{row.text(0), row.text(1), !row.is_null(3), !row.is_null(6),
                 row.real(3), row.real(6), row.real(9),     row.integer(13)};
}

void set_missing(RuleResult& result, std::string why) {
  result.status = RuleStatus::not_evaluated;
  result.note = std::move(why);
}

/// Classes and sites that leak, most first.
void add_findings(const Database& database, RuleResult& result) {
  for (const char* subject : {"class", "site"}) {
    Statement row = prepare_named(database, "report-growth-sites");
    row.bind("subject", subject);
    while (row.step()) {
      if (row.text(5) != to_text(GrowthVerdict::leaking)) continue;
      ++result.finding_count;
      if (result.findings.size() >= most_findings) continue;
      Finding finding;
      finding.title = std::string(subject) + " " + row.text(1);
      if (!row.is_null(2)) finding.title += " (" + row.text(2) + (row.is_null(3) ? "" : ":" + row.text(3)) + ")";
      finding.title += row.is_null(6) ? " grows" : " grows by " + format_size(row.real(6)) + " an hour";
      finding.retained_bytes = row.integer(12);
      result.findings.push_back(std::move(finding));
    }
  }
}

void check_rate(const GateConfig& config, const Primary& primary, RuleResult& result) {
  if (!primary.has_rate) return set_missing(result, "the input has no clock: growth has an order, but no rate");
  const bool leaks = primary.verdict == to_text(GrowthVerdict::leaking);
  if (leaks && result.rule.unit == Unit::percent && !primary.has_percent) {
    return set_missing(result, "it began at nothing: there is a rate in bytes, but no percentage");
  }
  const double rate = result.rule.unit == Unit::percent ? primary.percent_per_hour : primary.per_hour;
  result.value = leaks ? rate : 0;
  if (!leaks) result.note = primary.verdict + ", so the rate is no growth that lasts";
  const bool is_line = primary.r2 >= config.min_r2;
  if (leaks && !is_line) result.note = "R² " + format_decimal(primary.r2, 3) + " is below min_r2";
  result.status = leaks && is_line && rate > result.rule.limit ? RuleStatus::failed : RuleStatus::passed;
}

}  // namespace

std::string verdict_of(std::string_view text) {
  std::string wanted;
  for (const char c : text) {
    wanted += c == '_' || c == '-' ? ' ' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  for (const GrowthVerdict verdict : {GrowthVerdict::insufficient_data, GrowthVerdict::stable, GrowthVerdict::step,
                                      GrowthVerdict::warming_up, GrowthVerdict::leaking}) {
    if (to_text(verdict) == wanted) return wanted;
  }
  return {};
}

void check_growth(const GateConfig& config, const Database& database, RuleResult& result) {
  if (result.rule.key == "max_leaking_sites") {
    const std::optional<double> count = database.metric("growth.leaking_sites");
    if (!count) return set_missing(result, "growth of sites needs three heap profiles or more");
    add_findings(database, result);
    result.value = *count;
    result.status = *count > result.rule.limit ? RuleStatus::failed : RuleStatus::passed;
    return;
  }
  const std::optional<Primary> primary = primary_of(database);
  if (!primary) return set_missing(result, "this input is one moment: growth needs several (heapql trend --save)");
  const bool is_enough = primary->verdict != to_text(GrowthVerdict::insufficient_data);
  const std::vector<std::string>& refused = config.refused_verdicts;
  if (result.rule.key == "verdict") {
    const bool refuses = std::find(refused.begin(), refused.end(), primary->verdict) != refused.end();
    if (!is_enough && !refuses) {
      return set_missing(result, "INSUFFICIENT DATA: " + std::to_string(primary->points) + " moments");
    }
    result.value = refuses ? 1 : 0;
    result.note = primary->name + ": " + primary->verdict;
    result.status = refuses ? RuleStatus::failed : RuleStatus::passed;
  } else {
    if (!is_enough) return set_missing(result, "INSUFFICIENT DATA: " + std::to_string(primary->points) + " moments");
    check_rate(config, *primary, result);
  }
  if (result.status == RuleStatus::failed) add_findings(database, result);
}

}  // namespace analyzer
