#include "importers/native_type_layouts.h"

#include <algorithm>
#include <cstdio>
#include <unordered_map>

#include "formats/type_layout.h"
#include "importers/native_field_values.h"
#include "importers/native_fields.h"
#include "importers/native_usable_sizes.h"
#include "importers/native_vtables.h"

namespace importers::native {
namespace {

using formats::DebugType;
using formats::LayoutSlot;
using formats::TypeCatalog;
using formats::TypeId;
using formats::TypeKind;
using formats::TypeLayout;
using queries::LayoutRows;
using queries::ObjectId;
using queries::TypeFieldRow;
using queries::TypeLayoutRow;

constexpr std::uint64_t field_limit = 1 << 16;  // bytes of an object whose fields are listed
constexpr int deepest = 48;                     // objects in objects
constexpr std::uint64_t line = formats::cache_line;

bool is_library(std::string_view name) { return name.substr(0, 5) == "std::" || name.substr(0, 11) == "__gnu_cxx::"; }

std::uint64_t lines_of(std::uint64_t address, std::uint64_t size) {
  return size == 0 ? 0 : (address + size - 1) / line - address / line + 1;
}

/// Unused bytes behind each field, up to the next one or the end of the object.
void add_holes(const std::vector<Field>& fields, std::uint64_t size, std::vector<TypeFieldRow>& rows) {
  std::uint64_t end = 0;  // bits
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const Field& field = fields[i];
    const std::uint64_t start = field.bit_size != 0 ? field.bit_offset : field.offset * 8;
    end = std::max(end, start + (field.bit_size != 0 ? field.bit_size : field.size * 8));
    std::uint64_t next = size * 8;
    if (i + 1 < fields.size()) next = fields[i + 1].bit_size != 0 ? fields[i + 1].bit_offset : fields[i + 1].offset * 8;
    rows[i].hole_bytes = static_cast<std::int64_t>(next / 8 > (end + 7) / 8 ? next / 8 - (end + 7) / 8 : 0);
  }
}

class Layouts {
 public:
  Layouts(TypeCatalog& catalog, const formats::ProcessImage& image, const Blocks& blocks, const TypedBlocks& types,
          bool is_glibc, queries::Snapshot& snapshot)
      : catalog_(catalog),
        memory_(image),
        blocks_(blocks),
        layouts_(types.layouts),
        sizes_(blocks, is_glibc),
        rows_(snapshot.layout) {
    for (std::uint32_t i = 0; i < snapshot.classes.size(); ++i) classes_.emplace(snapshot.classes[i].name, i);
  }

  void run() {
    find_types();
    for_each_instance(
        [&](Type& type, ObjectId id, std::uint64_t address, bool is_alone) { count(type, id, address, is_alone); });
    const std::size_t direct = types_.size();
    for (std::size_t i = 0; i < direct; ++i) {
      if (types_[i].row.instance_count != 0) nest(types_[i].layout, types_[i].row.instance_count, 0);
    }
    look_at_values(direct);
    write();
  }

 private:
  struct Type {
    TypeId id = formats::void_type;
    TypeLayout layout;
    formats::Reordering best;
    TypeLayoutRow row;
    std::uint64_t reused_bytes = 0;  ///< padding of bases in which the deriving class has put members
    std::vector<Field> fields;
    std::vector<FieldValues> values;
    std::uint64_t step = 1;  ///< of so many instances, one is looked at
    std::uint64_t next = 0;  ///< how many are passed by before the next one
  };

  std::size_t type_number(TypeId id) {
    const auto [at, is_new] = numbers_.try_emplace(static_cast<std::uint32_t>(id), types_.size());
    if (is_new) {
      Type& type = types_.emplace_back();
      type.id = id;
      type.layout = formats::layout_of(catalog_, id);
      type.best = formats::reorder(catalog_, type.layout);
      if (is_library(type.layout.name)) type.best.size = type.layout.size;  // nobody can reorder those
    }
    return at->second;
  }

