#include "importers/native_fields.h"

#include <algorithm>

namespace importers::native {
namespace {

using formats::DebugBase;
using formats::DebugMember;
using formats::DebugType;
using formats::TypeId;
using formats::TypeKind;

constexpr int deepest = 48;  // objects in objects
constexpr std::size_t most_fields = 1'024;

class Finder {
 public:
  Finder(formats::TypeCatalog& catalog, std::uint64_t limit, std::vector<Field>& fields)
      : catalog_(catalog), limit_(limit), fields_(fields) {}

  void add(const Field& field, int depth) {
    const DebugType& type = catalog_.type(field.type);
    if (field.offset >= limit_ || fields_.size() >= most_fields || depth > deepest) return;
    const bool is_whole = type.kind != TypeKind::structure || type.name.rfind("std::", 0) == 0;
    if (type.kind != TypeKind::structure || (is_whole && !field.name.empty())) {
      if (field.size != 0 && depth != 0) fields_.push_back(field);
      return;
    }
    for (const DebugBase& base : type.bases) {
      if (!base.is_virtual) add({field.name, base.type, field.offset + base.offset, base.size, 0, 0, false}, depth + 1);
    }
    for (const DebugMember& one : type.members) {
      Field inner{path(field.name, one.name), one.type, field.offset + one.offset, one.size, 0, 0, one.is_artificial};
      if (one.bit_size == 0) {
        add(inner, depth + 1);
      } else if (fields_.size() < most_fields && inner.offset < limit_) {
        inner.bit_offset = field.offset * 8 + one.bit_offset;
        inner.bit_size = one.bit_size;
        fields_.push_back(std::move(inner));
      }
    }
  }

 private:
  static std::string path(const std::string& outer, const std::string& inner) {
    return outer.empty() || inner.empty() ? outer + inner : outer + "." + inner;
  }

  formats::TypeCatalog& catalog_;
  std::uint64_t limit_;
  std::vector<Field>& fields_;
};

}  // namespace

std::vector<Field> fields_of(formats::TypeCatalog& catalog, TypeId id, std::uint64_t limit) {
  std::vector<Field> fields;
  Finder(catalog, limit, fields).add({"", id, 0, catalog.type(id).size, 0, 0, false}, 0);
  const auto place = [](const Field& field) { return field.bit_size != 0 ? field.bit_offset : field.offset * 8; };
  std::stable_sort(fields.begin(), fields.end(), [&](const Field& a, const Field& b) { return place(a) < place(b); });
  return fields;
}

}  // namespace importers::native
