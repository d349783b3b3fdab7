#include "analyzer/reports/raw_histogram.h"

#include <algorithm>

#include "analyzer/quantities.h"
#include "analyzer/reports/report_tools.h"

namespace analyzer {

Report build_raw_histogram(const queries::Snapshot& snapshot, const ReportOptions& options) {
  Report report;
  report.name = "histogram";
  report.title = "Class histogram";
  if (snapshot.damage_count != 0) {
    report.warnings.push_back("the input is damaged: " + format_size(static_cast<double>(snapshot.damaged_bytes)) +
                              " in " + std::to_string(snapshot.damage_count) +
                              " places could not be used; what follows is of the rest");
  }
  std::vector<queries::HistogramRow> rows = snapshot.histogram;
  std::sort(rows.begin(), rows.end(), [](const queries::HistogramRow& a, const queries::HistogramRow& b) {
    return a.shallow_bytes != b.shallow_bytes ? a.shallow_bytes > b.shallow_bytes : a.class_id < b.class_id;
  });
  Section section;
  section.name = "histogram";
  section.paragraphs.emplace_back(
      "All objects of the dump, garbage included: they were counted, not followed from roots.");
  Table table;
  table.name = "classes";
  table.columns = {
      {"class", CellFormat::text}, {"object_count", CellFormat::integer}, {"shallow_bytes", CellFormat::bytes}};
  table.summed_columns = {1, 2};
  for (const queries::HistogramRow& row : rows) {
    table.rows.push_back({snapshot.classes[index(row.class_id)].name, static_cast<std::int64_t>(row.object_count),
                          static_cast<std::int64_t>(row.shallow_bytes)});
  }
  total_and_cut(table, options.rows);
  section.tables.push_back(std::move(table));
  report.sections.push_back(std::move(section));
  return report;
}

}  // namespace analyzer
