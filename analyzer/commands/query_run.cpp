#include "analyzer/commands/query_run.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <ostream>
#include <set>

#include "analyzer/commands/command.h"
#include "analyzer/commands/suggestions.h"

namespace analyzer {
namespace {

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "the signal handler stores to it");

extern "C" void note_interrupt(int) {
  if (interrupted.exchange(true)) _exit(exit_interrupted);
}

template <typename Number>
bool parses_as(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

/// A number is bound as a number, anything else as text.
void bind(queries::Statement& statement, const std::string& name, const std::string& value) {
  std::int64_t integer = 0;
  double real = 0;
  if (parses_as(value, integer)) {
    statement.bind(name, integer);
  } else if (!value.empty() && (value[0] == '-' || value[0] == '.' || (value[0] >= '0' && value[0] <= '9')) &&
             parses_as(value, real)) {
    statement.bind(name, real);
  } else {
    statement.bind(name, std::string_view(value));
  }
}

std::string parameter_list(const queries::NamedQuery& query) {
  std::string list;
  for (const queries::QueryParameter& parameter : query.parameters) {
    list += (list.empty() ? "" : ", ") + std::string(parameter.name) + "=" +
            (parameter.default_value.empty() ? "…" : std::string(parameter.default_value));
  }
  return list.empty() ? "it takes no parameters" : "parameters: " + list;
}

}  // namespace

bool take_parameter(const std::string& argument, Parameters& parameters) {
  const std::size_t equals = argument.find('=');
  if (equals == 0 || equals == std::string::npos) return false;
  const std::string key = argument.substr(0, equals);
  const auto part_of_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (!std::all_of(key.begin(), key.end(), part_of_name)) return false;
  if (!parameters.emplace(key, argument.substr(equals + 1)).second) throw UsageError("parameter '" + key + "' twice");
  return true;
}

const queries::NamedQuery& named_query(std::string_view name) {
  std::string spelled(name);
  std::replace(spelled.begin(), spelled.end(), '_', '-');
  if (const queries::NamedQuery* query = queries::find_named_query(spelled)) return *query;
  std::string nearest;
  for (const std::string& candidate : queries::similar_queries(name)) {
    nearest += (nearest.empty() ? "" : ", ") + candidate;
  }
  throw UsageError(
      "no query is named '" + std::string(name) + "'" + (nearest.empty() ? "" : " (did you mean " + nearest + "?)"),
      "heapql query --list names them; SQL has at least one blank: \"SELECT …\"");
}

Parameters checked_parameters(const queries::NamedQuery& query, const Parameters& given) {
  Parameters values;
  std::vector<std::string> names;
  for (const queries::QueryParameter& parameter : query.parameters) {
    const std::string name(parameter.name);
    names.push_back(name);
    const auto found = given.find(name);
    if (found == given.end() && parameter.default_value.empty()) {
      throw UsageError(
          std::string(query.name) + " needs the parameter " + name + " (" + std::string(parameter.help) + ")",
          "write " + name + "=VALUE after the name");
    }
    const std::string value = found == given.end() ? std::string(parameter.default_value) : found->second;
    std::int64_t integer = 0;
    double real = 0;
    if ((parameter.type == "INTEGER" && !parses_as(value, integer)) ||
        (parameter.type == "REAL" && !parses_as(value, real))) {
      throw UsageError(name + "=" + value + ": a " + (parameter.type == "REAL" ? "number" : "whole number") +
                       " is needed (" + std::string(parameter.help) + ")");
    }
    values.emplace(name, value);
  }
  for (const auto& [name, value] : given) {
    if (values.find(name) == values.end()) {
      throw UsageError(std::string(query.name) + " has no parameter '" + name + "'" + did_you_mean(name, names),
                       parameter_list(query));
    }
  }
  return values;
}

std::string_view skip_blank_sql(std::string_view sql) {
  while (!sql.empty()) {
    if (std::string_view(" \t\r\n\f;").find(sql[0]) != std::string_view::npos) {
      sql.remove_prefix(1);
    } else if (sql.substr(0, 3) == "\xEF\xBB\xBF") {
      sql.remove_prefix(3);  // byte order mark of a file
    } else if (sql.substr(0, 2) == "--") {
      sql.remove_prefix(std::min(sql.find('\n'), sql.size()));
    } else if (sql.substr(0, 2) == "/*") {
      const std::size_t end = sql.find("*/", 2);
      sql.remove_prefix(end == std::string_view::npos ? sql.size() : end + 2);
    } else {
      break;
    }
  }
  return sql;
}

void run_script(const queries::Database& database, std::string_view sql, const Parameters& parameters, RowFormat format,
                std::ostream& out) {
  std::vector<queries::Statement> statements;
  std::set<std::string, std::less<>> used;
  for (sql = skip_blank_sql(sql); !sql.empty();) {
    statements.push_back(database.prepare(sql));
    queries::Statement& statement = statements.back();
    for (const std::string& name : statement.parameter_names()) {
      const auto found = parameters.find(name);
      if (found == parameters.end()) {
        throw UsageError("the parameter :" + name + " has no value", "write " + name + "=VALUE after the SQL");
      }
      bind(statement, name, found->second);
      used.insert(name);
    }
    sql = skip_blank_sql(statement.tail());
  }
  for (const auto& [name, value] : parameters) {
    if (used.find(name) == used.end()) {
      throw UsageError("the SQL has no parameter :" + name +
                       did_you_mean(name, std::vector<std::string>(used.begin(), used.end())));
    }
  }
  if (statements.empty()) throw UsageError("no SQL: nothing but blanks and comments");
  bool first = true;
  for (queries::Statement& statement : statements) {
    write_rows(statement, format, out, first);
    first = false;
  }
}

void run_named(const queries::Database& database, const queries::NamedQuery& query, const Parameters& given,
               RowFormat format, std::ostream& out) {
  run_script(database, query.sql, checked_parameters(query, given), format, out);
}

void list_queries(std::ostream& out) {
  std::vector<const queries::NamedQuery*> listed;
  std::size_t width = 0;
  for (const queries::NamedQuery& query : queries::named_queries()) {
    if (!query.listed) continue;
    listed.push_back(&query);
    width = std::max(width, query.name.size());
  }
  std::stable_sort(listed.begin(), listed.end(), [](const auto* a, const auto* b) { return a->group < b->group; });
  std::string_view group;
  for (const queries::NamedQuery* query : listed) {
    if (query->group != group) {
      out << (group.empty() ? "" : "\n") << query->group << '\n';
      group = query->group;
    }
    out << "  " << query->name << std::string(width - query->name.size() + 2, ' ') << query->title;
    for (const queries::QueryParameter& parameter : query->parameters) {
      out << "  [" << parameter.name << (parameter.default_value.empty() ? "" : "=") << parameter.default_value << ']';
    }
    out << '\n';
  }
}

CancelOnInterrupt::CancelOnInterrupt() {
  reset();
  struct sigaction action {};
  action.sa_handler = note_interrupt;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &former_);
}

CancelOnInterrupt::~CancelOnInterrupt() { sigaction(SIGINT, &former_, nullptr); }

const std::atomic<bool>& CancelOnInterrupt::flag() { return interrupted; }

void CancelOnInterrupt::reset() { interrupted.store(false); }

}  // namespace analyzer
