// The leak-suspects report: one section per suspect, its first paragraph made to be pasted into a ticket, then the
// keep-alive path as a tree, evidence and tables.
#include <algorithm>
#include <map>

#include "analyzer/quantities.h"
#include "analyzer/reports/report_tools.h"
#include "analyzer/reports/reports.h"

namespace analyzer {

namespace {

struct Evidence {
  std::string kind, name, text;
  Cell object_id, address, count, bytes;
};

struct Step {
  std::string name, type;
  bool is_class = false;
  Cell object_id, address, retained;
};

constexpr std::size_t head_steps = 6;  // of a long path
constexpr std::size_t tail_steps = 14;

std::map<std::int64_t, std::vector<Evidence>> read_evidence(const queries::Database& database) {
  std::map<std::int64_t, std::vector<Evidence>> all;
  queries::Statement row = report_statement(database, "report_suspect_evidence");
  while (row.step()) {
    all[row.integer(0)].push_back({row.text(1), row.text(2), row.text(7), integer_cell(row, 3), integer_cell(row, 4),
                                   integer_cell(row, 5), integer_cell(row, 6)});
  }
  return all;
}

std::map<std::int64_t, std::vector<Step>> read_paths(const queries::Database& database) {
  std::map<std::int64_t, std::vector<Step>> all;
  queries::Statement row = report_statement(database, "report_suspect_paths");
  while (row.step()) {
    all[row.integer(0)].push_back({row.text(2), row.text(3), row.integer(4) != 0, integer_cell(row, 5),
                                   integer_cell(row, 6), integer_cell(row, 7)});
  }
  return all;
}

std::vector<std::string> path_lines(const std::vector<Step>& path) {
  std::vector<std::string> lines;
  if (path.empty()) return lines;
  lines.push_back("\u252C\u2500 GC root: " + path.front().name);
  for (std::size_t i = 0; i < path.size(); ++i) {
    const bool last = i + 1 == path.size();
    if (path.size() > head_steps + tail_steps && i >= head_steps && i < path.size() - tail_steps) {
      if (i == head_steps) {
        lines.push_back("\u2502     \u22EE " + format_count(path.size() - head_steps - tail_steps) + " steps");
      }
      continue;
    }
    if (i > 0) {
      const bool of_class = path[i - 1].is_class && !path[i].name.starts_with('<');
      lines.push_back("\u2502     \u2193 " + std::string(of_class ? "static " : "") + path[i].name);
    }
    std::string line = last ? "\u2570\u2192 " : "\u251C\u2500 ";
    line += (path[i].is_class ? "class " : "") + (path[i].type.empty() ? std::string("?") : path[i].type);
    if (const std::int64_t* id = std::get_if<std::int64_t>(&path[i].object_id)) line += "  #" + std::to_string(*id);
    if (const std::int64_t* bytes = std::get_if<std::int64_t>(&path[i].retained)) {
      line += "  retains " + format_size(static_cast<double>(*bytes));
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

Table path_table(const std::vector<Step>& path) {
  Table table;
  table.name = "path";
  table.data_only = true;
  table.columns = {{"name", CellFormat::text},       {"class", CellFormat::text},
                   {"is_class", CellFormat::text},   {"object_id", CellFormat::text},
                   {"address", CellFormat::address}, {"retained_bytes", CellFormat::bytes}};
  for (const Step& step : path) {
    table.rows.push_back(
        {step.name, step.type, std::string(step.is_class ? "yes" : "no"), step.object_id, step.address, step.retained});
  }
  return table;
}

const Evidence* first_of(const std::vector<Evidence>& evidence, std::string_view kind) {
  for (const Evidence& item : evidence) {
    if (item.kind == kind) return &item;
  }
  return nullptr;
}

/// Rows of one kind; the evidence row of kind `total` says what all of them sum to.
Table evidence_table(const std::vector<Evidence>& evidence, std::string_view kind, std::string_view total,
                     std::string title, bool counts) {
  Table table;
  table.name = counts ? "classes" : kind == "child" ? "children" : "instances";
  table.title = std::move(title);
  table.columns = {{counts ? "class" : "object", CellFormat::text}};
  if (counts) {
    table.columns.push_back({"object_count", CellFormat::integer});
    table.columns.push_back({"shallow_bytes", CellFormat::bytes});
    table.summed_columns = {1, 2};
  } else {
    table.columns.push_back({"object_id", CellFormat::text});
    table.columns.push_back({"address", CellFormat::address});
    table.columns.push_back({"retained_bytes", CellFormat::bytes});
    table.columns.push_back({"value", CellFormat::text});
    table.summed_columns = {3};
  }
  for (const Evidence& item : evidence) {
    if (item.kind != kind) continue;
    if (counts) {
      table.rows.push_back({item.name, item.count, item.bytes});
    } else {
      table.rows.push_back(
          {item.name, item.object_id, item.address, item.bytes, item.text.empty() ? Cell() : Cell(item.text)});
    }
  }
  const Evidence* sum = first_of(evidence, total);
  if (sum == nullptr || table.rows.empty()) return table;
  if (counts) {
    cut_to_total(table, 0, {Cell(), sum->count, sum->bytes});
  } else {
    const std::int64_t hidden = integer_of(sum->count) - static_cast<std::int64_t>(table.rows.size());
    cut_to_total(table, 0, {Cell(), Cell(), Cell(), sum->bytes, Cell()});
    if (!table.others.empty()) {
      table.others[0] = "[" + format_count(static_cast<std::uint64_t>(std::max<std::int64_t>(0, hidden))) + " others]";
    }
  }
  return table;
}

Table fact_table(const std::vector<Evidence>& evidence) {
  Table table;
  table.name = "evidence";
  table.title = "Evidence";
  table.columns = {{"what", CellFormat::text},
                   {"value", CellFormat::text},
                   {"object_count", CellFormat::integer},
                   {"bytes", CellFormat::bytes},
                   {"object_id", CellFormat::text}};
  for (const Evidence& item : evidence) {
    if (item.kind == "fact") table.rows.push_back({item.name, item.text, item.count, item.bytes, item.object_id});
  }
  return table;
}

void add_thread(const std::vector<Evidence>& evidence, Section& section) {
  Section thread;
  thread.name = "thread";
  thread.title = "Thread";
  for (const Evidence& item : evidence) {
    if (item.kind == "frame") thread.preformatted.push_back((item.name.empty() ? "  at " : "> at ") + item.text);
  }
  Table locals;
  locals.name = "locals";
  locals.title = "Locals that hold the memory";
  locals.columns = {{"object", CellFormat::text},
                    {"object_id", CellFormat::text},
                    {"address", CellFormat::address},
                    {"retained_bytes", CellFormat::bytes},
                    {"frame", CellFormat::text}};
  for (const Evidence& item : evidence) {
    if (item.kind != "local") continue;
    locals.rows.push_back({item.name, item.object_id, item.address, item.bytes, item.text});
  }
  if (!locals.rows.empty()) thread.tables.push_back(std::move(locals));
  if (!thread.preformatted.empty() || !thread.tables.empty()) section.sections.push_back(std::move(thread));
}

Section suspect_section(const queries::Statement& row, std::size_t number, const std::vector<Evidence>& evidence,
                        const std::vector<Step>& path) {
  Section section;
  section.name = "suspect_" + std::to_string(number);
  section.title = std::to_string(number) + ". " + row.text(3);
  // One paragraph, made to be pasted into a ticket as it is.
  std::string story;
  for (const char* kind : {"summary", "cause", "advice"}) {
    const Evidence* item = first_of(evidence, kind);
    if (item == nullptr || item->text.empty()) continue;
    story += (story.empty() ? "" : " ") + std::string(item->kind == "advice" ? "What to do: " : "") + item->text;
  }
  if (!story.empty()) section.paragraphs.push_back(std::move(story));
  for (const Evidence& item : evidence) {
    if (item.kind == "hint") section.paragraphs.push_back(item.text);
  }
  section.facts.push_back({"retained_bytes", "retained", integer_cell(row, 8), CellFormat::bytes});
  section.facts.push_back({"percent", "of the live heap", row.real(9), CellFormat::percent});
  section.facts.push_back({"kind", "kind", text_cell(row, 1), CellFormat::text});
  section.facts.push_back({"cause", "cause", text_cell(row, 2), CellFormat::text});
  section.facts.push_back({"signature", "signature", text_cell(row, 10), CellFormat::text});
  section.preformatted = path_lines(path);
  std::string pattern;
  std::string keywords;
  for (const Evidence& item : evidence) {
    if (item.kind == "pattern") pattern += (pattern.empty() ? "" : " \u2190 ") + item.name;
    if (item.kind == "keyword") {
      keywords += (keywords.empty() ? "" : ", ") + item.name + (item.text.empty() ? "" : " (" + item.text + ')');
    }
  }
  if (!pattern.empty()) section.facts.push_back({"pattern", "referenced from", pattern, CellFormat::text});
  if (!keywords.empty()) section.facts.push_back({"keywords", "keywords", keywords, CellFormat::text});
  for (Table table :
       {fact_table(evidence), evidence_table(evidence, "top_class", "retained_set", "What it retains", true),
        evidence_table(evidence, "child", "children", "At the accumulation point", false),
        evidence_table(evidence, "biggest", "instances", "Biggest instances", false)}) {
    if (!table.rows.empty()) section.tables.push_back(std::move(table));
  }
  if (!path.empty()) section.tables.push_back(path_table(path));
  add_thread(evidence, section);
  return section;
}

}  // namespace

Report build_leak_suspects(const queries::Database& database, const ReportOptions& /*options*/) {
  Report report = begin_report(database, "leak-suspects", "Leak suspects");
  const auto evidence = read_evidence(database);
  const auto paths = read_paths(database);
  const std::int64_t live = metric_integer(database, "heap.live_bytes");
  Table table;
  table.name = "suspects";
  table.columns = {
      {"suspect", CellFormat::text},  {"title", CellFormat::text},           {"kind", CellFormat::text},
      {"cause", CellFormat::text},    {"retained_bytes", CellFormat::bytes}, {"percent", CellFormat::percent},
      {"signature", CellFormat::text}};
  table.data_only = true;
  std::vector<Section> sections;
  queries::Statement row = report_statement(database, "report_suspects");
  while (row.step()) {
    const std::size_t number = sections.size() + 1;
    const auto found = evidence.find(row.integer(0));
    const auto path = paths.find(row.integer(0));
    sections.push_back(suspect_section(row, number, found == evidence.end() ? std::vector<Evidence>{} : found->second,
                                       path == paths.end() ? std::vector<Step>{} : path->second));
    table.rows.push_back({std::to_string(number), text_cell(row, 3), text_cell(row, 1), text_cell(row, 2),
                          integer_cell(row, 8), row.real(9), text_cell(row, 10)});
  }
  Section overview;
  overview.name = "overview";
  const std::string of = format_size(static_cast<double>(live)) + " live in " +
                         format_count(static_cast<std::uint64_t>(metric_integer(database, "heap.live_count"))) +
                         " objects";
  overview.paragraphs.push_back(
      sections.empty() ? "No leak suspect was found: nothing retains more than the threshold of " + of + '.'
                       : format_count(sections.size()) + (sections.size() == 1 ? " suspect" : " suspects") +
                             " in a heap of " + of + '.');
  const std::int64_t garbage = metric_integer(database, "heap.unreachable_bytes");
  if (const auto leaked = database.metric("leaks.count"); leaked && *leaked > 0) {
    overview.paragraphs.push_back(
        format_size(static_cast<double>(garbage)) + " more in " + format_count(static_cast<std::uint64_t>(*leaked)) +
        " blocks are leaked: nothing points to them any more (`heapql report --type leaks`).");
  } else if (garbage > 0) {
    overview.paragraphs.push_back(format_size(static_cast<double>(garbage)) +
                                  " more are garbage that no collection has taken yet; it is no part of any suspect.");
  }
  if (!table.rows.empty()) overview.tables.push_back(std::move(table));
  report.sections.push_back(std::move(overview));
  for (Section& section : sections) report.sections.push_back(std::move(section));
  return report;
}

}  // namespace analyzer
