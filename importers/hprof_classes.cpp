#include "importers/hprof_classes.h"

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <string_view>
#include <utility>

namespace importers::hprof {
namespace {

using queries::ClassId;
using queries::ClassKind;
using queries::no_class;
using queries::Strength;

constexpr std::size_t max_depth = 4096;  // of inheritance; a longer chain is damage

constexpr std::array<std::pair<char, std::string_view>, 8> primitive_names{{{'Z', "boolean"},
                                                                            {'C', "char"},
                                                                            {'F', "float"},
                                                                            {'D', "double"},
                                                                            {'B', "byte"},
                                                                            {'S', "short"},
                                                                            {'I', "int"},
                                                                            {'J', "long"}}};

std::string_view primitive_name(char letter) {
  for (const auto& [known, name] : primitive_names) {
    if (known == letter) return name;
  }
  return {};
}

ClassKind kind_of_name(std::string_view name) {
  if (!name.ends_with("[]")) return ClassKind::instance;
  const std::string_view element = name.substr(0, name.size() - 2);
  const bool primitive = std::any_of(primitive_names.begin(), primitive_names.end(),
                                     [&](const auto& known) { return known.second == element; });
  return primitive ? ClassKind::primitive_array : ClassKind::object_array;
}

/// Strength of Reference.referent by the first class of the chain that java.lang.ref defines.
Strength referent_strength(std::string_view class_name) {
  if (class_name == "java.lang.ref.SoftReference") return Strength::soft;
  if (class_name == "java.lang.ref.WeakReference") return Strength::weak;
  if (class_name == "java.lang.ref.PhantomReference") return Strength::phantom;
  if (class_name == "java.lang.ref.FinalReference" || class_name == "java.lang.ref.FinalizerReference")
    return Strength::final;
  return Strength::strong;
}

class Builder {
 public:
  Builder(const Catalog& catalog, const std::vector<std::string>& names, const SizeModel& sizes,
          queries::ObjectId system_loader, queries::Snapshot& snapshot)
      : catalog_(catalog), names_(names), sizes_(sizes), system_loader_(system_loader), snapshot_(snapshot) {}

  ClassTable build() {
    order();
    for (const std::uint32_t entry : table_.entry_of_class) add_row(entry);
    add_primitive_arrays();
    table_.layouts.resize(snapshot_.classes.size());
    for (std::uint32_t i = 0; i < table_.entry_of_class.size(); ++i) {
      if (table_.entry_of_class[i] != ClassTable::no_entry) add_layout(ClassId{i});
    }
    std::sort(snapshot_.class_objects.begin(), snapshot_.class_objects.end());
    find_string();
    return std::move(table_);
  }

 private:
  [[nodiscard]] std::uint64_t population(std::uint32_t entry) const {
    const std::uint64_t primitive =
        primitive_type(names_[entry]) == 0 ? 0 : catalog_.primitive_arrays[primitive_type(names_[entry])].count;
    return catalog_.classes[entry].census.count + primitive;
  }

  /// Element type code of "int[]" …, 0 for other names.
  static unsigned primitive_type(std::string_view name) {
    if (!name.ends_with("[]")) return 0;
    name.remove_suffix(2);
    for (unsigned type = 4; type < 12; ++type) {
      if (primitive_name(formats::hprof::letter_of(static_cast<std::uint8_t>(type))) == name) return type;
    }
    return 0;
  }

  void order() {
    std::vector<std::uint32_t> entries(catalog_.classes.size());
    std::iota(entries.begin(), entries.end(), 0u);
    std::stable_sort(entries.begin(), entries.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return population(a) > population(b); });
    table_.id_of_entry.resize(entries.size());
    for (std::uint32_t i = 0; i < entries.size(); ++i) table_.id_of_entry[entries[i]] = ClassId{i};
    table_.entry_of_class = std::move(entries);
  }