  void find_types() {
    of_layout_.assign(layouts_.all.size(), none);
    for (std::size_t i = 1; i < layouts_.all.size(); ++i) {
      const TypeId id{layouts_.all[i].type};
      const DebugType& type = catalog_.type(id);
      if (type.kind == TypeKind::structure && type.size != 0) of_layout_[i] = type_number(id);
    }
    runs_ = layouts_.runs;
    std::sort(runs_.begin(), runs_.end(), [](const ElementRun& a, const ElementRun& b) { return a.block < b.block; });
  }

  /// Calls f(type, block, address, whether it is alone in its block).
  template <typename F>
  void for_each_instance(F&& f) {
    std::size_t run = 0;
    blocks_.for_each([&](ObjectId id, std::uint64_t address) {
      const std::uint32_t number = layouts_.layout_of.empty() ? 0 : layouts_.layout_of[index(id)];
      if (number == 0 || of_layout_[number] == none) return;
      const BlockLayout& layout = layouts_.all[number];
      Type& type = types_[of_layout_[number]];
      if (layout.stride == 0) {
        if (layout.begin + type.layout.size <= blocks_.usable(id)) f(type, id, address + layout.begin, true);
        return;
      }
      while (run < runs_.size() && runs_[run].block < id) ++run;
      for (; run < runs_.size() && runs_[run].block == id; ++run) {
        const std::uint64_t room = blocks_.usable(id) - std::min(runs_[run].first, blocks_.usable(id));
        const std::uint64_t elements = std::min<std::uint64_t>(runs_[run].count, room / layout.stride);
        for (std::uint64_t i = 0; i < elements; ++i) f(type, id, address + runs_[run].first + i * layout.stride, false);
      }
    });
  }

  void count(Type& type, ObjectId id, std::uint64_t address, bool is_alone) {
    TypeLayoutRow& row = type.row;
    const std::uint64_t size = type.layout.size;
    ++row.instance_count;
    row.instance_bytes += size;
    const std::uint64_t touched = lines_of(address, size);
    row.line_count += touched;
    row.straddling_count += touched > type.layout.cache_lines ? 1 : 0;
    const std::uint64_t smaller = size - type.best.size;
    if (!is_alone) {
      row.saved_bytes += smaller;
      return;
    }
    const std::uint64_t usable = blocks_.usable(id);
    const BlockLayout& layout = layouts_.all[layouts_.layout_of[index(id)]];
    const std::uint64_t requested = layout.size != 0 ? layout.size : layout.begin + size;
    ++row.block_count;
    row.usable_bytes += usable;
    row.requested_bytes += requested;
    if (smaller == 0) return;
    const std::uint64_t then = sizes_.usable_for(requested - smaller);
    row.saved_bytes += then != 0 && then < usable ? usable - then : 0;
  }

  /// Members and bases of `times` objects.
  void nest(const TypeLayout& layout, std::uint64_t times, int depth) {
    if (depth > deepest || budget_ == 0) return;
    // By value: types_ grows.
    for (const LayoutSlot& slot : std::vector<LayoutSlot>(layout.slots)) {
      if (slot.bit_size != 0 || slot.size == 0) continue;
      TypeId id = slot.type;
      std::uint64_t count = times;
      for (int dimensions = 0; catalog_.type(id).kind == TypeKind::array && dimensions < 8; ++dimensions) {
        if (catalog_.type(id).target == formats::no_type) break;
        count *= catalog_.type(id).count;
        id = catalog_.type(id).target;
      }
      const DebugType& type = catalog_.type(id);
      if (type.kind != TypeKind::structure || type.size == 0 || count == 0 || budget_ == 0) continue;
      --budget_;
      Type& inner = types_[type_number(id)];
      inner.row.nested_count += count;
      const std::uint64_t own = inner.layout.size > slot.size && slot.is_base ? inner.layout.size - slot.size : 0;
      inner.reused_bytes += own * count;
      nest(TypeLayout(inner.layout), count, depth + 1);
    }
  }

  void look_at_values(std::size_t direct) {
    for (std::size_t i = 0; i < direct; ++i) {
      Type& type = types_[i];
      if (type.row.instance_count == 0) continue;
      type.fields = fields_of(catalog_, type.id, std::min(type.layout.size, field_limit));
      for (const Field& field : type.fields) type.values.emplace_back(catalog_, field);
      type.step = (type.row.instance_count + most_values - 1) / most_values;
    }
    walk_values(
        [](FieldValues& values, const std::byte* object, std::uint64_t address) { values.add(object, address); });
    walk_values([](FieldValues& values, const std::byte* object, std::uint64_t) { values.count_common(object); });
  }

