#include "analyzer/passes/metrics.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>

namespace analyzer {
namespace {

queries::MetricRow bytes(std::string name, std::uint64_t value) {
  return {std::move(name), static_cast<double>(value), "bytes"};
}
queries::MetricRow count(std::string name, std::uint64_t value) {
  return {std::move(name), static_cast<double>(value), "count"};
}

struct Sum {
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
};

}  // namespace

std::vector<queries::MetricRow> heap_metrics(const queries::Snapshot& snapshot, const queries::Bitmap& live,
                                             const std::vector<queries::Reachability>& reachability) {
  using queries::Reachability;
  std::array<Sum, 7> dead;  // by reachability
  Sum alive;
  for (std::uint32_t i = 0; i < snapshot.object_count; ++i) {
    Sum& sum = live.test(i) ? alive : dead[static_cast<std::size_t>(reachability[i])];
    ++sum.count;
    sum.bytes += snapshot.shallow[queries::ObjectId{i}];
  }
  std::uint64_t total_bytes = alive.bytes;
  for (const Sum& sum : dead) total_bytes += sum.bytes;
  std::vector<queries::MetricRow> rows;
  rows.push_back(count("heap.object_count", snapshot.object_count));
  rows.push_back(bytes("heap.total_bytes", total_bytes));
  rows.push_back(count("heap.live_count", alive.count));
  rows.push_back(bytes("heap.live_bytes", alive.bytes));
  for (const Reachability kind :
       {Reachability::weak, Reachability::final, Reachability::phantom, Reachability::unreachable}) {
    const Sum& sum = dead[static_cast<std::size_t>(kind)];
    const std::string name = "heap." + std::string(queries::to_text(kind));
    rows.push_back(count(name + "_count", sum.count));
    rows.push_back(bytes(name + "_bytes", sum.bytes));
  }
  rows.push_back(bytes("heap.damaged_bytes", snapshot.damaged_bytes));
  rows.push_back(count("heap.damage_count", snapshot.damage_count));
  return rows;
}

std::vector<queries::MetricRow> component_metrics(const ComponentTotals& totals) {
  return {count("cycles.count", totals.count), bytes("cycles.unreachable_bytes", totals.unreachable_bytes),
          bytes("cycles.finalizer_bytes", totals.finalizer_bytes)};
}

std::vector<queries::MetricRow> leak_metrics(const std::vector<queries::LeakRow>& leaks) {
  struct Sums {
    std::uint64_t heads = 0;
    Sum all;
  };
  Sums certain;
  Sums possible;
  for (const queries::LeakRow& row : leaks) {
    Sums& sums = row.is_certain ? certain : possible;
    sums.heads += row.head_count;
    sums.all.count += row.object_count;
    sums.all.bytes += row.shallow_bytes;
  }
  return {count("leaks.count", certain.all.count),           bytes("leaks.bytes", certain.all.bytes),
          count("leaks.head_count", certain.heads),          count("leaks.possible_count", possible.all.count),
          bytes("leaks.possible_bytes", possible.all.bytes), count("leaks.possible_head_count", possible.heads)};
}

std::vector<queries::MetricRow> type_metrics(const queries::Snapshot& snapshot) {
  std::vector<Sum> of_class(snapshot.classes.size());
  for (std::uint32_t i = 0; i < snapshot.object_count; ++i) {
    const queries::ObjectId id{i};
    Sum& sum = of_class[index(snapshot.class_of[id])];
    ++sum.count;
    sum.bytes += snapshot.shallow[id];
  }
  std::map<std::string, Sum> by_source;
  for (std::size_t i = 0; i < of_class.size(); ++i) {
    if (of_class[i].count == 0) continue;
    std::string source = snapshot.classes[i].source;
    std::replace(source.begin(), source.end(), ' ', '_');
    by_source[source].count += of_class[i].count;
    by_source[source].bytes += of_class[i].bytes;
  }
  std::vector<queries::MetricRow> rows;
  for (const auto& [source, sum] : by_source) {
    rows.push_back(count("types." + source + "_count", sum.count));
    rows.push_back(bytes("types." + source + "_bytes", sum.bytes));
  }
  return rows;
}

std::vector<queries::MetricRow> layout_metrics(const queries::Snapshot& snapshot) {
  std::uint64_t types = 0;
  std::uint64_t header = 0;
  std::uint64_t wasted = 0;
  std::uint64_t saved = 0;
  std::uint64_t straddling = 0;
  Sum known;  // objects of which it is known what holds nothing
  for (const queries::TypeLayoutRow& row : snapshot.layout.types) {
    if (row.wasted_bytes < 0) continue;
    ++types;
    known.count += row.instance_count;
    known.bytes += row.instance_bytes;
    if (row.header_bytes > 0) header += static_cast<std::uint64_t>(row.header_bytes) * row.instance_count;
    wasted += static_cast<std::uint64_t>(row.wasted_bytes);
    saved += row.saved_bytes;
    straddling += row.straddling_count;
  }
  std::vector<queries::MetricRow> rows;
  if (snapshot.manual_memory) {
    const auto sure = std::count_if(snapshot.shared_lines.begin(), snapshot.shared_lines.end(),
                                    [](const queries::SharedLineRow& line) { return line.confidence != "low"; });
    rows.push_back(count("layout.shared_line_count", static_cast<std::uint64_t>(sure)));
  }
  if (types == 0) return rows;
  const double share = known.bytes == 0 ? 0 : 100 * static_cast<double>(wasted) / static_cast<double>(known.bytes);
  rows.push_back(count("layout.type_count", types));
  rows.push_back(count("layout.object_count", known.count));
  rows.push_back(bytes("layout.object_bytes", known.bytes));
  rows.push_back(bytes("layout.header_bytes", header));
  rows.push_back(bytes("layout.wasted_bytes", wasted));
  rows.push_back({"layout.wasted_percent", share, "percent"});
  if (snapshot.manual_memory) {  // a JVM orders members by itself, and says nothing of lines
    rows.push_back(bytes("layout.reorder_saved_bytes", saved));
    rows.push_back(count("layout.straddling_count", straddling));
  }
  return rows;
}

std::vector<queries::MetricRow> duplicate_metrics(const Duplicates& duplicates) {
  return {count("duplicates.count", duplicates.groups), bytes("duplicates.wasted_bytes", duplicates.wasted_bytes),
          bytes("duplicates.string_wasted_bytes", duplicates.string_wasted_bytes)};
}

}  // namespace analyzer
