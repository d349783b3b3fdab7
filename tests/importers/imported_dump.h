// Imports a dump from memory with every row recorded, for tests: what the importer said can be asked by the dump's own
// addresses. Whatever the bytes, problem_of() checks what must hold for any import; tests and the fuzzer call it.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "importers/registry.h"
#include "queries/object_details.h"
#include "queries/row_sink.h"
#include "queries/snapshot.h"
#include "tests/importers/imported_profile.h"

namespace tests {

struct RecordedReference {
  queries::ObjectId source{};
  std::uint32_t slot = 0;
  queries::ObjectId target{};
  queries::NameId name{};
  queries::Strength strength{};
};
struct RecordedString {
  queries::ObjectId object{};
  std::string text;
  std::uint64_t hash = 0;
};

class RecordingSink final : public queries::RowSink {
 public:
  std::vector<RecordedReference> references;
  std::vector<RecordedString> strings;
  std::vector<queries::PrimitiveValue> values;
  std::vector<queries::AllocationEvent> events;
  void reference(queries::ObjectId source, std::uint32_t slot, queries::ObjectId target, queries::NameId name,
                 queries::Strength strength) override {
    references.push_back({source, slot, target, name, strength});
  }
  void string(queries::ObjectId object, std::string_view utf8, std::uint64_t hash) override {
    strings.push_back({object, std::string(utf8), hash});
  }
  void value(const queries::PrimitiveValue& value) override { values.push_back(value); }
  void event(const queries::AllocationEvent& event) override { events.push_back(event); }
};

inline bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const std::size_t length = byte(i) < 0x80 ? 1 : byte(i) >= 0xF0 ? 4 : byte(i) >= 0xE0 ? 3 : byte(i) >= 0xC2 ? 2 : 0;
    if (length == 0 || i + length > text.size()) return false;
    for (std::size_t k = 1; k < length; ++k) {
      if ((byte(i + k) & 0xC0) != 0x80) return false;
    }
    i += length;
  }
  return true;
}

/// What is wrong with rows of `event`, "" = nothing. Independent of what the input said.
inline std::string problem_of_events(const queries::Snapshot& s, const std::vector<queries::AllocationEvent>& events) {
  using namespace queries;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const AllocationEvent& event = events[i];
    if (event.id != i + 1) return "events are not numbered from 1";
    if (event.site != no_site && index(event.site) >= s.profile->sites.size()) return "an event of no site";
    if (event.thread >= static_cast<std::int64_t>(s.threads.size())) return "an event of no thread";
    if (i > 0 && event.t_ms < events[i - 1].t_ms) return "an event before the one before it";
    if (!ends_block(event.kind)) {
      if (event.size < 0 || event.allocation != 0) return "a beginning without a size, or with a beginning of its own";
      continue;
    }
    if ((event.size < 0) != (event.allocation == 0)) return "an end with half of what it ends";
    if (event.allocation >= event.id) return "an end before its beginning";
    if (event.allocation == 0) continue;
    const AllocationEvent& begin = events[event.allocation - 1];
    if (ends_block(begin.kind)) return "an end of an end";
    if (event.size > begin.size) return "more ends than began";
  }
  return {};
}

/// What is wrong with rows of layouts and shared lines, "" = nothing. Independent of what the input said.
inline std::string problem_of_layouts(const queries::Snapshot& s) {
  using namespace queries;
  const LayoutRows& rows = s.layout;
  for (const TypeLayoutRow& row : rows.types) {
    if (row.class_id != no_class && index(row.class_id) >= s.classes.size()) return "a layout of no class";
    if (row.reordered_size > row.size) return "members in the best order take more";
    if (row.straddling_count > row.instance_count) return "more objects across lines than there are";
  }
  for (std::size_t i = 0; i < rows.fields.size(); ++i) {
    const TypeFieldRow& row = rows.fields[i];
    if (row.type >= rows.types.size()) return "a field of no type";
    if (i > 0 && row.type < rows.fields[i - 1].type) return "fields are not in the order of their types";
    if (row.zero_count > row.value_count || row.common_count > row.value_count) return "more values than objects";
  }
  for (const ContainerUseRow& row : rows.containers) {
    if (row.type >= rows.types.size() || row.empty_count > row.count) return "a container of nothing";
  }
  for (const SharedLineRow& line : s.shared_lines) {
    if (line.object != no_object && index(line.object) >= s.object_count) return "a shared line of no object";
    for (const SharedLineUse& use : line.uses) {
      if (use.address / 64 != line.address / 64) return "a use of another line";
      if (use.thread >= static_cast<std::int64_t>(s.threads.size())) return "a use by no thread";
    }
  }
  return {};
}

