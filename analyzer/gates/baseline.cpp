#include "analyzer/gates/baseline.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "analyzer/commands/command.h"
#include "analyzer/json_text.h"
#include "queries/named_queries.h"

namespace analyzer {

bool baseline_exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

std::set<std::string> read_baseline(const std::string& path, const queries::Database& database) {
  std::set<std::string> signatures;
  if (queries::Database::looks_like(path)) {
    const auto baseline = queries::Database::open(path);
    queries::Statement statement = baseline->prepare(queries::find_named_query("gate-suspects")->sql);
    while (statement.step()) {
      if (!statement.is_null(6)) signatures.insert(statement.text(6));
    }
    return signatures;
  }
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) throw UsageError(path + ": cannot read the baseline");
  try {
    // SQLite's JSON parser is at hand, so there is no second one.
    queries::Statement statement = database.prepare(queries::find_named_query("gate-baseline")->sql);
    statement.bind("json", std::string_view(text.str()));
    while (statement.step()) signatures.insert(statement.text(0));
  } catch (const queries::QueryError&) {
    throw UsageError(path + ": the baseline is neither JSON nor a heapql database",
                     "heapql check INPUT --baseline FILE --update-baseline writes one");
  }
  return signatures;
}

std::string render_baseline(const std::vector<Finding>& findings) {
  std::map<std::string, const Finding*> by_signature;
  for (const Finding& finding : findings) {
    if (!finding.signature.empty()) by_signature.emplace(finding.signature, &finding);
  }
  std::string out = "{\n  \"schema\": \"heapql/baseline@1\",\n  \"suspects\": [";
  bool first = true;
  for (const auto& [signature, finding] : by_signature) {
    out += first ? "\n    " : ",\n    ";
    first = false;
    out += "{\"signature\": " + json_string(signature) +
           ", \"cause\": " + (finding->cause.empty() ? "null" : json_string(finding->cause)) +
           ", \"title\": " + json_string(finding->title) + '}';
  }
  return out + "\n  ]\n}\n";
}

}  // namespace analyzer
