#include "analyzer/gates/gate.h"

#include <algorithm>

#include "analyzer/commands/command.h"
#include "analyzer/gates/gate_growth.h"
#include "analyzer/gates/gate_profile.h"
#include "analyzer/gates/gate_sql.h"
#include "analyzer/quantities.h"
#include "analyzer/reports/reports.h"
#include "queries/named_queries.h"

namespace analyzer {
namespace {

using queries::Database;
using queries::Statement;

Statement prepare_named(const Database& database, std::string_view name) {
  const queries::NamedQuery* query = queries::find_named_query(name);
  if (query == nullptr) throw std::logic_error("query " + std::string(name) + " is not built in");
  return database.prepare(query->sql);
}

void set_status(RuleResult& result, double value) {
  result.value = value;
  result.status = value > result.rule.limit ? RuleStatus::failed : RuleStatus::passed;
}

void set_missing(RuleResult& result, std::string why) {
  result.status = RuleStatus::not_evaluated;
  result.note = std::move(why);
}

// ---- [heap] and [fragmentation] ----

struct MetricRule {
  std::string_view section, key, metric;
  double scale = 1;  ///< of the metric to the rule's unit
};
constexpr MetricRule metric_rules[] = {
    {"heap", "max_live", "heap.live_bytes"},
    {"heap", "max_total", "heap.total_bytes"},
    {"heap", "max_unreachable", "heap.unreachable_bytes"},
    {"heap", "max_duplicate_waste", "duplicates.wasted_bytes"},
    {"heap", "max_objects", "heap.object_count"},
    {"heap", "max_damaged", "heap.damaged_bytes"},
    {"heap", "max_leaked", "leaks.bytes"},
    {"heap", "max_leaks", "leaks.count"},
    {"heap", "max_possibly_leaked", "leaks.possible_bytes"},
    {"heap", "max_possible_leaks", "leaks.possible_count"},
    {"fragmentation", "max_external", "fragmentation.external", 100},
    {"fragmentation", "max_internal", "fragmentation.internal", 100},
    {"fragmentation", "max_free", "fragmentation.free_bytes"},
    {"fragmentation", "max_cached", "fragmentation.cached_bytes"},
    {"fragmentation", "max_pinned", "fragmentation.pinned_bytes"},
    {"fragmentation", "max_sparse_pages", "fragmentation.sparse_page_count"},
    {"layout", "max_waste_percent", "layout.wasted_percent"},
    {"layout", "max_waste", "layout.wasted_bytes"},
    {"layout", "max_straddling", "layout.straddling_count"},
    {"layout", "max_shared_lines", "layout.shared_line_count"},
};

void check_metric(const Database& database, RuleResult& result) {
  for (const MetricRule& row : metric_rules) {
    if (row.section != result.rule.section || row.key != result.rule.key) continue;
    const std::optional<double> value = database.metric(row.metric);
    if (!value) return set_missing(result, "metric " + std::string(row.metric) + " is missing");
    return set_status(result, row.scale * *value);
  }
}

void check_cycles(const Database& database, RuleResult& result) {
  const std::optional<double> count = database.metric("cycles.count");
  if (!count) return set_missing(result, "metric cycles.count is missing");
  Statement statement = prepare_named(database, "gate-cycles");
  if (!statement.step()) return set_status(result, 0);
  set_status(result, static_cast<double>(statement.integer(2)));
  if (result.status == RuleStatus::failed) {
    Finding finding;
    finding.title = "cycle of " + format_count(static_cast<std::uint64_t>(statement.integer(1))) + " objects" +
                    (statement.is_null(3) ? "" : " around a " + statement.text(3));
    finding.retained_bytes = statement.integer(2);
    result.findings.push_back(std::move(finding));
    result.finding_count = 1;
  }
}

void check_heap(const Database& database, RuleResult& result) {
  if (result.rule.key == "max_cycle_retained") return check_cycles(database, result);
  if (result.rule.key == "max_unreachable_percent") {
    const std::optional<double> unreachable = database.metric("heap.unreachable_bytes");
    const std::optional<double> total = database.metric("heap.total_bytes");
    if (!unreachable || !total)
      return set_missing(result, "metric heap.unreachable_bytes or heap.total_bytes is missing");
    return set_status(result, *total > 0 ? 100 * *unreachable / *total : 0);
  }
  check_metric(database, result);
}

/// Says why there is nothing to compare with: most inputs tell nothing of their allocator.
void check_fragmentation(const Database& database, RuleResult& result) {
  check_metric(database, result);
  if (result.status != RuleStatus::not_evaluated) return;
  result.note += database.metric("fragmentation.external") ? ": it is not known how many bytes the program asked for"
                                                           : ": this input says nothing of the allocator";
}

void check_layout(const Database& database, RuleResult& result) {
  check_metric(database, result);
  if (result.status != RuleStatus::not_evaluated) return;
  result.note += ": no type's layout is known, or there is no heap (cores need debugging information)";
}

// ---- [type "…"] ----

/// Each matching type on its own; a pattern without any is a mistake that must not pass in silence.
void check_type(const Database& database, RuleResult& result) {
  constexpr std::size_t listed = 10;
  Statement statement = prepare_named(database, "gate-types");
  double most = 0;
  std::size_t matching = 0;
  while (statement.step()) {
    const std::string name = statement.text(0);
    if (!matches_glob(result.rule.selector, name)) continue;
    const int column = result.rule.key == "max_size" ? 1 : result.rule.key == "max_padding" ? 2 : 3;
    if (statement.is_null(column)) continue;
    ++matching;
    const auto value = static_cast<double>(statement.integer(column));
    most = std::max(most, value);
    if (value <= result.rule.limit) continue;
    ++result.finding_count;
    if (result.findings.size() == listed) continue;
    Finding finding;
    finding.title = name + ": " + format_count(static_cast<std::uint64_t>(value)) +
                    (column == 1   ? " bytes"
                     : column == 2 ? " bytes of holes and padding in " + std::to_string(statement.integer(1))
                                   : " bytes wasted in all objects");
    if (!statement.is_null(4))
      finding.title +=
          "; in the order " + statement.text(4) + " an object has " + std::to_string(statement.integer(5)) + " bytes";
    result.findings.push_back(std::move(finding));
  }
  if (matching == 0) return set_missing(result, "no type whose layout is known matches");
  set_status(result, most);
}

// ---- [suspects] ----

std::vector<PathStep> suspect_path(const Database& database, std::int64_t suspect) {
  std::vector<PathStep> path;
  Statement statement = prepare_named(database, "gate-suspect-path");
  statement.bind("suspect", suspect);
  while (statement.step()) {
    PathStep step;
    step.reference = statement.text(1);
    step.class_name = statement.text(2);
    step.is_class = !statement.is_null(3) && statement.integer(3) != 0;
    if (!statement.is_null(4)) step.retained_bytes = statement.integer(4);
    path.push_back(std::move(step));
  }
  return path;
}

bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

/// The suspects that the filter lets through, the known ones marked.
std::vector<Finding> find_gate_suspects(const Database& database, const SuspectFilter& filter,
                                        const std::set<std::string>& known) {
  std::vector<Finding> findings;
  std::vector<std::int64_t> ids;
  Statement statement = prepare_named(database, "gate-suspects");
  while (statement.step()) {
    Finding finding;
    const std::string kind = statement.text(1);
    finding.cause = statement.is_null(2) ? "" : statement.text(2);
    finding.title = statement.text(3);
    finding.retained_bytes = statement.integer(4);
    finding.percent = statement.real(5);
    finding.signature = statement.is_null(6) ? "" : statement.text(6);
    finding.known = known.count(finding.signature) != 0;
    if (finding.retained_bytes < static_cast<std::int64_t>(filter.min_bytes) || finding.percent < filter.min_percent ||
        contains(filter.ignore_kinds, kind) ||
        (!finding.cause.empty() && contains(filter.ignore_causes, finding.cause)) ||
        contains(filter.ignore_signatures, finding.signature)) {
      continue;
    }
    ids.push_back(statement.integer(0));
    findings.push_back(std::move(finding));
  }
  for (std::size_t i = 0; i < findings.size(); ++i) findings[i].path = suspect_path(database, ids[i]);
  return findings;
}

void check_suspects(const Database& database, const std::vector<Finding>& suspects, RuleResult& result) {
  if (!database.metric("suspects.count")) return set_missing(result, "metric suspects.count is missing");
  const bool in_percent = result.rule.unit == Unit::percent;
  double count = 0;
  double most = 0;
  for (const Finding& suspect : suspects) {
    if (suspect.known) continue;
    ++count;
    const double retained = in_percent ? suspect.percent : static_cast<double>(suspect.retained_bytes);
    most = std::max(most, retained);
    if (result.rule.key == "max_retained" && retained > result.rule.limit) result.findings.push_back(suspect);
  }
  if (result.rule.key == "max_count") {
    result.findings = suspects;
    set_status(result, count);
  } else {
    set_status(result, most);
  }
  const auto known = static_cast<std::uint64_t>(
      std::count_if(suspects.begin(), suspects.end(), [](const Finding& suspect) { return suspect.known; }));
  if (known != 0) result.note = format_count(known) + " known from the baseline, not counted";
  result.finding_count = result.findings.size();
}

// ---- [class "…"] ----

struct ClassRow {
  std::string name;
  std::int64_t object_count = 0, shallow_bytes = 0, retained_bytes = 0;
};

std::vector<ClassRow> read_classes(const Database& database) {
  std::vector<ClassRow> rows;
  Statement statement = prepare_named(database, "gate-classes");
  while (statement.step()) {
    rows.push_back({statement.text(0), statement.integer(1), statement.integer(2), statement.integer(3)});
  }
  return rows;
}

/// Counts and shallow bytes are summed over the classes that match. Retained sizes of different classes overlap, so
/// max_retained holds for each matching class on its own.
void check_class(const std::vector<ClassRow>& classes, RuleResult& result) {
  constexpr std::size_t listed = 10;
  if (classes.empty()) return set_missing(result, "table class_stat is empty");
  const bool retained = result.rule.key == "max_retained";
  double value = 0;
  std::size_t matching = 0;
  for (const ClassRow& row : classes) {
    if (!matches_glob(result.rule.selector, row.name)) continue;
    ++matching;
    const auto part = static_cast<double>(retained                         ? row.retained_bytes
                                          : result.rule.key == "max_count" ? row.object_count
                                                                           : row.shallow_bytes);
    value = retained ? std::max(value, part) : value + part;
    if (retained ? part <= result.rule.limit : part == 0) continue;
    ++result.finding_count;
    if (result.findings.size() == listed) continue;
    Finding finding;
    finding.title = format_count(static_cast<std::uint64_t>(row.object_count)) + " × " + row.name;
    finding.retained_bytes = row.retained_bytes;
    result.findings.push_back(std::move(finding));
  }
  set_status(result, value);
  if (result.status == RuleStatus::passed) {
    result.findings.clear();
    result.finding_count = 0;
  }
  if (matching == 0) result.note = "no class of this heap matches";
}

std::vector<std::string> damage_warnings(const Database& database) {
  std::vector<std::string> warnings;
  const double damaged = database.metric("heap.damaged_bytes").value_or(0);
  if (damaged > 0) {
    warnings.push_back(format_size(damaged) + " of the input could not be used: sizes and counts are lower bounds");
  }
  if (database.meta("roots.reconstructed").value_or("0") != "0") {
    warnings.emplace_back("the dump has no roots: reconstructed ones decide what is live");
  }
  return warnings;
}

}  // namespace

bool matches_glob(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;  // the last `*`, and where its text began
  std::size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::uint64_t GateResult::count(RuleStatus status) const {
  return static_cast<std::uint64_t>(
      std::count_if(rules.begin(), rules.end(), [&](const RuleResult& rule) { return rule.status == status; }));
}

std::uint64_t GateResult::count(RuleStatus status, Severity severity) const {
  return static_cast<std::uint64_t>(std::count_if(rules.begin(), rules.end(), [&](const RuleResult& rule) {
    return rule.status == status && rule.severity == severity;
  }));
}

std::vector<Finding> GateResult::baseline_findings() const {
  std::vector<Finding> all = suspects;
  for (const RuleResult& rule : rules) {
    if (rule.rule.section == "site") all.insert(all.end(), rule.findings.begin(), rule.findings.end());
  }
  return all;
}

int GateResult::exit_status() const {
  const std::uint64_t failed =
      count(RuleStatus::failed, Severity::error) +
      (fail_on == Severity::warning ? count(RuleStatus::failed, Severity::warning) : std::uint64_t{0});
  if (failed != 0) return exit_gate_failed;
  return count(RuleStatus::not_evaluated) != 0 ? exit_not_evaluated : exit_ok;
}

GateResult evaluate_gate(const GateConfig& config, const Database& database, const std::set<std::string>& known) {
  GateResult gate;
  gate.gate_file = config.path;
  gate.fail_on = config.fail_on;
  gate.warnings = damage_warnings(database);
  const std::vector<Finding> suspects = find_gate_suspects(database, config.filter, known);
  const std::vector<ClassRow> classes = read_classes(database);
  GateProfile profile;  // read by the first rule that needs it
  std::vector<GateRule> rules = config.rules;
  if (config.is_default && is_profile(database)) rules = {default_profile_rule(database)};
  for (const GateRule& rule : rules) {
    RuleResult result;
    result.rule = rule;
    if (const GateSection* section = config.find_section(rule.section, rule.selector)) {
      result.severity = section->severity;
      result.message = section->message;
    }
    if (rule.section == "sql") {
      check_sql(config, database, result, gate.rules);  // a glob makes one result per file
      continue;
    }
    if (rule.section == "heap") check_heap(database, result);
    if (rule.section == "fragmentation") check_fragmentation(database, result);
    if (rule.section == "layout") check_layout(database, result);
    if (rule.section == "type") check_type(database, result);
    if (rule.section == "growth") check_growth(config, database, result);
    if (rule.section == "suspects") check_suspects(database, suspects, result);
    if (rule.section == "class") check_class(classes, result);
    if (rule.section == "site" || rule.section == "trace") check_profile(config, database, profile, known, result);
    if (is_profile(database) && result.status == RuleStatus::not_evaluated && rule.section != "trace" &&
        rule.section != "site" && rule.section != "growth") {
      result.note = "this input is a record of allocations, without objects and references";
    }
    gate.rules.push_back(std::move(result));
  }
  gate.suspects = suspects;
  return gate;
}

}  // namespace analyzer
