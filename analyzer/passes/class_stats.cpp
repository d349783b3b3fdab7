#include "analyzer/passes/class_stats.h"

#include "analyzer/passes/retained_sets.h"

namespace analyzer {

using queries::ObjectId;

std::vector<queries::ClassStatRow> find_class_stats(const queries::Snapshot& snapshot, std::span<const ObjectId> tree,
                                                    std::span<const ObjectId> dominator,
                                                    std::span<const std::uint64_t> retained) {
  std::vector<queries::ClassStatRow> rows(snapshot.classes.size());
  for (std::uint32_t i = 0; i < rows.size(); ++i) rows[i].class_id = queries::ClassId{i};
  for (std::uint32_t i = 0; i < snapshot.object_count; ++i) {
    queries::ClassStatRow& row = rows[index(snapshot.class_of[ObjectId{i}])];
    ++row.object_count;
    row.shallow_bytes += snapshot.shallow[ObjectId{i}];
  }
  const std::vector<std::uint64_t> sets = find_retained_sets(tree, dominator, retained, rows.size(), [&](ObjectId id) {
    const std::uint32_t class_index = index(snapshot.class_of[id]);
    ++rows[class_index].reachable_count;
    rows[class_index].reachable_bytes += snapshot.shallow[id];
    return class_index;
  });
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].retained_bytes = sets[i];
  return rows;
}

}  // namespace analyzer