  template <typename F>
  void walk_values(F&& f) {
    for (Type& type : types_) type.next = 0;
    for_each_instance([&](Type& type, ObjectId, std::uint64_t address, bool) {
      if (type.next != 0) {
        --type.next;
        return;
      }
      type.next = type.step - 1;
      const std::byte* object = memory_.span(address, type.layout.size);
      if (object == nullptr) return;  // cut off
      for (FieldValues& values : type.values) f(values, object, address);
    });
  }

  void write() {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < types_.size(); ++i) {
      finish(types_[i]);
      const TypeLayoutRow& row = types_[i].row;
      // Insides of the standard library are worth a row where they cost something.
      if (row.instance_count != 0 ||
          (row.nested_count != 0 && (row.wasted_bytes > 0 || !is_library(types_[i].layout.name)))) {
        order.push_back(i);
      }
    }
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      const TypeLayoutRow& one = types_[a].row;
      const TypeLayoutRow& other = types_[b].row;
      if (one.wasted_bytes != other.wasted_bytes) return one.wasted_bytes > other.wasted_bytes;
      const auto bytes = [](const TypeLayoutRow& row) { return row.size * (row.instance_count + row.nested_count); };
      if (bytes(one) != bytes(other)) return bytes(one) > bytes(other);
      return rows_.texts[one.name] < rows_.texts[other.name];
    });
    for (const std::size_t i : order) write(types_[i]);
  }

  void finish(Type& type);
  void write(const Type& type);

  static constexpr std::size_t none = ~std::size_t{0};

  TypeCatalog& catalog_;
  Memory memory_;
  const Blocks& blocks_;
  const BlockLayouts& layouts_;
  UsableSizes sizes_;
  LayoutRows& rows_;
  std::unordered_map<std::string, std::uint32_t> classes_;
  std::vector<Type> types_;
  std::unordered_map<std::uint32_t, std::size_t> numbers_;  ///< TypeId → index into types_
  std::vector<std::size_t> of_layout_;                      ///< by index into BlockLayouts::all
  std::vector<ElementRun> runs_;                            ///< by block
  std::uint64_t budget_ = 1'000'000;                        ///< members of members that may still be entered
};

/// What the type alone says.
void describe(const TypeLayout& layout, const formats::Reordering& best, LayoutRows& rows, TypeLayoutRow& row) {
  row.name = rows.text(readable_class(layout.name));
  row.source = rows.text("debug info");
  row.size = layout.size;
  row.alignment = layout.alignment;
  row.header_bytes = layout.has_vtable_pointer ? 8 : 0;
  row.hole_count = layout.holes;
  row.hole_bytes = static_cast<std::int64_t>(layout.hole_bytes);
  row.padding_bytes = static_cast<std::int64_t>(layout.padding);
  row.bit_hole_bits = static_cast<std::int64_t>(layout.bit_hole_bits + layout.bit_padding);
  row.reordered_size = best.size;
  if (best.size == layout.size) return;
  std::string order;
  for (const std::size_t slot : best.order) {
    const std::string& name = layout.slots[slot].name;
    order += (order.empty() ? "" : ", ") + (name.empty() ? "(anonymous)" : name);
  }
  row.reordering = rows.text(order);
}

void Layouts::finish(Type& type) {
  TypeLayoutRow& row = type.row;
  describe(type.layout, type.best, rows_, row);
  if (const auto found = classes_.find(rows_.texts[row.name]); found != classes_.end()) {
    row.class_id = queries::ClassId{found->second};
  }
  const std::uint64_t all = type.layout.wasted_bytes() * (row.instance_count + row.nested_count);
  row.wasted_bytes = static_cast<std::int64_t>(all - std::min(all, type.reused_bytes));
}

