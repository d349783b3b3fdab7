// heapql/check@1. Keys are snake_case and only ever added.
#include "analyzer/gates/outputs.h"
#include "analyzer/json_text.h"

namespace analyzer {
namespace {

std::string_view status_word(RuleStatus status) {
  switch (status) {
    case RuleStatus::passed: return "passed";
    case RuleStatus::failed: return "failed";
    case RuleStatus::not_evaluated: break;
  }
  return "not_evaluated";
}

std::string_view severity_word(Severity severity) { return severity == Severity::error ? "error" : "warning"; }

std::string_view unit_word(Unit unit) {
  switch (unit) {
    case Unit::count: return "count";
    case Unit::bytes: return "bytes";
    case Unit::percent: return "percent";
    case Unit::rows: break;
  }
  return "rows";
}

std::string text_or_null(const std::string& text) { return text.empty() ? "null" : json_string(text); }
std::string bytes_or_null(std::int64_t bytes) { return bytes < 0 ? "null" : std::to_string(bytes); }

std::string path_json(const std::vector<PathStep>& path) {
  std::string out = "[";
  for (std::size_t i = 0; i < path.size(); ++i) {
    out += i == 0 ? "" : ", ";
    out += "{\"name\": " + text_or_null(path[i].reference) + ", \"class\": " + text_or_null(path[i].class_name) +
           ", \"is_class\": " + (path[i].is_class ? "true" : "false") +
           ", \"retained_bytes\": " + bytes_or_null(path[i].retained_bytes) + '}';
  }
  return out + ']';
}

std::string finding_json(const Finding& finding) {
  std::string out = "{";
  if (!finding.row.empty()) {
    for (std::size_t i = 0; i < finding.row.size(); ++i) {
      out += (i == 0 ? "" : ", ") + json_string(finding.row[i].first) + ": " + json_string(finding.row[i].second);
    }
    return out + '}';
  }
  out += "\"title\": " + json_string(finding.title) + ", \"retained_bytes\": " + bytes_or_null(finding.retained_bytes);
  if (finding.percent >= 0) out += ", \"percent\": " + json_number(finding.percent);
  if (!finding.amount.empty()) {
    out += ", \"amount\": " + json_string(finding.amount) + ", \"stack\": [";
    for (std::size_t i = 0; i < finding.stack.size(); ++i) {
      out += (i == 0 ? "" : ", ") + json_string(finding.stack[i]);
    }
    out += ']';
  }
  if (!finding.signature.empty()) {
    out += ", \"signature\": " + json_string(finding.signature) + ", \"cause\": " + text_or_null(finding.cause) +
           ", \"known\": " + (finding.known ? "true" : "false") + ", \"path\": " + path_json(finding.path);
  }
  return out + '}';
}

std::string rule_json(const RuleResult& result) {
  std::string out = "{\"rule\": " + json_string(result.rule.name());
  out += ", \"status\": \"" + std::string(status_word(result.status)) + '"';
  out += ", \"severity\": \"" + std::string(severity_word(result.severity)) + '"';
  out += ", \"value\": " + (result.value ? json_number(*result.value) : std::string("null"));
  out += ", \"limit\": " + json_number(result.rule.limit);
  out += ", \"unit\": \"" + std::string(unit_word(result.rule.unit)) + '"';
  out += ", \"message\": " + text_or_null(result.message) + ", \"note\": " + text_or_null(result.note);
  out += ", \"line\": " + (result.rule.line == 0 ? std::string("null") : std::to_string(result.rule.line));
  out += ", \"finding_count\": " + std::to_string(result.finding_count) + ", \"findings\": [";
  for (std::size_t i = 0; i < result.findings.size(); ++i) {
    out += i == 0 ? "\n      " : ",\n      ";
    out += finding_json(result.findings[i]);
  }
  return out + "]}";
}

std::string list_json(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (std::size_t i = 0; i < texts.size(); ++i) out += (i == 0 ? "" : ", ") + json_string(texts[i]);
  return out + ']';
}

}  // namespace

std::string render_gate_json(const GateResult& gate, bool /*color*/) {
  const int status = gate.exit_status();
  std::string out = "{\n  \"schema\": \"heapql/check@1\",\n  \"input\": " + json_string(gate.input);
  out += ",\n  \"gate_file\": " + text_or_null(gate.gate_file);
  out += ",\n  \"verdict\": \"" + std::string(status == 0 ? "passed" : status == 1 ? "failed" : "not_evaluated") + '"';
  out += ",\n  \"exit_status\": " + std::to_string(status);
  out += ",\n  \"failed\": " + std::to_string(gate.count(RuleStatus::failed, Severity::error));
  out += ",\n  \"warnings\": " + std::to_string(gate.count(RuleStatus::failed, Severity::warning));
  out += ",\n  \"passed\": " + std::to_string(gate.count(RuleStatus::passed));
  out += ",\n  \"not_evaluated\": " + std::to_string(gate.count(RuleStatus::not_evaluated));
  out += ",\n  \"input_warnings\": " + list_json(gate.warnings) + ",\n  \"notes\": " + list_json(gate.notes);
  out += ",\n  \"rules\": [";
  for (std::size_t i = 0; i < gate.rules.size(); ++i) {
    out += i == 0 ? "\n    " : ",\n    ";
    out += rule_json(gate.rules[i]);
  }
  return out + "\n  ]\n}\n";
}

}  // namespace analyzer
