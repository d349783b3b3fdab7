// Heaps with named fields for the tests of suspects and reports: a GraphBuilder, and details that answer from the same
// lines.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "analyzer/passes/passes.h"
#include "analyzer/suspects/suspects.h"
#include "queries/database.h"
#include "queries/heap_graph.h"
#include "queries/store.h"
#include "tests/support/graph_builder.h"

namespace tests {

class NamedHeap final : public queries::ObjectDetails {
 public:
  GraphBuilder graph;

  /// A reference with a name: a field, or "[i]".
  void field(queries::ObjectId source, const std::string& name, queries::ObjectId target,
             queries::Strength strength = queries::Strength::strong) {
    graph.reference(source, target, strength);
    queries::FieldValue value;
    value.name = name;
    value.target = target;
    fields_[index(source)].push_back(value);
  }
  void number(queries::ObjectId source, const std::string& name, std::int64_t integer) {
    queries::FieldValue value;
    value.name = name;
    value.type = 'I';
    value.integer = integer;
    fields_[index(source)].push_back(value);
  }
  /// An ArrayList of `count` new elements of a class, each with a byte[] of `bytes`.
  queries::ObjectId list_of(std::uint32_t count, const std::string& element_class, std::uint64_t bytes) {
    const queries::ObjectId list = graph.object("java.util.ArrayList", 24);
    const queries::ObjectId array = graph.array("java.lang.Object[]", 2 * count, 16 + 8 * count);
    field(list, "elementData", array);
    number(list, "size", count);
    for (std::uint32_t i = 0; i < count; ++i) {
      const queries::ObjectId element = graph.object(element_class, 16);
      field(array, "[" + std::to_string(i) + "]", element);
      field(element, "data", graph.array("byte[]", static_cast<std::uint32_t>(bytes), bytes));
    }
    return list;
  }
  /// A HashMap with `count` entries from String to a class, each value with a byte[] of `bytes`.
  queries::ObjectId map_of(std::uint32_t count, const std::string& value_class, std::uint64_t bytes) {
    const queries::ObjectId map = graph.object("java.util.HashMap", 48);
    const queries::ObjectId table = graph.array("java.util.HashMap$Node[]", 2 * count, 16 + 8 * count);
    field(map, "table", table);
    number(map, "size", count);
    for (std::uint32_t i = 0; i < count; ++i) {
      const queries::ObjectId node = graph.object("java.util.HashMap$Node", 32);
      field(table, "[" + std::to_string(i) + "]", node);
      field(node, "key", graph.object("java.lang.String", 24));
      const queries::ObjectId value = graph.object(value_class, 16);
      field(node, "value", value);
      field(value, "data", graph.array("byte[]", static_cast<std::uint32_t>(bytes), bytes));
    }
    return map;
  }
  /// The class object of a class, held as a system class.
  queries::ObjectId root_class(const std::string& name) {
    const queries::ObjectId id = graph.class_object(name, 8);
    graph.root(id, queries::RootKind::sticky_class);
    return id;
  }

  [[nodiscard]] std::vector<queries::FieldValue> fields(queries::ObjectId id, std::size_t limit) const override {
    const auto found = fields_.find(index(id));
    if (found == fields_.end()) return {};
    std::vector<queries::FieldValue> values = found->second;
    if (values.size() > limit) values.resize(limit);
    return values;
  }
  [[nodiscard]] std::optional<std::string> text(queries::ObjectId, std::size_t) const override { return std::nullopt; }
  [[nodiscard]] std::string reference_name(queries::ObjectId source, queries::ObjectId target) const override {
    for (const queries::FieldValue& value : fields(source, 1'000'000)) {
      if (value.target == target) return value.name;
    }
    return {};
  }

 private:
  std::map<std::uint32_t, std::vector<queries::FieldValue>> fields_;
};

struct Analysed {
  queries::Snapshot snapshot;
  queries::Results results;

  [[nodiscard]] std::string evidence(std::size_t suspect, std::string_view kind, std::string_view name = "") const {
    for (const queries::SuspectEvidenceRow& row : results.suspect_evidence) {
      if (row.suspect == suspect && row.kind == kind && (name.empty() || row.name == name)) return row.text;
    }
    return {};
  }
  [[nodiscard]] std::string path(std::size_t suspect) const {
    std::string text;
    for (const queries::SuspectPathRow& row : results.suspect_paths) {
      if (row.suspect == suspect) text += (text.empty() ? "" : " ") + row.name;
    }
    return text;
  }
};

/// Passes and suspects over the heap. `prepare`: last changes to the snapshot (threads, frames, roots).
template <typename Prepare>
Analysed analyse(const NamedHeap& heap, Prepare&& prepare, const analyzer::SuspectOptions& options = {}) {
  Analysed out;
  out.snapshot = heap.graph.build();
  prepare(out.snapshot);
  out.results = analyzer::run_passes(out.snapshot, {});
  const queries::HeapGraph graph(out.snapshot);
  analyzer::find_suspects(out.snapshot, graph, heap, options, out.results);
  return out;
}
inline Analysed analyse(const NamedHeap& heap, const analyzer::SuspectOptions& options = {}) {
  return analyse(
      heap, [](queries::Snapshot&) {}, options);
}

}  // namespace tests
