#include "analyzer/gates/gate_profile.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>
#include <system_error>

#include "analyzer/passes/site_names.h"
#include "analyzer/quantities.h"
#include "analyzer/reports/reports.h"
#include "analyzer/reports/site_sections.h"
#include "queries/load_profile.h"
#include "queries/named_queries.h"

namespace analyzer {
namespace {

using queries::no_site;
using queries::not_known;
using queries::SiteId;
using queries::SiteTree;

constexpr std::size_t most_findings = 10;
constexpr std::size_t frames_of_a_finding = 8;

struct ProfileRule {
  std::string_view key, figure, metric;
};
constexpr std::array profile_rules{ProfileRule{"max_leaked", "leaked_bytes", "leaks.bytes"},
                                   ProfileRule{"max_live", "live_bytes", "heap.live_bytes"},
                                   ProfileRule{"max_peak", "peak_bytes", "peak.bytes"},
                                   ProfileRule{"max_allocations", "allocation_count", "allocations.count"},
                                   ProfileRule{"max_temporary_percent", "temporary_count", "temporary.percent"}};

void set_missing(RuleResult& result, std::string why) {
  result.status = RuleStatus::not_evaluated;
  result.note = std::move(why);
}

const ProfileRule& rule_of(const RuleResult& result) {
  return *std::find_if(profile_rules.begin(), profile_rules.end(),
                       [&](const ProfileRule& row) { return row.key == result.rule.key; });
}

bool matches_frame(const SiteTree& sites, SiteId site, const std::string& pattern) {
  const queries::SiteFrame frame = sites.frame(site);
  for (const std::string_view text : {frame.function, without_parameters(frame.function), frame.file, frame.module}) {
    if (!text.empty() && matches_glob(pattern, text)) return true;
  }
  return false;
}

bool is_unnamed(const queries::SiteFrame& frame) { return frame.function.starts_with("0x"); }

/// A place in a module or in a program that is loaded where it was linked: the same in every run of one build.
bool is_offset(std::string_view address) {
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(address.data() + 2, address.data() + address.size(), value, 16);
  return parsed.ec == std::errc() && parsed.ptr == address.data() + address.size() && value >> 32 == 0;
}

/// Stable across builds: functions, not addresses or lines. A path without a single name is told by its offsets, which
/// one build keeps: else two places of one module would be one, and the baseline of the one would excuse the other.
std::string signature_of(const SiteTree& sites, SiteId leaf) {
  bool has_names = false;
  for (SiteId at = naming_site(sites, leaf); at != no_site; at = sites[at].parent) {
    has_names = has_names || !is_unnamed(sites.frame(at));
  }
  std::uint64_t hash = 0xcbf29ce484222325u;
  const auto add = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    hash = (hash ^ 0xFF) * 0x100000001b3u;
  };
  for (SiteId at = naming_site(sites, leaf); at != no_site; at = sites[at].parent) {
    const queries::SiteFrame frame = sites.frame(at);
    add(is_unnamed(frame) ? frame.module : frame.function);
    if (!has_names && is_unnamed(frame) && is_offset(frame.function)) add(frame.function);
  }
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[(hash >> shift) & 15];
  return text;
}

Finding finding_of(const SiteTree& sites, const Figure& figure, const SiteSums& path) {
  Finding finding;
  finding.amount = amount_text(figure, figure.value(path)) + ' ' + std::string(figure.label) + error_text(figure, path);
  if (path.stat.site == no_site) {
    finding.title = "(unknown)";
    return finding;
  }
  const SiteId site = naming_site(sites, path.stat.site);
  finding.title = frame_text(sites.frame(site), true);
  finding.signature = signature_of(sites, path.stat.site);
  for (SiteId at = sites[site].parent; at != no_site && finding.stack.size() < frames_of_a_finding;
       at = sites[at].parent) {
    finding.stack.push_back(frame_text(sites.frame(at), true));
  }
  return finding;
}

/// The least that the figure is with 95 % confidence.
double least(const GateConfig& config, const Figure& figure, const SiteSums& sums) {
  const double value = static_cast<double>(figure.value(sums));
  const double error = config.subtract_sampling_error ? error_percent(figure, sums) : -1;
  return error < 0 ? value : value * std::max(0.0, 1 - error / 100);
}

void check_site(const GateConfig& config, const ProfileFigures& figures, const std::set<std::string>& known,
                RuleResult& result) {
  const Figure& figure = *find_figure(rule_of(result).figure);
  const SiteTree& sites = figures.profile.sites;
  if (figure.value(figures.total) == not_known) {
    return set_missing(result, "this record does not say: " + std::string(figure.label));
  }
  std::vector<const SiteSums*> broken;
  std::uint64_t matching = 0, doubtful = 0, accepted = 0;
  double most = 0;
  for (const SiteSums& path : figures.paths) {
    bool matches = false;
    for (SiteId at = path.stat.site; at != no_site && !matches; at = sites[at].parent) {
      matches = matches_frame(sites, at, result.rule.selector);
    }
    if (!matches || figure.value(path) == not_known) continue;
    ++matching;
    const auto value = static_cast<double>(figure.value(path));
    const bool is_known =
        value > result.rule.limit && path.stat.site != no_site && known.count(signature_of(sites, path.stat.site)) != 0;
    if (is_known) {
      ++accepted;
      broken.push_back(&path);
      continue;
    }
    most = std::max(most, value);
    if (value <= result.rule.limit) continue;
    if (least(config, figure, path) > result.rule.limit) {
      broken.push_back(&path);
    } else {
      ++doubtful;
    }
  }
  std::stable_sort(broken.begin(), broken.end(),
                   [&](const SiteSums* a, const SiteSums* b) { return figure.value(*a) > figure.value(*b); });
  for (const SiteSums* path : broken) {
    Finding finding = finding_of(sites, figure, *path);
    finding.known = known.count(finding.signature) != 0;
    result.findings.push_back(std::move(finding));
  }
  result.finding_count = result.findings.size();
  result.value = most;
  result.status = broken.size() > accepted ? RuleStatus::failed : RuleStatus::passed;
  if (matching == 0) result.note = "no call path goes through it";
  if (accepted != 0) result.note = format_count(accepted) + " known from the baseline, not counted";
  if (doubtful != 0) {
    result.note = format_count(doubtful) + (doubtful == 1 ? " call path is" : " call paths are") +
                  " above the limit, but within the sampling error (sampling_error = ignore to fail)";
  }
}

/// "4.3 MiB suppressed by cache_put, leak_*; unused: old_cache". Of those that are built in the used ones only.
std::string suppressions_text(const queries::Database& database) {
  constexpr std::size_t most_names = 8;
  std::vector<std::string> used, unused;
  double bytes = 0;
  const queries::NamedQuery* query = queries::find_named_query("report-suppressions");
  if (query == nullptr) throw std::logic_error("query report-suppressions is not built in");
  queries::Statement row = database.prepare(query->sql);
  while (row.step()) {
    if (row.integer(2) > 0) {
      used.push_back(row.text(0));
      bytes += row.real(3);
    } else if (row.text(1) != "built-in") {
      unused.push_back(row.text(0));
    }
  }
  const auto list = [&](const std::vector<std::string>& names) {
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), most_names); ++i) text += (i == 0 ? "" : ", ") + names[i];
    return text + (names.size() > most_names ? " and " + format_count(names.size() - most_names) + " more" : "");
  };
  std::string text;
  if (!used.empty()) text = format_size(bytes) + " suppressed by " + list(used);
  if (!unused.empty()) text += (text.empty() ? "" : "; ") + std::string("suppressions unused: ") + list(unused);
  return text;
}