/// A row for each field; `values`: of the fields, or none.
void write_fields(TypeCatalog& catalog, const std::vector<Field>& fields, const std::vector<FieldValues>& values,
                  std::uint64_t size, LayoutRows& to) {
  const auto type = static_cast<std::uint32_t>(to.types.size() - 1);
  std::vector<TypeFieldRow> rows(fields.size());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const Field& field = fields[i];
    TypeFieldRow& row = rows[i];
    row.type = type;
    row.ordinal = static_cast<std::uint32_t>(i);
    row.name = to.text(field.name);
    row.type_name = to.text(readable_class(catalog.type(field.type).name));
    row.offset = field.bit_size != 0 ? field.bit_offset / 8 : field.offset;
    row.size = field.size;
    if (field.bit_size != 0) row.bit_offset = static_cast<std::int64_t>(field.bit_offset % 8);
    row.bit_size = field.bit_size;
    if (values.empty()) {
      row.kind = to.text(FieldValues(catalog, field).kind());
      continue;
    }
    row.kind = to.text(values[i].kind());
    values[i].fill(row);
    if (values[i].container() == ContainerKind::none) continue;
    queries::ContainerUseRow use;
    use.kind = to.text(to_text(values[i].container()));
    use.type = type;
    use.field = row.name;
    values[i].fill(use);
    to.containers.push_back(use);
  }
  add_holes(fields, size, rows);
  to.fields.insert(to.fields.end(), rows.begin(), rows.end());
}

void Layouts::write(const Type& type) {
  rows_.types.push_back(type.row);
  if (!type.fields.empty()) return write_fields(catalog_, type.fields, type.values, type.layout.size, rows_);
  write_fields(catalog_, fields_of(catalog_, type.id, std::min(type.layout.size, field_limit)), {}, type.layout.size,
               rows_);
}

}  // namespace

void describe_type_layouts(TypeCatalog& catalog, const formats::ProcessImage& image, const Blocks& blocks,
                           const TypedBlocks& types, bool is_glibc, queries::Snapshot& snapshot) {
  if (types.layouts.all.size() < 2) return;
  Layouts(catalog, image, blocks, types, is_glibc, snapshot).run();
}

namespace {

/// A class of which only code tells what it has in it.
struct UsedClass {
  std::uint32_t id = 0;  ///< in Snapshot::classes
  std::uint64_t size = 0;
  std::vector<Field> fields;
  std::vector<FieldValues> values;
  TypeLayoutRow row;
  std::uint64_t step = 1;
  std::uint64_t next = 0;
};

/// Places that methods use, of those that overlap the one that begins first and is largest.
std::vector<Field> used_fields(const std::vector<const queries::FieldAccessRow*>& uses) {
  std::vector<Field> fields;
  for (const queries::FieldAccessRow* use : uses) {
    if (use->size == 0) continue;  // the address alone
    if (!fields.empty() && use->offset < fields.back().offset + fields.back().size) {
      if (use->offset == fields.back().offset)
        fields.back().size = std::max<std::uint64_t>(fields.back().size, use->size);
      continue;
    }
    char name[24];
    std::snprintf(name, sizeof name, "+0x%x", use->offset);
    Field field;
    field.name = name;
    field.offset = use->offset;
    field.size = use->size;
    fields.push_back(std::move(field));
  }
  return fields;
}

/// Classes of one size that code tells, with uses, and without a row.
std::vector<UsedClass> used_classes(const queries::Snapshot& snapshot) {
  std::unordered_map<std::string, std::vector<const queries::FieldAccessRow*>> uses;
  for (const queries::FieldAccessRow& use : snapshot.code.fields) {
    uses[snapshot.code.texts[use.class_name]].push_back(&use);
  }
  for (const TypeLayoutRow& row : snapshot.layout.types) uses.erase(snapshot.layout.texts[row.name]);
  std::vector<UsedClass> found;
  for (std::uint32_t i = 0; i < snapshot.classes.size(); ++i) {
    const queries::ClassRow& row = snapshot.classes[i];
    const auto of_class = uses.find(row.name);
    if (row.requested_size == 0 || of_class == uses.end()) continue;
    UsedClass one;
    one.id = i;
    one.size = row.requested_size;
    one.fields = used_fields(of_class->second);
    for (const Field& field : one.fields) one.values.emplace_back(field);
    if (!one.fields.empty()) found.push_back(std::move(one));
  }
  return found;
}

void write_used_class(const UsedClass& from, queries::Snapshot& snapshot) {
  LayoutRows& rows = snapshot.layout;
  TypeLayoutRow row = from.row;
  row.name = rows.text(snapshot.classes[from.id].name);
  row.source = rows.text("code");
  row.class_id = queries::ClassId{from.id};
  row.size = from.size;
  const auto number = static_cast<std::uint32_t>(rows.types.size());
  rows.types.push_back(row);
  for (std::size_t i = 0; i < from.fields.size(); ++i) {
    TypeFieldRow field;
    field.type = number;
    field.ordinal = static_cast<std::uint32_t>(i);
    field.name = rows.text(from.fields[i].name);
    field.offset = from.fields[i].offset;
    field.size = from.fields[i].size;
    field.kind = rows.text(from.values[i].kind());
    from.values[i].fill(field);
    rows.fields.push_back(field);
  }
}

}  // namespace

