// The gate's result for people: what fails, by how much, what holds it, and one verdict line last.
#include <algorithm>
#include <cmath>

#include "analyzer/gates/outputs.h"
#include "analyzer/quantities.h"
#include "analyzer/terminal.h"

namespace analyzer {
namespace {

constexpr std::size_t shown_findings = 5;  // per rule; JSON has them all

std::string_view status_word(const RuleResult& result) {
  if (result.status == RuleStatus::passed) return "ok";
  if (result.status == RuleStatus::not_evaluated) return "ERROR";
  return result.severity == Severity::error ? "FAIL" : "warn";
}

std::string_view status_color(const RuleResult& result, const Style& style) {
  if (result.status == RuleStatus::passed) return style.green;
  return result.status == RuleStatus::failed && result.severity == Severity::warning ? style.yellow : style.red;
}

std::string comparison(const RuleResult& result) {
  if (!result.value) return result.note;
  const RuleResult& r = result;
  if (r.rule.section == "sql") return format_quantity(*r.value, Unit::rows);
  std::string text = format_quantity(*r.value, r.rule.unit);
  std::string limit = format_quantity(r.rule.limit, r.rule.unit);
  // "512.0 MiB > 512.0 MiB" would puzzle: then the exact numbers.
  if (text == limit && *r.value != r.rule.limit) {
    text = format_count(static_cast<std::uint64_t>(std::llround(*r.value)));
    limit = format_count(static_cast<std::uint64_t>(std::llround(r.rule.limit)));
  }
  const bool is_above = *r.value > r.rule.limit;  // and passed: by less than the sampling error, the note says so
  return text + (r.status == RuleStatus::failed || is_above ? " > " : " <= ") + limit;
}

std::string step_text(const PathStep& step, bool first) {
  std::string text = first ? "GC root: " + (step.reference.empty() ? "unknown" : step.reference) : step.reference;
  if (step.class_name.empty()) return printable(text);
  text += first ? ", " : " : ";
  if (step.is_class) text += "class ";
  return printable(text + step.class_name);
}

void add_path(const std::vector<PathStep>& path, std::string& out) {
  for (std::size_t i = 0; i < path.size(); ++i) {
    out += i == 0 ? "    ┬─ " : i + 1 == path.size() ? "    ╰→ " : "    ├─ ";
    out += step_text(path[i], i == 0);
    if (path[i].retained_bytes > 0) out += "  retains " + format_size(static_cast<double>(path[i].retained_bytes));
    out += '\n';
  }
}

void add_finding(const Finding& finding, const Style& style, std::string& out) {
  if (!finding.row.empty()) {
    out += "  - ";
    for (std::size_t i = 0; i < finding.row.size(); ++i) {
      out += (i == 0 ? "" : ", ") + printable(finding.row[i].first) + '=' + printable(finding.row[i].second);
    }
    out += '\n';
    return;
  }
  out += "  - ";
  out += style.bold;
  out += printable(finding.title);
  out += style.reset;
  if (!finding.amount.empty()) out += "  " + printable(finding.amount);
  if (finding.retained_bytes >= 0) out += "  retains " + format_size(static_cast<double>(finding.retained_bytes));
  if (finding.percent >= 0) out += " (" + format_decimal(finding.percent, 1) + "%)";
  if (finding.known) out += "  [known]";
  out += '\n';
  add_path(finding.path, out);
  for (const std::string& frame : finding.stack) out += "    ← " + printable(frame) + '\n';
  if (!finding.signature.empty()) {
    out += "    signature " + printable(finding.signature) +
           (finding.cause.empty() ? "" : ", cause " + printable(finding.cause)) + '\n';
  }
}

std::string verdict(const GateResult& gate, const Style& style) {
  const auto counted = [](std::uint64_t count, const std::string& word) {
    return format_count(count) + ' ' + word + (count == 1 ? "" : "s");
  };
  const std::uint64_t errors = gate.count(RuleStatus::failed, Severity::error);
  const std::uint64_t warnings = gate.count(RuleStatus::failed, Severity::warning);
  const std::uint64_t broken = gate.count(RuleStatus::not_evaluated);
  const int status = gate.exit_status();
  std::string text = "heapql: ";
  text += status == 0 ? style.green : style.red;
  text += status == 0 ? "PASS" : status == 1 ? "FAIL" : "ERROR";
  text += style.reset;
  text += ' ' + counted(gate.rules.size(), "rule") + ": " + counted(errors, "error") + ", " +
          counted(warnings, "warning") + ", " + format_count(gate.count(RuleStatus::passed)) + " passed";
  if (broken != 0) text += ", " + format_count(broken) + " not evaluated";
  std::string failed;
  for (const RuleResult& result : gate.rules) {
    if (result.status != RuleStatus::failed) continue;
    failed += (failed.empty() ? "" : "; ") + printable(result.rule.name()) + ' ' + comparison(result);
  }
  if (!failed.empty()) text += " (" + failed + ')';
  return text + '\n';
}

}  // namespace

std::string format_quantity(double value, Unit unit) {
  switch (unit) {
    case Unit::bytes: return format_size(value);
    case Unit::percent: return format_decimal(value, 1) + '%';
    case Unit::rows: return format_count(static_cast<std::uint64_t>(value)) + (value == 1 ? " row" : " rows");
    case Unit::count: break;
  }
  // Counts are whole, but a limit may be written as 0.5.
  return value == std::floor(value) ? format_count(static_cast<std::uint64_t>(value)) : format_decimal(value, 2);
}

std::string render_gate_text(const GateResult& gate, bool color) {
  const Style style(color);
  std::string out;
  for (const std::string& warning : gate.warnings) out += "warning: " + printable(warning) + '\n';
  std::size_t width = 0;
  for (const RuleResult& result : gate.rules) width = std::max(width, printable(result.rule.name()).size());
  for (const RuleResult& result : gate.rules) {
    const std::string name = printable(result.rule.name());
    const std::string_view word = status_word(result);
    out += name + std::string(width - name.size() + 2, ' ');
    out += status_color(result, style);
    out += word;
    out += style.reset;
    out += std::string(7 - word.size(), ' ') + printable(comparison(result));
    if (result.value && !result.note.empty()) out += "  (" + printable(result.note) + ')';
    if (result.status != RuleStatus::passed && !result.message.empty()) out += "  - " + printable(result.message);
    out += '\n';
  }
  for (const std::string& note : gate.notes) out += "note: " + printable(note) + '\n';
  for (const RuleResult& result : gate.rules) {
    if (result.status != RuleStatus::failed || result.findings.empty()) continue;
    out += '\n' + printable(result.rule.name()) + '\n';
    const std::size_t shown = std::min(result.findings.size(), shown_findings);
    for (std::size_t i = 0; i < shown; ++i) add_finding(result.findings[i], style, out);
    if (result.finding_count > shown) out += "  [" + format_count(result.finding_count - shown) + " others]\n";
  }
  return out + verdict(gate, style);
}

}  // namespace analyzer