/// What is wrong with a finished import, "" = nothing. Independent of what the dump said.
inline std::string problem_of(const queries::Snapshot& s, const RecordingSink* rows) {
  using namespace queries;
  if (s.profile) {
    const std::string problem = problem_of(*s.profile);
    return problem.empty() && rows != nullptr ? problem_of_events(s, rows->events) : problem;
  }
  if (std::string problem = problem_of_layouts(s); !problem.empty() || s.types_only) return problem;
  const std::uint32_t count = s.object_count;
  const auto is_object = [&](ObjectId id) { return index(id) < count; };
  if (s.addresses.size() != count) return "address map and object count differ";
  if (s.class_of.size() != count || s.shallow.size() != count) return "a column has another length than object_count";
  if (s.references.first.size() != std::size_t{count} + 1) return "first references: wrong length";
  if (s.references.first[count] != s.references.target.size()) return "first references do not end at the last target";
  for (std::uint32_t i = 0; i < count; ++i) {
    if (s.references.first[i] > s.references.first[i + 1]) return "first references descend";
    if (index(s.class_of[ObjectId{i}]) >= s.classes.size()) return "an object of no class";
  }
  for (const ObjectId target : s.references.target) {
    if (!is_object(target)) return "a reference to no object";
  }
  std::uint64_t last_address = 0;
  std::string order;
  s.addresses.for_each([&](ObjectId id, std::uint64_t address) {
    if (index(id) > 0 && address <= last_address) order = "ids are not in address order";
    last_address = address;
  });
  if (!order.empty()) return order;
  for (const ClassRow& row : s.classes) {
    if (row.super != no_class && index(row.super) >= s.classes.size()) return "a super that is no class";
    if (row.loader != no_object && !is_object(row.loader)) return "a loader that is no object";
    if (row.object != no_object && !is_object(row.object)) return "a class object that is no object";
    if (!is_utf8(row.name)) return "a class name that is not UTF-8";
  }
  for (const FieldRow& row : s.fields) {
    if (index(row.class_id) >= s.classes.size() || index(row.name) >= s.names.size()) return "a field of nothing";
  }
  for (const std::string& name : s.names) {
    if (!is_utf8(name)) return "a name that is not UTF-8";
  }
  for (const RootRow& root : s.roots) {
    if (!is_object(root.object)) return "a root that is no object";
    if (root.thread >= static_cast<std::int64_t>(s.threads.size())) return "a root of no thread";
    if (root.frame >= static_cast<std::int64_t>(s.frames.size())) return "a root of no frame";
  }
  for (std::size_t i = 0; i < s.direct_roots.size(); ++i) {
    if (!is_object(s.direct_roots[i])) return "a direct root that is no object";
    if (i > 0 && s.direct_roots[i - 1] >= s.direct_roots[i]) return "direct roots are not sorted and unique";
  }
  for (std::size_t i = 0; i < s.class_objects.size(); ++i) {
    if (!is_object(s.class_objects[i].first)) return "a class object that is no object";
    if (i > 0 && s.class_objects[i - 1].first >= s.class_objects[i].first)
      return "class objects are not sorted, unique";
  }
  for (const ThreadRow& thread : s.threads) {
    if (thread.object != no_object && !is_object(thread.object)) return "a thread that is no object";
    if (!is_utf8(thread.name)) return "a thread name that is not UTF-8";
  }
  for (const FrameRow& frame : s.frames) {
    if (!is_utf8(frame.function) || !is_utf8(frame.file) || !is_utf8(frame.module)) return "a frame that is not UTF-8";
  }
  std::uint64_t region_end = 0;
  for (const RegionRow& region : s.regions) {
    if (region.start < region_end || region.start >= region.end) return "regions that overlap or are empty";
    region_end = region.end;
    if (region.live_bytes + region.free_bytes + region.cached_bytes + region.overhead_bytes !=
        region.end - region.start) {
      return "a region whose parts are not its size";
    }
    if (!is_utf8(region.kind) || !is_utf8(region.name)) return "a region that is not UTF-8";
  }
  for (const auto& [key, value] : s.meta) {
    if (!is_utf8(key) || !is_utf8(value)) return "a fact that is not UTF-8";
  }
  for (const std::string& warning : s.warnings) {
    if (!is_utf8(warning)) return "a warning that is not UTF-8";
  }
  for (const DamageRow& row : s.damage) {
    if (!is_utf8(row.what)) return "damage that is not UTF-8";
  }
  for (const ObjectId object : s.content.objects) {
    if (!is_object(object)) return "content of no object";
  }
  if (rows == nullptr) return {};
  if (rows->references.size() != s.references.target.size()) return "reference rows and columns differ in number";
  for (std::size_t i = 0; i < rows->references.size(); ++i) {
    const RecordedReference& row = rows->references[i];
    if (!is_object(row.source)) return "a reference row of no object";
    if (i < s.references.first[index(row.source)] || i >= s.references.first[index(row.source) + 1])
      return "a reference row out of order";
    if (row.target != s.references.target[i]) return "a reference row with another target than its column";
    const ObjectId edge{static_cast<std::uint32_t>(i)};
    const Strength strength = s.references.strength.has(edge) ? s.references.strength[edge] : Strength::strong;
    if (row.strength != strength) return "a reference row with another strength than its column";
    if (i > 0 && rows->references[i - 1].source == row.source && rows->references[i - 1].slot >= row.slot)
      return "slots do not ascend";
    if (row.name != no_name && index(row.name) >= s.names.size()) return "a reference row without a name's text";
  }
  for (std::size_t i = 0; i < rows->strings.size(); ++i) {
    if (!is_object(rows->strings[i].object)) return "a string row of no object";
    if (i > 0 && rows->strings[i - 1].object >= rows->strings[i].object) return "string rows do not ascend";
    if (!is_utf8(rows->strings[i].text)) return "a string row that is not UTF-8";
  }
  for (std::size_t i = 0; i < rows->values.size(); ++i) {
    if (!is_object(rows->values[i].object)) return "a value row of no object";
    if (i > 0 && rows->values[i - 1].object > rows->values[i].object) return "value rows do not ascend";
    if (index(rows->values[i].name) >= s.names.size()) return "a value row without a name's text";
  }
  return {};
}