void describe_used_fields(const formats::ProcessImage& image, const Blocks& blocks, queries::Snapshot& snapshot) {
  std::vector<UsedClass> classes = used_classes(snapshot);
  if (classes.empty()) return;
  std::unordered_map<std::uint32_t, UsedClass*> by_id;
  for (UsedClass& one : classes) by_id.emplace(one.id, &one);
  Memory memory(image);
  const auto walk = [&](auto&& f) {
    blocks.for_each([&](ObjectId id, std::uint64_t address) {
      const auto found = by_id.find(index(snapshot.class_of[id]));
      if (found != by_id.end() && found->second->size <= blocks.usable(id)) f(*found->second, id, address);
    });
  };
  walk([&](UsedClass& one, ObjectId id, std::uint64_t address) {
    ++one.row.instance_count;
    ++one.row.block_count;
    one.row.instance_bytes += one.size;
    one.row.requested_bytes += one.size;
    one.row.usable_bytes += blocks.usable(id);
    const std::uint64_t touched = lines_of(address, one.size);
    one.row.line_count += touched;
    one.row.straddling_count += touched > (one.size + line - 1) / line ? 1 : 0;
  });
  for (UsedClass& one : classes) one.step = (one.row.instance_count + most_values - 1) / most_values;
  for (const bool is_first : {true, false}) {
    for (UsedClass& one : classes) one.next = 0;
    walk([&](UsedClass& one, ObjectId, std::uint64_t address) {
      if (one.next != 0) {
        --one.next;
        return;
      }
      one.next = one.step - 1;
      const std::byte* object = memory.span(address, one.size);
      if (object == nullptr) return;
      for (FieldValues& values : one.values) is_first ? values.add(object, address) : values.count_common(object);
    });
  }
  for (const UsedClass& one : classes) {
    if (one.row.instance_count != 0) write_used_class(one, snapshot);
  }
}

void describe_program_layouts(TypeCatalog& catalog, LayoutRows& rows) {
  constexpr std::size_t most_types = 200'000;
  std::vector<std::pair<TypeId, TypeLayout>> all;
  for (const TypeId id : catalog.structures()) {
    const DebugType& type = catalog.type(id);
    const bool has_members = !type.members.empty() || !type.bases.empty();
    if (type.kind == TypeKind::structure && type.is_complete && type.size != 0 && has_members) {
      all.emplace_back(id, formats::layout_of(catalog, id));
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.second.wasted_bytes() > b.second.wasted_bytes(); });
  if (all.size() > most_types) all.resize(most_types);
  for (const auto& [id, layout] : all) {
    TypeLayoutRow& row = rows.types.emplace_back();
    const bool is_fixed = is_library(layout.name);
    formats::Reordering best = is_fixed ? formats::Reordering{} : formats::reorder(catalog, layout);
    if (is_fixed) best.size = layout.size;
    describe(layout, best, rows, row);
    write_fields(catalog, fields_of(catalog, id, std::min(layout.size, field_limit)), {}, layout.size, rows);
  }
}

}  // namespace importers::native
