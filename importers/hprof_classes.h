// Classes of a dump as rows, and the flattened layouts that decode instances: for every class the offsets of all its
// reference and primitive fields, inherited ones included, in the order of the file (own class first).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "importers/hprof_catalog.h"
#include "importers/hprof_sizes.h"
#include "queries/snapshot.h"

namespace importers::hprof {

struct LayoutField {
  std::uint32_t offset = 0;  ///< in the field bytes of an instance dump
  queries::NameId name{};
  std::uint8_t type = 0;
};

struct Layout {
  std::vector<LayoutField> references;
  std::vector<LayoutField> primitives;
  std::uint32_t payload = 0;                               ///< bytes that an instance dump of the class must have
  std::int32_t referent = -1;                              ///< index into references of Reference.referent, -1 = none
  queries::Strength strength = queries::Strength::strong;  ///< of the referent
};

/// Where java.lang.String keeps its text; -1 = this JDK has no such field.
struct StringLayout {
  std::int32_t value = -1, coder = -1, offset = -1, count = -1;  ///< offsets in the field bytes
};

struct ClassTable {
  std::vector<queries::ClassId> id_of_entry;           ///< by index into Catalog::classes
  std::vector<std::uint32_t> entry_of_class;           ///< no_entry for classes that exist only as element types
  std::vector<Layout> layouts;                         ///< by ClassId
  std::array<queries::ClassId, 12> primitive_array{};  ///< class of arrays of an element type
  queries::ClassId string = queries::no_class;
  StringLayout string_layout;
  static constexpr std::uint32_t no_entry = 0xFFFF'FFFFu;
};

/// Interns names of fields by the id of their string record: the text is converted once.
class FieldNames {
 public:
  FieldNames(const Catalog& catalog, queries::Snapshot& snapshot) : catalog_(catalog), snapshot_(snapshot) {}
  queries::NameId find(RawId string_id) {
    const auto [found, is_new] = ids_.try_emplace(string_id);
    if (is_new) found->second = snapshot_.name_id(catalog_.text(string_id));
    return found->second;
  }

 private:
  const Catalog& catalog_;
  queries::Snapshot& snapshot_;
  std::unordered_map<RawId, queries::NameId> ids_;
};

/// Names of all classes by index into Catalog::classes: "java.util.Map$Entry", "int[]", "unknown-class-0x1234".
[[nodiscard]] std::vector<std::string> class_names(const Catalog& catalog);
/// "java/lang/String" → "java.lang.String", "[[I" → "int[][]"; hidden classes keep "/0x…".
[[nodiscard]] std::string java_class_name(const std::string& name);

/// Fills snapshot.classes, .fields, .class_objects and names. Classes with most instances come first: their ids and
/// field names take one byte in every row. Needs Catalog::addresses. O(classes × depth).
[[nodiscard]] ClassTable make_classes(const Catalog& catalog, const std::vector<std::string>& names,
                                      const SizeModel& sizes, queries::ObjectId system_loader,
                                      queries::Snapshot& snapshot);

}  // namespace importers::hprof
