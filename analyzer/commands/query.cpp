// heapql query: a named query or SQL on a database, rows on stdout.
#include <boost/program_options.hpp>
#include <chrono>
#include <cmath>
#include <fstream>
#include <iostream>
#include <iterator>

#include "analyzer/commands/commands.h"
#include "analyzer/commands/open_database.h"
#include "analyzer/commands/option_values.h"
#include "analyzer/commands/query_run.h"
#include "analyzer/terminal.h"

namespace analyzer {
namespace {

namespace po = boost::program_options;

po::options_description query_options() {
  po::options_description options;
  options.add_options()("file,f", po::value<std::string>()->value_name("FILE"),
                        "read the SQL from FILE ('-' = standard input)");
  options.add_options()("format", po::value<std::string>()->value_name("FORMAT"),
                        "table, csv, tsv, json, ndjson or markdown (default: table)");
  options.add_options()("list", "list the named queries");
  options.add_options()("show-sql", "print the SQL of the named query instead of running it");
  options.add_options()("timeout", po::value<std::string>()->value_name("SECONDS"), "stop after this long");
  return options;
}

std::string read_all(std::istream& in, const std::string& name) {
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (in.bad()) throw UsageError(name + ": cannot read");
  return text;
}

std::string read_sql_file(const std::string& path) {
  if (path == "-") return read_all(std::cin, "standard input");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw UsageError(path + ": cannot open the file with the SQL");
  return read_all(file, path);
}

std::chrono::milliseconds timeout_of(const po::variables_map& values) {
  const std::string text = text_value(values, "timeout");
  if (text.empty()) return std::chrono::milliseconds{0};
  char* end = nullptr;
  const double seconds = std::strtod(text.c_str(), &end);
  if (*end != '\0' || !(seconds > 0) || seconds > 1e9) {
    throw UsageError("--timeout: '" + text + "' is not a number of seconds");
  }
  return std::chrono::milliseconds{static_cast<std::int64_t>(std::ceil(seconds * 1000))};
}

/// What the words after the input are: a query's name or SQL, and parameters.
struct Question {
  std::string name;
  std::string sql;
  Parameters parameters;
};

bool is_query_name(const std::string& word) {
  const auto part_of_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !word.empty() && std::all_of(word.begin(), word.end(), part_of_name);
}

Question question_of(const Invocation& invocation, std::size_t first) {
  Question question;
  const std::string file = text_value(invocation.values, "file");
  for (std::size_t i = first; i < invocation.arguments.size(); ++i) {
    const std::string& word = invocation.arguments[i];
    const bool asked = !question.name.empty() || !question.sql.empty() || !file.empty();
    if (asked && take_parameter(word, question.parameters)) continue;
    if (asked) {
      throw UsageError("'" + word + "' is one argument too many: parameters are key=value",
                       "SQL with blanks must be quoted: heapql query app.db \"SELECT …\"");
    }
    if (is_query_name(word)) {
      question.name = word;
    } else if (!take_parameter(word, question.parameters)) {
      question.sql = word;
    }
  }
  if (!file.empty()) question.sql = read_sql_file(file);
  if (question.name.empty() && question.sql.empty()) {
    if (isatty(0) == 1) {
      throw UsageError("no SQL: give the name of a query, SQL, -f FILE or pipe it in",
                       "heapql query --list names the queries");
    }
    question.sql = read_all(std::cin, "standard input");
  }
  return question;
}

int run_query(const Invocation& invocation) {
  if (invocation.values.count("list") != 0) {
    list_queries(std::cout);
    return exit_ok;
  }
  if (invocation.values.count("show-sql") != 0) {
    if (invocation.arguments.empty()) throw UsageError("--show-sql needs the name of a query");
    const std::size_t at = invocation.arguments.size() > 1 ? 1 : 0;
    std::cout << named_query(invocation.arguments[at]).sql;
    return exit_ok;
  }
  if (invocation.arguments.empty()) {
    throw UsageError("query needs a database or a dump", "usage: heapql query INPUT|DB [NAME | SQL] [key=value...]");
  }
  const RowFormat format = row_format(choice(invocation.values, "format", row_format_names()));
  const std::chrono::milliseconds timeout = timeout_of(invocation.values);
  const Question question = question_of(invocation, 1);
  // Mistakes in a name are told before a dump is imported.
  const queries::NamedQuery* named = question.name.empty() ? nullptr : &named_query(question.name);
  if (named != nullptr) (void)checked_parameters(*named, question.parameters);
  const std::unique_ptr<queries::Database> database = open_database(invocation.arguments[0], invocation.global);
  const CancelOnInterrupt cancel;
  database->set_limits(timeout, &CancelOnInterrupt::flag());
  try {
    if (named != nullptr) {
      run_named(*database, *named, question.parameters, format, std::cout);
    } else {
      run_script(*database, question.sql, question.parameters, format, std::cout);
    }
  } catch (const queries::QueryError&) {
    if (!CancelOnInterrupt::flag()) throw;
    std::cout.flush();
    print_warning(invocation.global, "interrupted");
    return exit_interrupted;
  }
  return exit_ok;
}

}  // namespace

const Command query_command = {"query",
                               "run a named query or SQL",
                               "INPUT|DB [NAME | SQL] [key=value...] [-f FILE]",
                               "heapql query app.db top-retained limit=10           # a named query\n"
                               "heapql query app.db \"SELECT * FROM histogram\" --format csv\n"
                               "heapql query app.db \"SELECT * FROM path_to_root(:obj)\" obj=0x7f0a1c\n"
                               "heapql query app.hprof -f questions.sql --format json\n"
                               "heapql query --list                                 # the named queries",
                               query_options,
                               run_query};

}  // namespace analyzer
