// heapql shell: SQL and dot commands, a line at a time.
#include <boost/program_options.hpp>
#include <chrono>
#include <ctime>
#include <iostream>
#include <sstream>

#include "analyzer/commands/commands.h"
#include "analyzer/commands/line_editor.h"
#include "analyzer/commands/open_database.h"
#include "analyzer/commands/option_values.h"
#include "analyzer/commands/path_text.h"
#include "analyzer/commands/query_run.h"
#include "analyzer/commands/suggestions.h"
#include "analyzer/quantities.h"
#include "analyzer/terminal.h"
#include "queries/sql_text.h"

namespace analyzer {
namespace {

namespace po = boost::program_options;

constexpr std::string_view help_text =
    "SQL ends with ';' and may span lines. Ctrl-C drops the line or stops the query, Ctrl-D leaves.\n"
    ".tables                  tables and views\n"
    ".schema [NAME]           how they are made; % in NAME stands for any text\n"
    ".functions               SQL functions\n"
    ".queries                 named queries\n"
    ".query NAME [key=value]  run one\n"
    ".path OBJECT [N]         why an object is alive: N paths from roots; OBJECT is an id or 0xADDRESS\n"
    ".mode [FORMAT]           table, csv, tsv, json, ndjson, markdown\n"
    ".timer on|off            time of each query\n"
    ".help  .quit\n";

const std::vector<std::string>& dot_commands() {
  static const std::vector<std::string> commands{".exit",  ".functions", ".help",   ".mode",   ".path", ".queries",
                                                 ".query", ".quit",      ".schema", ".tables", ".timer"};
  return commands;
}

class Shell {
 public:
  Shell(const queries::Database& database, RowFormat format)
      : database_(database),
        format_(format),
        editor_(history_path(), [this](const std::string& line, std::size_t at) { return words(line, at); }) {}

  int run(const std::string& path) {
    if (editor_.interactive()) std::cout << path << ": SQL ends with ';', .help says more\n" << std::flush;
    std::string pending;
    std::string line;
    for (;;) {
      const LineEditor::Event event = editor_.read(pending.empty() ? "heapql> " : "   ...> ", line);
      if (event == LineEditor::Event::end) break;
      if (event == LineEditor::Event::cancelled) {
        pending.clear();
        continue;
      }
      if (pending.empty() && !line.empty() && line[0] == '.') {
        editor_.remember(line);
        if (!guarded([&] { return dot_command(line); })) break;
        continue;
      }
      pending += line + "\n";
      if (skip_blank_sql(pending).empty()) {
        pending.clear();
      } else if (queries::is_complete_statement(pending)) {
        run_sql(pending);
        pending.clear();
      }
    }
    // Like sqlite3: the last statement of a script needs no semicolon.
    if (!skip_blank_sql(pending).empty()) run_sql(pending);
    if (editor_.interactive()) std::cout << '\n';
    return failed_ && !editor_.interactive() ? exit_usage : exit_ok;
  }

 private:
  void run_sql(std::string sql) {
    while (!sql.empty() && sql.back() == '\n') sql.pop_back();
    editor_.remember(sql);
    guarded([&] {
      run_script(database_, sql, {}, format_, std::cout);
      return true;
    });
  }

  /// Runs and reports errors; the shell goes on. Returns what the body returned, true after an error.
  template <typename Body>
  bool guarded(Body&& body) {
    CancelOnInterrupt::reset();
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t cpu_start = std::clock();
    bool go_on = true;
    try {
      go_on = body();
    } catch (const UsageError& error) {
      report(error.what(), error.hint);
    } catch (const queries::QueryError& error) {
      report(CancelOnInterrupt::flag() ? "interrupted" : error.what(), {});
    }
    if (timer_) {
      const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      const double cpu = static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC;
      std::cout << "time: " << format_decimal(wall * 1000, 1) << " ms, CPU " << format_decimal(cpu * 1000, 1)
                << " ms\n";
    }
    std::cout << std::flush;
    return go_on;
  }

  void report(std::string_view message, std::string_view hint) {
    failed_ = true;
    std::cout << std::flush;
    std::cerr << "error: " << printable(message) << '\n';
    if (!hint.empty()) std::cerr << printable(hint) << '\n';
  }

