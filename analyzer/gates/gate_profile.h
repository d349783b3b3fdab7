// The rules of [trace] and [site "PATTERN"]: what a program may allocate, keep and lose, as a whole and by call path.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "analyzer/gates/gate.h"
#include "analyzer/passes/site_figures.h"

namespace analyzer {

/// Figures of the input's newest record, read once.
struct GateProfile {
  std::optional<ProfileFigures> figures;
};

/// [site]: each call path with a frame that the pattern matches (function with or without parameters, file or module)
/// has to keep the limit on its own. A sampled figure fails only when it is above the limit with 95 % confidence,
/// unless the gate file ignores the error. `known`: signatures of a baseline, reported, not counted.
void check_profile(const GateConfig& config, const queries::Database& database, GateProfile& profile,
                   const std::set<std::string>& known, RuleResult& result);

/// The rule when none was given: nothing leaks, or for a mere series, nothing grows.
[[nodiscard]] GateRule default_profile_rule(const queries::Database& database);

}  // namespace analyzer
