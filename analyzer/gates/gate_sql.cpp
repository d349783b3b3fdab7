#include "analyzer/gates/gate_sql.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "analyzer/commands/query_run.h"

namespace analyzer {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t listed_rows = 20;

/// The files that the pattern's last component matches. Wildcards in folders are not supported: none match.
std::vector<std::string> matching_files(const fs::path& pattern) {
  const std::string name = pattern.filename().string();
  if (name.find_first_of("*?") == std::string::npos) return {pattern.string()};
  std::vector<std::string> files;
  std::error_code error;
  const fs::path folder = pattern.has_parent_path() ? pattern.parent_path() : fs::path(".");
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (matches_glob(name, at->path().filename().string()) && !at->is_directory()) {
      files.push_back((pattern.has_parent_path() ? folder / at->path().filename() : at->path().filename()).string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

void run_file(const std::string& sql, const queries::Database& database, RuleResult& result) {
  queries::Statement statement = database.prepare(sql);
  if (!skip_blank_sql(statement.tail()).empty()) {
    throw queries::QueryError("more than one statement: a check is one SELECT whose rows are findings");
  }
  if (const std::vector<std::string> names = statement.parameter_names(); !names.empty()) {
    throw queries::QueryError("parameter :" + names.front() + " has no value: a check takes no parameters");
  }
  const int columns = statement.column_count();
  if (columns == 0) throw queries::QueryError("not a query: a check is one SELECT whose rows are findings");
  while (statement.step()) {
    ++result.finding_count;
    if (result.findings.size() == listed_rows) continue;
    Finding finding;
    for (int column = 0; column < columns; ++column) {
      finding.row.emplace_back(statement.column_name(column),
                               statement.is_null(column) ? std::string("NULL") : statement.text(column));
    }
    result.findings.push_back(std::move(finding));
  }
  result.value = static_cast<double>(result.finding_count);
  result.status = result.finding_count == 0 ? RuleStatus::passed : RuleStatus::failed;
}

}  // namespace

void check_sql(const GateConfig& config, const queries::Database& database, const RuleResult& base,
               std::vector<RuleResult>& results) {
  const std::vector<std::string> files = matching_files(fs::path(config.folder) / base.rule.selector);
  if (files.empty()) {
    RuleResult result = base;
    result.status = RuleStatus::not_evaluated;
    result.note = "no file matches";
    results.push_back(std::move(result));
  }
  for (const std::string& path : files) {
    RuleResult result = base;
    if (files.size() > 1 || path.find(base.rule.selector) == std::string::npos) {
      result.rule.selector = (fs::path(base.rule.selector).parent_path() / fs::path(path).filename()).string();
    }
    std::ifstream file(path, std::ios::binary);
    std::ostringstream sql;
    if (!file || file.peek() == std::ifstream::traits_type::eof() || !(sql << file.rdbuf())) {
      result.status = RuleStatus::not_evaluated;
      result.note = path + ": cannot read the file, or it is empty";
    } else {
      try {
        run_file(sql.str(), database, result);
      } catch (const queries::QueryError& error) {
        result.status = RuleStatus::not_evaluated;
        result.value.reset();
        result.findings.clear();
        result.note = path + ": " + error.what();
      }
    }
    results.push_back(std::move(result));
  }
}

}  // namespace analyzer
