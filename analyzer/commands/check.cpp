// heapql check: the gate of a build. Exit 0, 1 (a rule failed) or 4 (a rule could not be evaluated).
#include <algorithm>
#include <iostream>

#include "analyzer/commands/commands.h"
#include "analyzer/commands/open_database.h"
#include "analyzer/commands/option_values.h"
#include "analyzer/commands/output_file.h"
#include "analyzer/commands/suggestions.h"
#include "analyzer/gates/baseline.h"
#include "analyzer/gates/outputs.h"
#include "analyzer/terminal.h"

namespace analyzer {
namespace {

namespace po = boost::program_options;

po::options_description check_options() {
  po::options_description options;
  options.add_options()(
      "config,c", po::value<std::string>()->value_name("FILE"),
      "gate file (INI); without it the one rule is suspects.max_count = 0, of a profile trace.max_leaked = 0")(
      "set", po::value<std::vector<std::string>>()->composing()->value_name("S.KEY=V"),
      "one setting, over what the gate file says: heap.max_live=512MiB")(
      "max-suspects", po::value<std::string>()->value_name("N"), "short for --set suspects.max_count=N")(
      "max-live", po::value<std::string>()->value_name("SIZE"), "short for --set heap.max_live=SIZE")(
      "baseline", po::value<std::string>()->value_name("FILE"),
      "known suspects (JSON, or a database): reported, not counted")(
      "update-baseline", "write the suspects found to the --baseline FILE, and accept them")(
      "output", po::value<std::vector<std::string>>()->composing()->value_name("FORMAT[:FILE]"),
      "text or json, to FILE or standard output; may be repeated (default: text)");
  return options.add(import_options());
}

struct OutputTarget {
  const GateOutput* output = nullptr;
  std::string path;  ///< "-" = standard output
};

std::vector<OutputTarget> output_targets(const po::variables_map& values) {
  std::vector<std::string> texts{"text:-"};
  if (values.count("output") != 0) texts = values["output"].as<std::vector<std::string>>();
  std::vector<OutputTarget> targets;
  for (const std::string& text : texts) {
    const std::size_t colon = std::min(text.find(':'), text.size());
    OutputTarget target{find_gate_output(text.substr(0, colon)), colon < text.size() ? text.substr(colon + 1) : "-"};
    if (target.output == nullptr) {
      std::vector<std::string> names;
      std::string list;
      for (const GateOutput& output : gate_outputs()) {
        names.emplace_back(output.name);
        list += (list.empty() ? "" : ", ") + names.back();
      }
      throw UsageError(
          "--output " + text + ": no such format in this version" + did_you_mean(text.substr(0, colon), names),
          "formats: " + list);
    }
    if (target.path.empty()) throw UsageError("--output " + text + ": the file's name is missing");
    targets.push_back(std::move(target));
  }
  return targets;
}

GateConfig gate_config(const po::variables_map& values) {
  std::vector<std::string> overrides;
  if (values.count("max-suspects") != 0)
    overrides.push_back("suspects.max_count=" + text_value(values, "max-suspects"));
  if (values.count("max-live") != 0) overrides.push_back("heap.max_live=" + text_value(values, "max-live"));
  if (values.count("set") != 0) {
    const auto& more = values["set"].as<std::vector<std::string>>();
    overrides.insert(overrides.end(), more.begin(), more.end());
  }
  return load_gate_config(text_value(values, "config"), overrides);
}

std::unique_ptr<queries::Database> open_for(const GateConfig& config, const Invocation& invocation) {
  const ImportRequest request = import_request(invocation.values, invocation.global);
  // Only SQL needs the rows of every object and reference: without it nothing is written, anywhere.
  const bool has_sql =
      std::any_of(config.rules.begin(), config.rules.end(), [](const GateRule& rule) { return rule.section == "sql"; });
  const std::string& input = invocation.arguments.front();
  return has_sql ? open_database(input, request, invocation.global) : open_digest(input, request, invocation.global);
}

/// Baseline entries that no longer occur are good news worth a line.
std::string fixed_note(const std::set<std::string>& known, const GateResult& gate) {
  std::set<std::string> gone = known;
  for (const Finding& suspect : gate.baseline_findings()) gone.erase(suspect.signature);
  if (gone.empty()) return {};
  return std::to_string(gone.size()) +
         (gone.size() == 1 ? " baseline entry no longer occurs" : " baseline entries no longer occur") +
         ": --update-baseline removes " + (gone.size() == 1 ? "it" : "them");
}

int run_check(const Invocation& invocation) {
  if (invocation.arguments.size() != 1)
    throw UsageError("check takes one INPUT or DB", "examples: heapql check --help");
  const std::vector<OutputTarget> targets = output_targets(invocation.values);
  const GateConfig config = gate_config(invocation.values);
  const std::string baseline = text_value(invocation.values, "baseline");
  const bool update = invocation.values.count("update-baseline") != 0;
  if (update && baseline.empty()) throw UsageError("--update-baseline needs --baseline FILE");

  const auto database = open_for(config, invocation);
  std::set<std::string> known;
  const bool missing = !baseline.empty() && !baseline_exists(baseline);
  if (!baseline.empty() && !missing && !update) known = read_baseline(baseline, *database);
  if (update) {
    const GateResult found = evaluate_gate(config, *database, {});
    write_output(baseline, render_baseline(found.baseline_findings()));
    for (const Finding& finding : found.baseline_findings()) {
      if (!finding.signature.empty()) known.insert(finding.signature);
    }
    print_note(invocation.global, baseline + ": " + std::to_string(known.size()) + " suspects accepted");
  }

  GateResult gate = evaluate_gate(config, *database, known);
  gate.input = invocation.arguments.front();
  if (const std::string note = fixed_note(known, gate); !note.empty()) gate.notes.push_back(note);
  if (missing && !update) {
    // A baseline that is asked for and not there must not pass silently.
    RuleResult result;
    result.rule.section = "gate";
    result.rule.key = "baseline";
    result.status = RuleStatus::not_evaluated;
    result.note = baseline + ": no such file (--update-baseline writes it)";
    gate.rules.push_back(std::move(result));
  }
  for (const OutputTarget& target : targets) {
    const bool color = target.path == "-" && wants_color(invocation.global.color, Stream::output);
    write_output(target.path, target.output->render(gate, color));
  }
  if (const int damaged = damage_status(*database, invocation.global); damaged != exit_ok) return damaged;
  return gate.exit_status();
}

}  // namespace

const Command check_command = {
    "check",
    "fail a build: limits from a gate file, exit status 1 when one is broken",
    "INPUT|DB [-c FILE] [--set SECTION.KEY=VALUE]... [--baseline FILE] [--output FORMAT[:FILE]]...",
    "heapql check app.hprof                                  # fails when there is any leak suspect\n"
    "heapql check app.hprof -c heap-gate.ini                 # the rules of a file\n"
    "heapql check app.hprof --max-suspects 2 --max-live 512MiB\n"
    "heapql check app.hprof --set 'class com.acme.Session.max_count=0'\n"
    "heapql check server.trace --set 'site Cache::*.max_leaked=1KiB' --suppressions lsan.supp\n"
    "heapql check app.hprof --output text --output json:heap.json\n"
    "heapql check app.hprof --baseline known.json --update-baseline   # accept what is there today\n",
    check_options,
    run_check};

}  // namespace analyzer
