// The rules of [growth]: how fast memory may grow, and which verdicts a build accepts.
#pragma once

#include "analyzer/gates/gate.h"

namespace analyzer {

/// max_rate, verdict, max_leaking_sites. One moment, or too few of them, is no pass: such rules are not evaluated.
void check_growth(const GateConfig& config, const queries::Database& database, RuleResult& result);

/// "leaking", "WARMING UP", "warming_up" … → as the database has it; "" = no such verdict.
[[nodiscard]] std::string verdict_of(std::string_view text);

}  // namespace analyzer