  /// false = leave.
  bool dot_command(const std::string& line) {
    std::istringstream in(line);
    std::vector<std::string> arguments;
    for (std::string word; in >> word;) arguments.push_back(word);
    const std::string name = arguments.front();
    arguments.erase(arguments.begin());
    if (name == ".quit" || name == ".exit") return false;
    if (name == ".help") {
      std::cout << help_text;
    } else if (name == ".tables") {
      named("shell-tables", {});
    } else if (name == ".schema") {
      show_schema(arguments.empty() ? "%" : arguments[0]);
    } else if (name == ".functions") {
      named("shell-functions", {});
    } else if (name == ".queries") {
      list_queries(std::cout);
    } else if (name == ".query") {
      run_query_command(arguments);
    } else if (name == ".path") {
      run_path_command(arguments);
    } else if (name == ".mode") {
      if (arguments.empty()) {
        std::cout << row_format_names()[static_cast<std::size_t>(format_)] << '\n';
      } else {
        format_ = row_format(arguments[0]);
      }
    } else if (name == ".timer") {
      if (arguments.size() != 1 || (arguments[0] != "on" && arguments[0] != "off")) throw UsageError(".timer on|off");
      timer_ = arguments[0] == "on";
    } else {
      throw UsageError("no command " + name + did_you_mean(name, dot_commands()), ".help lists the commands");
    }
    return true;
  }

  void named(std::string_view query, const Parameters& parameters) {
    run_named(database_, named_query(query), parameters, format_, std::cout);
  }

  void show_schema(const std::string& name) {
    queries::Statement statement = database_.prepare(queries::find_named_query("shell-schema")->sql);
    statement.bind("name", std::string_view(name));
    bool any = false;
    for (; statement.step(); any = true) std::cout << statement.text(0) << '\n';
    if (!any) throw UsageError("no table or view " + name + did_you_mean(name, names()), ".tables lists them");
  }

  void run_query_command(const std::vector<std::string>& arguments) {
    if (arguments.empty()) throw UsageError(".query NAME [key=value...]", ".queries lists them");
    Parameters parameters;
    for (std::size_t i = 1; i < arguments.size(); ++i) {
      if (!take_parameter(arguments[i], parameters)) throw UsageError("'" + arguments[i] + "' is not key=value");
    }
    named(arguments[0], parameters);
  }

  void run_path_command(const std::vector<std::string>& arguments) {
    if (arguments.empty() || arguments.size() > 2) throw UsageError(".path OBJECT [N]");
    PathOptions options;
    if (arguments.size() == 2) {
      const double count = parse_number(arguments[1]).value_or(0);
      if (!(count >= 1 && count <= 10'000)) throw UsageError("'" + arguments[1] + "' is not a number of paths");
      options.paths = static_cast<std::uint64_t>(count);
    }
    write_paths(database_, arguments[0], options, std::cout);
  }

  /// Tables, columns, functions; read at the first use.
  const std::vector<std::string>& names() {
    if (names_.empty()) {
      queries::Statement statement = database_.prepare(queries::find_named_query("shell-names")->sql);
      while (statement.step()) names_.push_back(statement.text(0));
    }
    return names_;
  }

  std::vector<std::string> words(const std::string& line, std::size_t word_at) {
    if (word_at == 0 && !line.empty() && line[0] == '.') return dot_commands();
    if (line.rfind(".query ", 0) == 0) {
      std::vector<std::string> found;
      for (const queries::NamedQuery& query : queries::named_queries()) {
        if (query.listed) found.emplace_back(query.name);
      }
      return found;
    }
    if (line.rfind(".mode ", 0) == 0) return row_format_names();
    try {
      std::vector<std::string> found = names();
      for (const char* word :
           {"SELECT", "FROM", "WHERE", "GROUP BY", "ORDER BY", "LIMIT", "JOIN", "LEFT JOIN", "DESC"}) {
        found.emplace_back(word);
      }
      return found;
    } catch (const queries::QueryError&) {
      return {};  // a Tab is no place for an error
    }
  }

  const queries::Database& database_;
  RowFormat format_;
  LineEditor editor_;
  bool timer_ = false;
  bool failed_ = false;
  std::vector<std::string> names_;
};

po::options_description shell_options() {
  po::options_description options;
  options.add_options()("format", po::value<std::string>()->value_name("FORMAT"),
                        "table, csv, tsv, json, ndjson or markdown (default: table)");
  return options;
}

int run_shell(const Invocation& invocation) {
  if (invocation.arguments.size() != 1) throw UsageError("shell needs one database", "usage: heapql shell DB");
  const RowFormat format = row_format(choice(invocation.values, "format", row_format_names()));
  const std::unique_ptr<queries::Database> database = open_database(invocation.arguments[0], invocation.global);
  const CancelOnInterrupt cancel;
  database->set_limits(std::chrono::milliseconds{0}, &CancelOnInterrupt::flag());
  return Shell(*database, format).run(invocation.arguments[0]);
}

}  // namespace

const Command shell_command = {
    "shell", "ask a database questions, a line at a time", "DB", "heapql shell app.db", shell_options, run_shell};

}  // namespace analyzer
