#include "importers/hprof_details.h"

#include "importers/hprof_strings.h"
#include "importers/hprof_values.h"

namespace importers::hprof {

using formats::hprof::HeapTag;
using queries::FieldValue;
using queries::ObjectId;

HprofDetails::HprofDetails(std::unique_ptr<Catalog> catalog, ClassTable table, std::vector<ThreadLocalReference> locals,
                           const queries::Snapshot& snapshot)
    : catalog_(std::move(catalog)),
      table_(std::move(table)),
      locals_(std::move(locals)),
      snapshot_(snapshot),
      objects_(*catalog_) {}

template <typename F>
void HprofDetails::visit(ObjectId id, F&& f) const {
  if (index(id) >= snapshot_.object_count) return;
  const auto record = objects_.find(snapshot_.addresses.address_of(id));
  if (!record) return;
  const unsigned id_size = catalog_->header.id_size;
  std::uint32_t slot = 0;
  if (record->tag == HeapTag::instance_dump) {
    const auto dump = formats::hprof::parse_instance_dump(record->body, id_size);
    const Layout& layout = table_.layouts[index(snapshot_.class_of[id])];
    for (const auto* part : {&layout.references, &layout.primitives}) {
      for (const LayoutField& field : *part) {
        if (field.offset + formats::hprof::size_of(field.type, id_size) > dump.fields.size()) break;
        const std::uint64_t bits = load_bits(&dump.fields[field.offset], field.type, id_size);
        if (!f(snapshot_.names[index(field.name)], field.type == object_type ? slot++ : 0, field.type, bits)) return;
      }
    }
    slot = static_cast<std::uint32_t>(layout.references.size());
  } else if (record->tag == HeapTag::object_array_dump) {
    const auto dump = formats::hprof::parse_object_array(record->body, id_size);
    for (; slot < dump.length; ++slot) {
      const RawId element = formats::hprof::load_id(&dump.elements[std::size_t{slot} * id_size], id_size);
      if (element != 0 && !f(std::string_view{}, slot, object_type, element)) return;
    }
  } else if (record->tag == HeapTag::class_dump) {
    const auto dump = formats::hprof::parse_class_dump(record->body, id_size);
    for (const auto& [name, target] :
         {std::pair{"<super>", dump.super_id}, std::pair{"<loader>", dump.loader_id},
          std::pair{"<signers>", dump.signers_id}, std::pair{"<protection domain>", dump.protection_domain_id}}) {
      if (!f(std::string_view(name), slot++, object_type, target)) return;
    }
    formats::ByteReader statics(dump.statics);
    for (unsigned i = 0; i < dump.static_count && statics.ok(); ++i) {
      const auto field = formats::hprof::read_static(statics, id_size);
      if (!f(catalog_->text(field.name_id), field.type == object_type ? slot++ : 0, field.type, field.bits)) return;
    }
    formats::ByteReader constants(dump.constants);
    for (unsigned i = 0; i < dump.constant_count && constants.ok(); ++i) {
      const auto constant = formats::hprof::read_constant(constants, id_size);
      if (constant.type == object_type && !f("<constant>", slot++, object_type, constant.bits)) return;
    }
  }
  const auto before = [](const ThreadLocalReference& local, ObjectId wanted) { return local.thread < wanted; };
  for (auto at = std::lower_bound(locals_.begin(), locals_.end(), id, before); at != locals_.end() && at->thread == id;
       ++at) {
    if (!f(snapshot_.names[index(at->name)], slot++, object_type, at->local)) return;
  }
}

namespace {

/// Array elements have no name of their own.
std::string element_name(std::string_view name, std::uint32_t slot) {
  return name.empty() ? "[" + std::to_string(slot) + "]" : std::string(name);
}

}  // namespace

std::vector<FieldValue> HprofDetails::fields(ObjectId id, std::size_t limit) const {
  std::vector<FieldValue> values;
  visit(id, [&](std::string_view name, std::uint32_t slot, std::uint8_t type, std::uint64_t bits) {
    if (values.size() >= limit) return false;
    FieldValue value;
    value.name = element_name(name, slot);
    value.slot = slot;
    if (type == object_type) {
      if (bits != 0) value.target = snapshot_.addresses.id_of(bits);
    } else {
      set_value(value, type, bits);
    }
    values.push_back(std::move(value));
    return true;
  });
  return values;
}

std::optional<std::string> HprofDetails::text(ObjectId id, std::size_t limit) const {
  if (index(id) >= snapshot_.object_count) return std::nullopt;
  const auto characters = static_cast<unsigned>(formats::hprof::Type::character);
  const bool is_string = snapshot_.class_of[id] == table_.string;
  if (!is_string && snapshot_.class_of[id] != table_.primitive_array[characters]) return std::nullopt;
  const unsigned id_size = catalog_->header.id_size;
  const auto record = objects_.find(snapshot_.addresses.address_of(id));
  std::string text;
  if (record && record->tag == HeapTag::primitive_array_dump) {  // a char[], as JDK ≤ 7 names its threads
    decode_string({}, formats::hprof::parse_primitive_array(record->body, id_size), limit, text);
    return text;
  }
  if (!is_string || !record || record->tag != HeapTag::instance_dump) return std::nullopt;
  const auto instance = formats::hprof::parse_instance_dump(record->body, id_size);
  const auto shape = string_shape(instance.fields, table_.string_layout, id_size);
  if (shape.value == 0) return std::nullopt;
  const auto array = objects_.find(shape.value);
  if (!array || array->tag != HeapTag::primitive_array_dump) return std::nullopt;
  decode_string(shape, formats::hprof::parse_primitive_array(array->body, id_size), limit, text);
  return text;
}

std::string HprofDetails::reference_name(ObjectId source, ObjectId target) const {
  if (index(target) >= snapshot_.object_count) return {};
  const RawId wanted = snapshot_.addresses.address_of(target);
  std::string found;
  visit(source, [&](std::string_view name, std::uint32_t slot, std::uint8_t type, std::uint64_t bits) {
    if (type != object_type || bits != wanted) return true;
    found = element_name(name, slot);
    return false;
  });
  return found;
}

}  // namespace importers::hprof
