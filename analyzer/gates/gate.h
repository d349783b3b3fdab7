// Evaluates a gate's rules against a database. Data in, data out: rendering is in outputs.h.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "analyzer/gates/gate_config.h"
#include "queries/database.h"

namespace analyzer {

enum class RuleStatus : std::uint8_t {
  passed,
  failed,
  not_evaluated,  ///< its data is missing or its SQL failed: exit 4
};

/// One step of a keep-alive path.
struct PathStep {
  std::string reference;   ///< kind of the root for the first step, else field name
  std::string class_name;  ///< "" = not known
  bool is_class = false;   ///< the class object itself, holder of statics
  std::int64_t retained_bytes = -1;
};

/// What made a rule fail (or, of a suspect, would have): one suspect, one class, one row.
struct Finding {
  std::string title;
  std::string signature;  ///< of a suspect
  std::string cause;      ///< of a suspect
  std::int64_t retained_bytes = -1;
  double percent = -1;
  bool known = false;  ///< in the baseline: reported, not counted
  std::vector<PathStep> path;
  std::vector<std::string> stack;                        ///< of an allocation: frames from the site outwards
  std::string amount;                                    ///< of an allocation: "12.0 KiB ± 20 %"
  std::vector<std::pair<std::string, std::string>> row;  ///< of an SQL rule: column, text
};

struct RuleResult {
  GateRule rule;
  RuleStatus status = RuleStatus::passed;
  Severity severity = Severity::error;
  std::string message;          ///< the gate file's own words
  std::optional<double> value;  ///< nothing when not evaluated
  std::string note;             ///< why not evaluated, or what else to know
  std::vector<Finding> findings;
  std::uint64_t finding_count = 0;  ///< all of them; `findings` is capped
};

struct GateResult {
  std::string input;
  std::string gate_file;
  Severity fail_on = Severity::error;
  std::vector<RuleResult> rules;
  std::vector<Finding> suspects;      ///< all that the filter lets through, known ones too
  std::vector<std::string> notes;     ///< fixed baseline entries, …
  std::vector<std::string> warnings;  ///< damage

  /// What a baseline accepts: suspects, and call paths above the limits of their sites.
  [[nodiscard]] std::vector<Finding> baseline_findings() const;
  [[nodiscard]] std::uint64_t count(RuleStatus status, Severity severity) const;
  [[nodiscard]] std::uint64_t count(RuleStatus status) const;
  /// exit_gate_failed, exit_not_evaluated or exit_ok, in that order of weight.
  [[nodiscard]] int exit_status() const;
};

/// `known`: suspect signatures of the baseline, which do not count.
[[nodiscard]] GateResult evaluate_gate(const GateConfig& config, const queries::Database& database,
                                       const std::set<std::string>& known);

/// `*` any text, `?` one character, all else literally (class names hold brackets). O(pattern · text).
[[nodiscard]] bool matches_glob(std::string_view pattern, std::string_view text);

}  // namespace analyzer