  [[nodiscard]] ClassId class_of(RawId id) const {
    const auto found = catalog_.class_by_id.find(id);
    return id == 0 || found == catalog_.class_by_id.end() ? no_class : table_.id_of_entry[found->second];
  }

  void add_row(std::uint32_t entry_index) {
    const ClassEntry& entry = catalog_.classes[entry_index];
    const ClassId id = table_.id_of_entry[entry_index];
    queries::ClassRow row;
    row.name = names_[entry_index];
    row.super = class_of(entry.super_id);
    row.loader = entry.loader_id == 0 ? system_loader_ : catalog_.addresses.id_of(entry.loader_id);
    row.kind = kind_of_name(row.name);
    row.instance_size = sizes_.instance[entry_index];
    row.source = entry.dumped ? "dump" : "placeholder";
    if (entry.dumped) {
      row.object = catalog_.addresses.id_of(entry.id);
      snapshot_.class_objects.emplace_back(row.object, id);
    }
    snapshot_.classes.push_back(std::move(row));
    std::uint32_t ordinal = 0;
    for (const auto& field : entry.fields) add_field(id, ordinal++, field.name_id, field.type, false);
    if (!entry.dumped) return;
    const auto dump = formats::hprof::parse_class_dump(entry.dump, catalog_.header.id_size);
    formats::ByteReader statics(dump.statics);
    for (unsigned i = 0; i < dump.static_count && statics.ok(); ++i) {
      const auto field = formats::hprof::read_static(statics, catalog_.header.id_size);
      add_field(id, ordinal++, field.name_id, field.type, true);
    }
  }

  void add_field(ClassId id, std::uint32_t ordinal, RawId name, std::uint8_t type, bool is_static) {
    queries::FieldRow row;
    row.class_id = id;
    row.ordinal = ordinal;
    row.name = names_of_.find(name);
    row.type = formats::hprof::letter_of(type);
    row.size = formats::hprof::size_of(type, sizes_.reference);
    row.is_static = is_static;
    snapshot_.fields.push_back(row);
  }

  void add_primitive_arrays() {
    table_.primitive_array.fill(no_class);
    for (std::uint32_t i = 0; i < snapshot_.classes.size(); ++i) {
      const unsigned type = primitive_type(snapshot_.classes[i].name);
      if (type != 0 && table_.primitive_array[type] == no_class) table_.primitive_array[type] = ClassId{i};
    }
    for (unsigned type = 4; type < 12; ++type) {
      if (table_.primitive_array[type] != no_class) continue;
      queries::ClassRow row;
      row.name = std::string(primitive_name(formats::hprof::letter_of(static_cast<std::uint8_t>(type)))) + "[]";
      row.kind = ClassKind::primitive_array;
      row.loader = system_loader_;
      row.source = "placeholder";
      table_.primitive_array[type] = ClassId{static_cast<std::uint32_t>(snapshot_.classes.size())};
      snapshot_.classes.push_back(std::move(row));
      table_.entry_of_class.push_back(ClassTable::no_entry);
    }
  }

  void add_layout(ClassId id) {
    // Only what instances in the file can fill: a hostile chain of supers costs no more than the bytes it came in.
    const ClassEntry& own = catalog_.classes[table_.entry_of_class[index(id)]];
    if (own.census.count == 0 || own.is_array_class) return;
    Layout& layout = table_.layouts[index(id)];
    std::uint64_t offset = 0;
    ClassId at = id;
    Strength strength = Strength::strong;
    for (std::size_t depth = 0; at != no_class && depth < max_depth; ++depth) {
      const ClassEntry& entry = catalog_.classes[table_.entry_of_class[index(at)]];
      const std::string& name = snapshot_.classes[index(at)].name;
      if (strength == Strength::strong) strength = referent_strength(name);
      for (const auto& field : entry.fields) {
        const unsigned size = formats::hprof::size_of(field.type, catalog_.header.id_size);
        const LayoutField decoded{static_cast<std::uint32_t>(offset), names_of_.find(field.name_id), field.type};
        if (field.type == 2) {
          if (name == "java.lang.ref.Reference" && snapshot_.names[index(decoded.name)] == "referent") {
            layout.referent = static_cast<std::int32_t>(layout.references.size());
          }
          layout.references.push_back(decoded);
        } else {
          layout.primitives.push_back(decoded);
        }
        offset += size;
        if (offset > own.max_payload) return;
      }
      at = snapshot_.classes[index(at)].super;
      if (at != no_class && table_.entry_of_class[index(at)] == ClassTable::no_entry) break;
    }
    layout.payload = static_cast<std::uint32_t>(offset);
    if (layout.referent >= 0) {
      layout.strength = strength == Strength::strong ? Strength::weak : strength;
      snapshot_.classes[index(id)].referent = layout.strength;
    }
  }

