// heapql report: one of the reports, of a database or a raw dump.
#include <algorithm>
#include <array>

#include "analyzer/commands/commands.h"
#include "analyzer/commands/open_database.h"
#include "analyzer/commands/option_values.h"
#include "analyzer/commands/report_output.h"
#include "analyzer/import_pipeline.h"
#include "analyzer/quantities.h"
#include "analyzer/reports/raw_histogram.h"
#include "analyzer/reports/reports.h"

namespace analyzer {
namespace {

namespace po = boost::program_options;

constexpr std::string_view default_type = "leak-suspects";
constexpr std::array<const char*, 4> allocation_options{"by", "callers-of", "sort", "merge"};

std::vector<std::string> type_names() {
  std::vector<std::string> names;
  for (const ReportType& type : report_types()) {
    // The default first.
    names.insert(type.name == default_type ? names.begin() : names.end(), std::string(type.name));
  }
  return names;
}

po::options_description report_options() {
  static const std::string types = [] {
    std::string list;
    for (const std::string& name : type_names()) list += (list.empty() ? "" : ", ") + name;
    return "which report: " + list;
  }();
  po::options_description options;
  options.add_options()("type,t", po::value<std::string>()->value_name("TYPE"), types.c_str())(
      "limit,n", po::value<std::string>()->value_name("N"),
      "rows of a table, the rest is one line; 0 = all (default: 25)");
  options.add_options()("no-graph", "histogram of a raw dump by counting alone: fast, nothing stored, no live bytes");
  options.add_options()("by", po::value<std::string>()->value_name("HOW"),
                        "profiles: bottom-up (by site), top-down (from the entry) or function (in it and below it)")(
      "callers-of", po::value<std::string>()->value_name("FUNCTION"), "profiles: who calls FUNCTION, as a tree")(
      "sort", po::value<std::string>()->value_name("FIGURE"),
      "profiles: leaked_bytes, live_bytes, peak_bytes, allocation_count, allocated_bytes, temporary_count … or one of "
      "DHAT's orders: total-bytes, total-blocks-tiny, at-t-gmax-bytes, reads-bytes …")(
      "merge", po::value<std::string>()->value_name("WHAT"),
      "profiles: what makes two allocations one row: line, function, file or module")(
      "shorten-templates", "profiles: std::map<…> becomes std::map<>")(
      "stack-depth", po::value<std::string>()->value_name("N"),
      "profiles: frames of a call path that are shown; 0 = all (default: 12)")(
      "pool-rates", po::value<std::string>()->value_name("LOW,HIGH"),
      "pools: allocations a second below which a pool is useless, and from which it pays (default: 10000,100000)");
  add_report_options(options, true);
  return options.add(import_options());
}

SiteOptions site_options(const po::variables_map& values) {
  SiteOptions options;
  const std::string by = choice(values, "by", {"bottom-up", "top-down", "function"});
  options.by = by == "top-down" ? SitesBy::top_down : by == "function" ? SitesBy::function : SitesBy::bottom_up;
  const std::string merge = choice(values, "merge", {"line", "function", "file", "module"});
  options.merge = merge == "function" ? MergeBy::function
                  : merge == "file"   ? MergeBy::file
                  : merge == "module" ? MergeBy::module
                                      : MergeBy::line;
  options.callers_of = text_value(values, "callers-of");
  options.sort = text_value(values, "sort");
  options.shorten_templates = values.count("shorten-templates") != 0;
  options.stack_depth = count_value(values, "stack-depth", options.stack_depth, 0, 1'000'000);
  if (values.count("pool-rates") != 0) {
    const std::string text = text_value(values, "pool-rates");
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::optional<double> low = parse_number(text.substr(0, comma));
    const std::optional<double> high = comma < text.size() ? parse_number(text.substr(comma + 1)) : std::nullopt;
    if (!low || !high || *low > *high) {
      throw UsageError("--pool-rates: '" + text + "' is not two rates like 10000,100000");
    }
    options.pool_none_below = *low;
    options.pool_pays_above = *high;
  }
  return options;
}

int run_report(const Invocation& invocation) {
  if (invocation.arguments.size() != 1)
    throw UsageError("report takes one INPUT or DB", "examples: heapql report --help");
  std::string type = choice(invocation.values, "type", type_names());
  // How allocations are listed is asked of the report that lists them.
  const bool lists_allocations = std::any_of(allocation_options.begin(), allocation_options.end(),
                                             [&](const char* name) { return invocation.values.count(name) != 0; });
  const bool has_type = invocation.values.count("type") != 0 || lists_allocations;
  if (lists_allocations && invocation.values.count("type") == 0) type = "allocations";
  const ReportTarget target = report_target(invocation.values, true);
  ReportOptions options;
  options.rows = count_value(invocation.values, "limit", options.rows, 0, 1'000'000);
  if (invocation.values.count("no-graph") != 0) {
    if (type != "histogram") throw UsageError("--no-graph goes with --type histogram only");
    ImportRequest request = import_request(invocation.values, invocation.global);
    request.input = invocation.arguments.front();
    const queries::Snapshot counted = count_classes(request, invocation.global);
    write_report(build_raw_histogram(counted, options), target, invocation.global);
    return invocation.global.strict && counted.damage_count != 0 ? exit_input : exit_ok;
  }
  options.sites = site_options(invocation.values);
  const auto database = open_database(invocation.arguments.front(),
                                      import_request(invocation.values, invocation.global), invocation.global);
  if (!has_type) {
    write_report(build_summary(*database, options), target, invocation.global);
    return damage_status(*database, invocation.global);
  }
  if (std::string why; !suits(*find_report_type(type), *database, why)) throw UsageError(why);
  write_report(find_report_type(type)->build(*database, options), target, invocation.global);
  return damage_status(*database, invocation.global);
}

}  // namespace

const Command report_command = {"report",
                                "print one of the reports: leak suspects, histogram, threads, …",
                                "INPUT|DB [--type TYPE] [--format FORMAT] [-o FILE]",
                                "heapql report app.db                            # leak suspects\n"
                                "heapql report app.db --type histogram -n 50\n"
                                "heapql report app.hprof --type histogram --no-graph  # in one walk over the dump\n"
                                "heapql report app.db --type overview -o overview.md\n"
                                "heapql report app.hprof --type threads --format json\n"
                                "heapql report server.trace --type allocations --by top-down\n"
                                "heapql report server.trace --type peak --callers-of 'Cache::put'\n"
                                "heapql report dhat.out --type allocations --sort total-blocks-short-lived\n",
                                report_options,
                                run_report};

}  // namespace analyzer