void check_trace(const GateConfig& config, const queries::Database& database, const ProfileFigures& figures,
                 RuleResult& result) {
  const ProfileRule& rule = rule_of(result);
  std::optional<double> value = database.metric(rule.metric);
  const Figure& figure = *find_figure(rule.figure);
  // A heap profile has no leaks of its own: what is live at its end is what a limit on leaks means.
  if (!value && rule.key == "max_leaked" && figure.value(figures.total) != not_known) {
    value = static_cast<double>(figure.value(figures.total));
  }
  if (!value) return set_missing(result, "this record does not say: " + std::string(figure.label));
  result.value = *value;
  result.status = *value > result.rule.limit ? RuleStatus::failed : RuleStatus::passed;
  const double error = error_percent(figure, figures.total);
  if (error >= 0) result.note = "sampled: ± " + format_decimal(error, 1) + " %";
  if (result.status == RuleStatus::failed && config.subtract_sampling_error && error >= 0 &&
      *value * std::max(0.0, 1 - error / 100) <= result.rule.limit) {
    result.status = RuleStatus::passed;
    result.note += "; above the limit, but within the error (sampling_error = ignore to fail)";
  }
  if (rule.key == "max_leaked") {
    const std::string suppressed = suppressions_text(database);
    if (!suppressed.empty()) result.note += (result.note.empty() ? "" : "; ") + suppressed;
  }
  if (result.status != RuleStatus::failed) return;
  std::vector<const SiteSums*> paths;
  for (const SiteSums& path : figures.paths) {
    if (figure.value(path) > 0) paths.push_back(&path);
  }
  std::stable_sort(paths.begin(), paths.end(),
                   [&](const SiteSums* a, const SiteSums* b) { return figure.value(*a) > figure.value(*b); });
  result.finding_count = paths.size();
  for (std::size_t i = 0; i < std::min(paths.size(), most_findings); ++i) {
    result.findings.push_back(finding_of(figures.profile.sites, figure, *paths[i]));
  }
}

}  // namespace

void check_profile(const GateConfig& config, const queries::Database& database, GateProfile& profile,
                   const std::set<std::string>& known, RuleResult& result) {
  if (!is_profile(database)) {
    return set_missing(result, "this input is a heap dump: it does not say where its objects were allocated");
  }
  if (!profile.figures) profile.figures = read_figures(queries::load_profile(database));
  if (profile.figures->empty()) return set_missing(result, "this input says nothing of single allocations");
  if (result.rule.section == "site") {
    check_site(config, *profile.figures, known, result);
  } else {
    check_trace(config, database, *profile.figures, result);
  }
}

GateRule default_profile_rule(const queries::Database& database) {
  // A report of leaks knows neither what was allocated nor all that is live.
  if (database.metric("allocations.count") || database.metric("heap.live_bytes") || database.metric("leaks.bytes")) {
    return {"trace", "", "max_leaked", Unit::bytes, 0, "0", 0};
  }
  return {"growth", "", "max_rate", Unit::percent, 50, "50%/h", 0};
}

}  // namespace analyzer