/// A dump imported from memory. Not movable: details borrow the snapshot and the bytes.
class ImportedDump {
 public:
  /// Throws what the importer throws. The bytes are copied to a block of exactly their size, for AddressSanitizer.
  explicit ImportedDump(std::string_view dump, importers::ImportOptions options = {}, bool with_rows = true)
      : bytes_(new std::byte[dump.size()]), input_(formats::Input::borrow({bytes_.get(), dump.size()}, "test.hprof")) {
    std::memcpy(bytes_.get(), dump.data(), dump.size());
    importers::ImportJob job{input_, options, snapshot, with_rows ? &rows : nullptr, &details, {}};
    const importers::Importer* importer = importers::find_importer(input_.bytes());
    if (importer == nullptr) throw formats::InputError("no importer knows the format");
    importer->run(job);
  }
  ImportedDump(const ImportedDump&) = delete;
  ImportedDump& operator=(const ImportedDump&) = delete;

 private:
  std::unique_ptr<std::byte[]> bytes_;
  formats::Input input_;

 public:
  queries::Snapshot snapshot;
  RecordingSink rows;
  std::unique_ptr<queries::ObjectDetails> details;

  [[nodiscard]] queries::ObjectId id(std::uint64_t address) const { return snapshot.addresses.id_of(address); }
  [[nodiscard]] bool has(std::uint64_t address) const { return id(address) != queries::no_object; }
  [[nodiscard]] std::string class_name(std::uint64_t address) const { return snapshot.class_row(id(address)).name; }
  [[nodiscard]] std::uint64_t shallow(std::uint64_t address) const { return snapshot.shallow[id(address)]; }
  [[nodiscard]] const queries::ClassRow& class_row(std::string_view name) const {
    const queries::ClassId found = snapshot.find_class(name);
    if (found == queries::no_class) throw std::runtime_error("no class " + std::string(name));
    return snapshot.classes[index(found)];
  }
  [[nodiscard]] std::string name_of(queries::NameId name) const {
    return name == queries::no_name ? "" : snapshot.names.at(index(name));
  }
  /// "slot name -> 0xaddress [strength]" of every reference row of the object.
  [[nodiscard]] std::vector<std::string> references(std::uint64_t address) const {
    std::vector<std::string> all;
    for (const RecordedReference& row : rows.references) {
      if (row.source != id(address)) continue;
      char target[24];
      std::snprintf(target, sizeof target, "0x%llx",
                    static_cast<unsigned long long>(snapshot.addresses.address_of(row.target)));
      std::string text = std::to_string(row.slot) + " " + name_of(row.name) + " -> " + target;
      if (row.strength != queries::Strength::strong) text += " " + std::string(queries::to_text(row.strength));
      all.push_back(std::move(text));
    }
    return all;
  }
  /// Addresses of the targets, in slot order.
  [[nodiscard]] std::vector<std::uint64_t> targets(std::uint64_t address) const {
    std::vector<std::uint64_t> all;
    for (const RecordedReference& row : rows.references) {
      if (row.source == id(address)) all.push_back(snapshot.addresses.address_of(row.target));
    }
    return all;
  }
  /// The string row of an object; "<none>" where there is none.
  [[nodiscard]] std::string text(std::uint64_t address) const {
    for (const RecordedString& row : rows.strings) {
      if (row.object == id(address)) return row.text;
    }
    return "<none>";
  }
  [[nodiscard]] std::string meta(std::string_view key) const {
    for (const auto& [name, text] : snapshot.meta) {
      if (name == key) return text;
    }
    return {};
  }
  [[nodiscard]] std::vector<std::uint64_t> direct_roots() const {
    std::vector<std::uint64_t> all;
    for (const queries::ObjectId root : snapshot.direct_roots) all.push_back(snapshot.addresses.address_of(root));
    return all;
  }
  [[nodiscard]] std::string problem() const { return problem_of(snapshot, &rows); }
};

}  // namespace tests
