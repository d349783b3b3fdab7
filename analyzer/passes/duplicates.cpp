#include "analyzer/passes/duplicates.h"

#include <algorithm>
#include <unordered_map>

namespace analyzer {
namespace {

using queries::no_object;
using queries::ObjectId;

/// The characters of a string object: its first reference to a primitive array.
ObjectId array_of_string(const queries::Snapshot& snapshot, const queries::HeapGraph& graph, ObjectId string) {
  for (std::uint32_t edge = graph.edges_begin(string), end = graph.edges_end(string); edge < end; ++edge) {
    const ObjectId target = graph.target(edge);
    if (snapshot.class_row(target).kind == queries::ClassKind::primitive_array) return target;
  }
  return no_object;
}

/// How many strings use an array, for the arrays that more than one uses: string deduplication, and substrings of old
/// JDKs and Androids, where thousands of strings are windows of one array.
class SharedArrays {
 public:
  SharedArrays(const queries::Snapshot& snapshot, const queries::HeapGraph& graph) : shared_(graph.object_count()) {
    const queries::ClassId string = snapshot.find_class("java.lang.String");
    if (string == queries::no_class) return;
    queries::Bitmap used(graph.object_count());
    for (std::uint32_t id = 0; id < graph.object_count(); ++id) {
      if (snapshot.class_of[ObjectId{id}] != string) continue;
      const ObjectId array = array_of_string(snapshot, graph, ObjectId{id});
      if (array == no_object || used.set_if_clear(index(array))) continue;
      shared_.set(index(array));
      ++more_users_[index(array)];
    }
  }
  [[nodiscard]] std::uint32_t users(ObjectId array) const {
    return shared_.test(index(array)) ? more_users_.at(index(array)) + 1 : 1;
  }

 private:
  queries::Bitmap shared_;
  std::unordered_map<std::uint32_t, std::uint32_t> more_users_;  // beyond the first
};

struct Sizer {
  const queries::Snapshot& snapshot;
  const queries::HeapGraph& graph;
  SharedArrays shared;
  std::vector<ObjectId> arrays;  // of the group at hand

  /// Fills object_count, bytes_each and wasted_bytes.
  void measure(std::span<const ObjectId> group, queries::DuplicateRow& row) {
    std::uint64_t bytes = 0;
    arrays.clear();
    for (const ObjectId object : group) {
      bytes += snapshot.shallow[object];
      if (!row.is_string) continue;
      const ObjectId array = array_of_string(snapshot, graph, object);
      if (array != no_object) arrays.push_back(array);
    }
    row.bytes_each = snapshot.shallow[row.example];
    if (row.is_string) {
      const ObjectId own = array_of_string(snapshot, graph, row.example);
      std::sort(arrays.begin(), arrays.end());
      for (std::size_t begin = 0, end = 0; begin < arrays.size(); begin = end) {
        for (end = begin + 1; end < arrays.size() && arrays[end] == arrays[begin];) ++end;
        // Strings outside the group use it too: it stays whatever becomes of the group.
        if (shared.users(arrays[begin]) > end - begin) continue;
        bytes += snapshot.shallow[arrays[begin]];
        if (arrays[begin] == own) row.bytes_each += snapshot.shallow[own];
      }
    }
    row.object_count = group.size();
    row.wasted_bytes = bytes - row.bytes_each;
  }
};

}  // namespace

Duplicates find_duplicates(const queries::Snapshot& snapshot, const queries::HeapGraph& graph,
                           const queries::Bitmap& live, std::size_t limit) {
  const queries::EqualContent& content = snapshot.content;
  Duplicates result;
  Sizer sizer{snapshot, graph, SharedArrays(snapshot, graph), {}};
  std::vector<ObjectId> members;
  for (std::size_t group = 0; group < content.groups.size(); ++group) {
    members.clear();
    for (const ObjectId object : content.members(group)) {
      if (live.test(index(object))) members.push_back(object);
    }
    // Equal bytes of different classes are different things.
    std::stable_sort(members.begin(), members.end(),
                     [&](ObjectId a, ObjectId b) { return snapshot.class_of[a] < snapshot.class_of[b]; });
    for (std::size_t begin = 0, end = 0; begin < members.size(); begin = end) {
      const queries::ClassId of = snapshot.class_of[members[begin]];
      for (end = begin + 1; end < members.size() && snapshot.class_of[members[end]] == of;) ++end;
      if (end - begin < 2) continue;
      queries::DuplicateRow row;
      row.hash = content.groups[group].hash;
      row.is_string = content.groups[group].is_string;
      row.example = members[begin];
      sizer.measure(std::span(members).subspan(begin, end - begin), row);
      if (row.wasted_bytes == 0) continue;
      ++result.groups;
      result.wasted_bytes += row.wasted_bytes;
      if (row.is_string) result.string_wasted_bytes += row.wasted_bytes;
      result.rows.push_back(std::move(row));
    }
  }
  std::sort(result.rows.begin(), result.rows.end(), [](const queries::DuplicateRow& a, const queries::DuplicateRow& b) {
    return a.wasted_bytes != b.wasted_bytes ? a.wasted_bytes > b.wasted_bytes : a.example < b.example;
  });
  if (result.rows.size() > limit) result.rows.resize(limit);
  result.rows.shrink_to_fit();
  return result;
}

}  // namespace analyzer
