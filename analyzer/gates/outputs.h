// How a gate's result is written. To add a format (SARIF, JUnit, …): one function `std::string render(const
// GateResult&)` in a file of its own and one row of the table in outputs.cpp.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "analyzer/gates/gate.h"

namespace analyzer {

struct GateOutput {
  std::string_view name;     ///< "json", as in --output json:FILE
  std::string_view summary;  ///< for the help
  std::string (*render)(const GateResult& gate, bool color);
};

[[nodiscard]] std::span<const GateOutput> gate_outputs();
/// nullptr = no such format.
[[nodiscard]] const GateOutput* find_gate_output(std::string_view name);

/// A line per rule, the findings of the failed ones with their keep-alive paths, one verdict line last.
[[nodiscard]] std::string render_gate_text(const GateResult& gate, bool color);
/// heapql/check@1: every rule with value, limit and status.
[[nodiscard]] std::string render_gate_json(const GateResult& gate, bool color);

/// "183.2 MiB", "5%", "1,234", "3 rows".
[[nodiscard]] std::string format_quantity(double value, Unit unit);

}  // namespace analyzer
