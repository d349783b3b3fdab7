#include "analyzer/commands/report_output.h"

#include <algorithm>

#include "analyzer/commands/option_values.h"
#include "analyzer/commands/output_file.h"
#include "analyzer/reports/render.h"
#include "analyzer/terminal.h"

namespace analyzer {
namespace {

namespace po = boost::program_options;

std::string format_of_file(const std::string& path) {
  if (path.ends_with(".md") || path.ends_with(".markdown")) return "markdown";
  if (path.ends_with(".json")) return "json";
  if (path.ends_with(".csv")) return "csv";
  if (path.ends_with(".html") || path.ends_with(".htm")) return "html";
  return "text";
}

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const Renderer& renderer : renderers()) names.emplace_back(renderer.name);
  return names;
}

}  // namespace

void add_report_options(po::options_description& options, bool allow_file) {
  options.add_options()("format", po::value<std::string>()->value_name("FORMAT"),
                        "text, markdown, json or csv (default: text)");
  if (!allow_file) return;
  options.add_options()("output,o", po::value<std::string>()->value_name("FILE"),
                        "write to FILE; its ending (.md .json .csv) decides the format unless --format is given");
}

ReportTarget report_target(const po::variables_map& values, bool allow_file) {
  ReportTarget target;
  if (allow_file && values.count("output") != 0) target.path = text_value(values, "output");
  const std::string named = text_value(values, "format");
  const std::string of_file = format_of_file(target.path);
  if (named == "html" || (named.empty() && of_file == "html")) {
    throw UsageError("format html is not in this version", "possible formats: text, markdown, json, csv");
  }
  target.format = named.empty() ? of_file : choice(values, "format", format_names());
  return target;
}

void write_report(const Report& report, const ReportTarget& target, const GlobalOptions& global) {
  RenderOptions options;
  constexpr std::size_t narrowest = 60;
  const bool to_terminal = target.path == "-" && is_terminal(Stream::output);
  if (to_terminal) options.width = std::max(terminal_width(Stream::output), narrowest);
  options.leave_out_columns = to_terminal;
  options.color = target.path == "-" && wants_color(global.color, Stream::output);
  write_output(target.path, find_renderer(target.format)->render(report, options));
}

}  // namespace analyzer