  void find_string() {
    table_.string = snapshot_.find_class("java.lang.String");
    if (table_.string == no_class) return;
    const Layout& layout = table_.layouts[index(table_.string)];
    const auto place = [&](const std::vector<LayoutField>& fields, std::string_view name) {
      for (const LayoutField& field : fields) {
        if (snapshot_.names[index(field.name)] == name) return static_cast<std::int32_t>(field.offset);
      }
      return std::int32_t{-1};
    };
    table_.string_layout.value = place(layout.references, "value");
    table_.string_layout.coder = place(layout.primitives, "coder");
    table_.string_layout.offset = place(layout.primitives, "offset");
    table_.string_layout.count = place(layout.primitives, "count");
    if (table_.string_layout.offset < 0 || table_.string_layout.count < 0) {
      table_.string_layout.offset = table_.string_layout.count = -1;  // ART's count alone is length << 1 | compressed
    }
  }

  const Catalog& catalog_;
  const std::vector<std::string>& names_;
  const SizeModel& sizes_;
  queries::ObjectId system_loader_;
  queries::Snapshot& snapshot_;
  FieldNames names_of_{catalog_, snapshot_};
  ClassTable table_;
};

}  // namespace

std::string java_class_name(const std::string& name) {
  std::size_t dimensions = 0;
  while (dimensions < name.size() && name[dimensions] == '[') ++dimensions;
  std::string element = name.substr(dimensions);
  if (dimensions > 0) {
    if (element.size() == 1 && !primitive_name(element[0]).empty()) {
      element = primitive_name(element[0]);
    } else if (element.size() > 2 && element.front() == 'L' && element.back() == ';') {
      element = element.substr(1, element.size() - 2);
    }
  }
  for (std::size_t i = 0; i < element.size(); ++i) {
    if (element[i] == '/' && element.compare(i + 1, 2, "0x") != 0) element[i] = '.';
  }
  for (std::size_t i = 0; i < dimensions; ++i) element += "[]";
  return element;
}

std::vector<std::string> class_names(const Catalog& catalog) {
  std::vector<std::string> names;
  names.reserve(catalog.classes.size());
  TextBudget budget(catalog);
  for (const ClassEntry& entry : catalog.classes) {
    std::string name;
    if (entry.name_id != 0 && budget.take(catalog.text_bytes(entry.name_id))) {
      name = java_class_name(catalog.text(entry.name_id));
    }
    if (name.empty()) {
      std::array<char, 40> text{};
      std::snprintf(text.data(), text.size(), "unknown-class-0x%llx", static_cast<unsigned long long>(entry.id));
      name = text.data();
      if (entry.is_array_class) name += "[]";
    }
    names.push_back(std::move(name));
  }
  return names;
}

ClassTable make_classes(const Catalog& catalog, const std::vector<std::string>& names, const SizeModel& sizes,
                        queries::ObjectId system_loader, queries::Snapshot& snapshot) {
  return Builder(catalog, names, sizes, system_loader, snapshot).build();
}

}  // namespace importers::hprof
