// HPROF → rows, second half: every object in address order, with its references, values and text.
#include "importers/hprof_importer.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "importers/hprof_catalog.h"
#include "importers/hprof_classes.h"
#include "importers/hprof_details.h"
#include "importers/hprof_layouts.h"
#include "importers/hprof_objects.h"
#include "importers/hprof_sizes.h"
#include "importers/hprof_strings.h"
#include "importers/hprof_threads.h"
#include "importers/hprof_values.h"
#include "importers/take_damage.h"

namespace importers {
namespace {

using formats::Bytes;
using formats::hprof::HeapRecord;
using formats::hprof::HeapTag;
using hprof::Catalog;
using hprof::ClassTable;
using hprof::Layout;
using hprof::object_type;
using hprof::RawId;
using queries::ClassId;
using queries::NameId;
using queries::no_name;
using queries::no_object;
using queries::ObjectId;
using queries::Strength;

constexpr std::uint32_t values_limit = 2'000'000;  // objects up to which `--values=auto` keeps every primitive field

/// The second walk. Methods are called once per object, ids ascending.
class ObjectPass {
 public:
  ObjectPass(ImportJob& job, const Catalog& catalog, const ClassTable& table, const hprof::SizeModel& sizes,
             const std::vector<hprof::ThreadLocalReference>& locals)
      : job_(job),
        snapshot_(job.snapshot),
        catalog_(catalog),
        table_(table),
        sizes_(sizes),
        locals_(locals),
        id_size_(catalog.header.id_size) {
    const bool small = snapshot_.addresses.size() <= values_limit;
    values_ = job.rows != nullptr &&
              (job.options.values == ValueRows::all || (job.options.values == ValueRows::automatic && small));
    contents_ = job.options.content_hashes || (job.rows != nullptr && job.options.strings);
    super_name_ = snapshot_.name_id("<super>");
    loader_name_ = snapshot_.name_id("<loader>");
    signers_name_ = snapshot_.name_id("<signers>");
    domain_name_ = snapshot_.name_id("<protection domain>");
    java_lang_class_ = snapshot_.find_class("java.lang.Class");
  }

  void run(bool system_loader);

 private:
  void object(RawId address, const HeapRecord& record);
  void instance(const HeapRecord& record);
  void object_array(const HeapRecord& record);
  void primitive_array(const HeapRecord& record);
  void class_object(const HeapRecord& record);
  void thread_locals();
  void strings();
  /// The array whose record's tag byte is at `offset`, read before.
  [[nodiscard]] formats::hprof::PrimitiveArrayDump array_at(std::uint64_t offset) const;
  struct ArrayContent {
    std::uint64_t hash = 0;
    std::uint64_t offset = 0;  ///< of the record in the file
  };
  [[nodiscard]] std::uint64_t string_hash(const hprof::StringShape& shape, const ArrayContent& content) const;

  /// `slots`: how many reference slots the record itself takes.
  void begin(ClassId id, std::uint64_t shallow, std::uint32_t slots = 0) {
    snapshot_.class_of.push_back(id);
    snapshot_.shallow.push_back(shallow);
    slots_ = slots;
  }
  /// One reference field or element; null and dangling ones take a slot but make no edge.
  void reference(std::uint32_t slot, RawId raw, NameId name, Strength strength = Strength::strong) {
    if (raw == 0 && !(zero_is_object_ && name == loader_name_)) return;
    const ObjectId target = snapshot_.addresses.id_of(raw);
    if (target == no_object) {
      ++snapshot_.dangling_references;
      return;
    }
    queries::ReferenceColumns& references = snapshot_.references;
    if (strength != Strength::strong) {
      references.strength.append(ObjectId{static_cast<std::uint32_t>(references.target.size())}, strength);
    }
    references.target.push_back(target);
    if (job_.rows != nullptr) job_.rows->reference(id_, slot, target, name, strength);
  }
  void end() {
    if (snapshot_.references.target.size() > std::numeric_limits<std::uint32_t>::max() - 1) {
      throw formats::InputError(snapshot_.path + ": more than 4,294,967,294 references: not supported");
    }
    snapshot_.references.first.push_back(static_cast<std::uint32_t>(snapshot_.references.target.size()));
    id_ = ObjectId{index(id_) + 1};
  }

  ImportJob& job_;
  queries::Snapshot& snapshot_;
  const Catalog& catalog_;
  hprof::FieldNames field_names_{catalog_, snapshot_};
  const ClassTable& table_;
  const hprof::SizeModel& sizes_;
  const std::vector<hprof::ThreadLocalReference>& locals_;
  std::size_t next_local_ = 0;
  unsigned id_size_;
  bool values_ = false;
  bool contents_ = false;
  bool zero_is_object_ = false;
  NameId super_name_, loader_name_, signers_name_, domain_name_;
  ClassId java_lang_class_ = queries::no_class;
  ObjectId id_{0};
  std::uint32_t slots_ = 0;  ///< of the object at hand: a thread's locals come behind them

  // The last class looked up: instances of a class come in groups.
  RawId cached_class_ = 0;
  ClassId cached_id_ = queries::no_class;

  queries::SparseColumn<ArrayContent> arrays_;  ///< primitive arrays: 16 bytes each until the strings are done
  struct PendingString {
    ObjectId string{};
    std::uint64_t fields_offset = 0;
    std::uint32_t fields_size = 0;
  };
  std::vector<PendingString> strings_;

  ClassId class_of(RawId raw) {
    if (raw == cached_class_ && cached_id_ != queries::no_class) return cached_id_;
    cached_class_ = raw;
    // Every class id of an object record has an entry: the first walk made one where the dump has none.
    cached_id_ = table_.id_of_entry[catalog_.class_by_id.at(raw)];
    return cached_id_;
  }
};

void ObjectPass::run(bool system_loader) {
  const std::uint32_t count = snapshot_.addresses.size();
  snapshot_.object_count = count;
  snapshot_.class_of.reserve(count);
  snapshot_.shallow.reserve(count);
  snapshot_.length.reserve(count);
  snapshot_.references.first.reserve(std::size_t{count} + 1);
  snapshot_.references.first.push_back(0);
  // Reserved, not touched: pages that stay empty cost nothing.
  std::uint64_t slots = catalog_.reference_slots + locals_.size();
  for (std::size_t i = 0; i < table_.layouts.size(); ++i) {
    const std::uint32_t entry = table_.entry_of_class[i];
    if (entry == ClassTable::no_entry) continue;
    const hprof::Census& census = catalog_.classes[entry].census;
    slots +=
        std::min<std::uint64_t>(census.count * table_.layouts[i].references.size(), census.payload_bytes / id_size_);
    slots += catalog_.classes[entry].dump.size() / id_size_;
  }
  snapshot_.references.target.reserve(slots);

  zero_is_object_ = system_loader;
  if (system_loader) {  // Eclipse MAT's object at address 0
    const ClassId loader = snapshot_.find_class("java.lang.ClassLoader");
    begin(loader == queries::no_class ? ClassId{0} : loader, sizes_.loader_instance);
    end();
  }
  const hprof::ObjectWalk objects(catalog_);
  std::uint64_t done = 0;
  objects.for_each([&](RawId address, const HeapRecord& record) {
    if (system_loader && address == 0) return;  // a damaged record: that id is taken
    object(address, record);
    if (job_.progress && (++done & 0x3FFFF) == 0) job_.progress("references", done, count);
  });
  if (job_.progress) job_.progress("references", count, count);
  snapshot_.length.freeze(count);
  snapshot_.references.strength.freeze(snapshot_.references.target.size());
  // Who is registered with the finalizer is known by the Finalizers.
  const auto& strengths = snapshot_.references.strength;
  if (!strengths.values().empty()) {
    std::size_t at = 0;
    const auto& words = strengths.present().words();
    for (std::size_t word = 0; word < words.size(); ++word) {
      for (std::uint64_t bits = words[word]; bits != 0; bits &= bits - 1, ++at) {
        if (strengths.values()[at] != Strength::final) continue;
        const std::size_t edge = word * 64 + static_cast<std::size_t>(__builtin_ctzll(bits));
        snapshot_.classes[index(snapshot_.class_of[snapshot_.references.target[edge]])].has_finalizer = true;
      }
    }
  }
  if (contents_) strings();
}

void ObjectPass::object([[maybe_unused]] RawId address, const HeapRecord& record) {
  switch (record.tag) {
    case HeapTag::instance_dump: instance(record); break;
    case HeapTag::object_array_dump: object_array(record); break;
    case HeapTag::class_dump: class_object(record); break;
    default: primitive_array(record); break;
  }
  if (next_local_ < locals_.size() && locals_[next_local_].thread == id_) thread_locals();
  end();
}

void ObjectPass::instance(const HeapRecord& record) {
  const auto dump = formats::hprof::parse_instance_dump(record.body, id_size_);
  const ClassId id = class_of(dump.class_id);
  const Layout& layout = table_.layouts[index(id)];
  const auto references = static_cast<std::uint32_t>(layout.references.size());
  begin(id, snapshot_.classes[index(id)].instance_size, references);
  const std::byte* fields = dump.fields.data();
  const std::size_t size = dump.fields.size();
  for (std::uint32_t slot = 0; slot < references; ++slot) {
    const hprof::LayoutField& field = layout.references[slot];
    if (field.offset + id_size_ > size) break;  // shorter than its class says: damage, or a class that changed
    const RawId raw = formats::hprof::load_id(fields + field.offset, id_size_);
    reference(slot, raw, field.name,
              static_cast<std::int32_t>(slot) == layout.referent ? layout.strength : Strength::strong);
  }
  if (values_) {
    for (const hprof::LayoutField& field : layout.primitives) {
      if (field.offset + formats::hprof::size_of(field.type, id_size_) > size) break;
      queries::PrimitiveValue value;
      value.object = id_;
      value.name = field.name;
      hprof::set_value(value, field.type, hprof::load_bits(fields + field.offset, field.type, id_size_));
      job_.rows->value(value);
    }
  }
  if (contents_ && id == table_.string) {
    strings_.push_back(
        {id_, static_cast<std::uint64_t>(fields - catalog_.file.data()), static_cast<std::uint32_t>(size)});
  }
}

void ObjectPass::object_array(const HeapRecord& record) {
  const auto dump = formats::hprof::parse_object_array(record.body, id_size_);
  begin(class_of(dump.class_id), sizes_.object_array(dump.length), dump.length);
  snapshot_.length.append(id_, dump.length);
  const std::byte* at = dump.elements.data();
  for (std::uint32_t slot = 0; slot < dump.length; ++slot, at += id_size_) {
    reference(slot, formats::hprof::load_id(at, id_size_), no_name);
  }
}

void ObjectPass::primitive_array(const HeapRecord& record) {
  const auto dump = formats::hprof::parse_primitive_array(record.body, id_size_);
  begin(table_.primitive_array[dump.type & 15u], sizes_.primitive_array(dump.type, dump.length));
  snapshot_.length.append(id_, dump.length);
  if (!contents_ || dump.length == 0 || dump.elements.empty()) return;
  arrays_.append(id_, {XXH3_64bits_withSeed(dump.elements.data(), dump.elements.size(), dump.type), record.offset});
}

void ObjectPass::class_object(const HeapRecord& record) {
  const auto dump = formats::hprof::parse_class_dump(record.body, id_size_);
  const std::uint32_t entry = catalog_.class_by_id.at(dump.id);
  begin(java_lang_class_ == queries::no_class ? table_.id_of_entry[entry] : java_lang_class_, sizes_.mirror[entry]);
  std::uint32_t slot = 0;
  reference(slot++, dump.super_id, super_name_);
  reference(slot++, dump.loader_id, loader_name_);
  const bool mat = job_.options.sizes == SizeRule::mat;
  reference(slot++, mat ? 0 : dump.signers_id, signers_name_);
  reference(slot++, mat ? 0 : dump.protection_domain_id, domain_name_);
  formats::ByteReader statics(dump.statics);
  for (unsigned i = 0; i < dump.static_count && statics.ok(); ++i) {
    const auto field = formats::hprof::read_static(statics, id_size_);
    const NameId name = field_names_.find(field.name_id);
    if (field.type == object_type) {
      reference(slot++, field.bits, name);
    } else if (values_) {
      queries::PrimitiveValue value;
      value.object = id_;
      value.name = name;
      hprof::set_value(value, field.type, field.bits);
      job_.rows->value(value);
    }
  }
  slots_ = slot;
  if (mat) return;  // Eclipse MAT leaves the constant pool out
  formats::ByteReader constants(dump.constants);
  for (unsigned i = 0; i < dump.constant_count && constants.ok(); ++i) {
    const auto constant = formats::hprof::read_constant(constants, id_size_);
    if (constant.type == object_type) reference(slot++, constant.bits, snapshot_.name_id("<constant>"));
  }
  slots_ = slot;
}

void ObjectPass::thread_locals() {
  for (; next_local_ < locals_.size() && locals_[next_local_].thread == id_; ++next_local_) {
    reference(slots_++, locals_[next_local_].local, locals_[next_local_].name);
  }
}

formats::hprof::PrimitiveArrayDump ObjectPass::array_at(std::uint64_t offset) const {
  formats::DamageLog no_damage;
  formats::hprof::HeapReader reader(catalog_.file.subspan(static_cast<std::size_t>(offset)), offset, id_size_,
                                    no_damage);
  HeapRecord record;
  if (!reader.next(record)) return {};
  return formats::hprof::parse_primitive_array(record.body, id_size_);
}

/// Of the text, not of the array: before JDK 7 and on old Android strings are windows of arrays that they share.
std::uint64_t ObjectPass::string_hash(const hprof::StringShape& shape, const ArrayContent& content) const {
  if (shape.count < 0) return content.hash ^ (std::uint64_t{shape.coder} << 63);
  constexpr std::size_t longest_window =
      65'536;  // hostile: a million strings that show all but a character of one array
  const auto array = array_at(content.offset);
  const Bytes window = hprof::string_elements(shape, array);
  if (window.size() == array.elements.size()) return content.hash;
  if (window.size() <= longest_window) return XXH3_64bits_withSeed(window.data(), window.size(), array.type);
  const std::uint64_t place[3] = {content.hash, static_cast<std::uint64_t>(shape.offset),
                                  static_cast<std::uint64_t>(shape.count)};
  return XXH3_64bits(place, sizeof place);
}

/// Text of all strings, in id order, and the content hashes that duplicates are found by.
void ObjectPass::strings() {
  const std::uint32_t count = snapshot_.object_count;
  arrays_.freeze(count);
  queries::Bitmap owned(count);
  const bool rows = job_.rows != nullptr && job_.options.strings;
  std::string text;
  std::vector<queries::EqualContent::Entry> contents;
  std::uint64_t done = 0;
  for (const PendingString& string : strings_) {
    if (job_.progress && (++done & 0x3FFFF) == 0) job_.progress("strings", done, strings_.size());
    const auto fields = catalog_.file.subspan(static_cast<std::size_t>(string.fields_offset), string.fields_size);
    const auto shape = hprof::string_shape(fields, table_.string_layout, id_size_);
    const ObjectId array = shape.value == 0 ? no_object : snapshot_.addresses.id_of(shape.value);
    if (array == no_object) continue;
    if (!arrays_.has(array)) {  // "": an array without elements has no content
      if (rows && snapshot_.length.has(array) && snapshot_.length[array] == 0) job_.rows->string(string.string, {}, 0);
      continue;
    }
    const std::uint64_t hash = string_hash(shape, arrays_[array]);
    owned.set(index(array));
    if (job_.options.content_hashes) contents.push_back({string.string, true, hash});
    if (!rows) continue;
    text.clear();
    hprof::decode_string(shape, array_at(arrays_[array].offset), job_.options.string_limit, text);
    job_.rows->string(string.string, text, hash);
  }
  if (!job_.options.content_hashes) return;
  std::size_t at = 0;
  const auto& words = arrays_.present().words();
  for (std::size_t word = 0; word < words.size(); ++word) {
    for (std::uint64_t bits = words[word]; bits != 0; bits &= bits - 1, ++at) {
      const auto id = static_cast<std::uint32_t>(word * 64 + static_cast<std::size_t>(__builtin_ctzll(bits)));
      if (!owned.test(id)) contents.push_back({ObjectId{id}, false, arrays_.values()[at].hash});
    }
  }
  snapshot_.content = queries::EqualContent::of(std::move(contents));
}

/// Rows of the histogram from the first walk alone. O(classes).
void make_histogram(const Catalog& catalog, const ClassTable& table, const hprof::SizeModel& sizes,
                    queries::Snapshot& snapshot) {
  std::vector<queries::HistogramRow> rows(snapshot.classes.size());
  for (std::uint32_t i = 0; i < rows.size(); ++i) rows[i].class_id = ClassId{i};
  const ClassId java_lang_class = snapshot.find_class("java.lang.Class");
  for (std::uint32_t entry = 0; entry < catalog.classes.size(); ++entry) {
    const hprof::ClassEntry& from = catalog.classes[entry];
    const ClassId id = table.id_of_entry[entry];
    queries::HistogramRow& row = rows[index(id)];
    row.object_count += from.census.count;
    if (from.is_array_class) {
      row.shallow_bytes +=
          from.census.array_bytes([&](std::uint64_t length) { return sizes.object_array(length); }, sizes.reference);
    } else {
      row.shallow_bytes += from.census.count * snapshot.classes[index(id)].instance_size;
    }
    if (!from.dumped) continue;
    queries::HistogramRow& mirrors = rows[index(java_lang_class == queries::no_class ? id : java_lang_class)];
    ++mirrors.object_count;
    mirrors.shallow_bytes += sizes.mirror[entry];
  }
  for (unsigned type = 4; type < 12; ++type) {
    queries::HistogramRow& row = rows[index(table.primitive_array[type])];
    const hprof::Census& census = catalog.primitive_arrays[type];
    row.object_count += census.count;
    row.shallow_bytes += census.array_bytes([&](std::uint64_t length) { return sizes.primitive_array(type, length); },
                                            formats::hprof::size_of(static_cast<std::uint8_t>(type), 0));
  }
  std::erase_if(rows, [](const queries::HistogramRow& row) { return row.object_count == 0; });
  snapshot.histogram = std::move(rows);
}

/// Facts about the dump that reports and users want beside the rows.
void make_meta(const Catalog& catalog, const hprof::SizeModel& sizes, const ImportOptions& options,
               queries::Snapshot& snapshot) {
  const auto put = [&](const char* key, std::string value) { snapshot.meta.emplace_back(key, std::move(value)); };
  put("hprof.version", std::string(catalog.header.version));
  put("hprof.id_size", std::to_string(catalog.header.id_size));
  put("hprof.dump_index", std::to_string(options.dump_index));
  put("hprof.dump_count", std::to_string(catalog.dump_count));
  put("sizes.rule", sizes.rule);
  put("sizes.reference_bytes", std::to_string(sizes.reference));
  put("sizes.header_bytes", std::to_string(sizes.header));
  put("sizes.alignment", std::to_string(sizes.alignment));
  put("sizes.classes_from_gaps", std::to_string(sizes.inferred_classes));
}

std::string runtime_name(const Catalog& catalog, const hprof::SizeModel& sizes) {
  if (catalog.is_art) return "Android Runtime (ART)";
  std::string name = catalog.header.id_size == 8 ? "JVM, 64-bit" : "JVM, 32-bit ids";
  if (catalog.header.id_size == 8) {
    name += sizes.reference == 4 ? ", compressed references" : ", full-width references";
    if (sizes.header == 8) name += ", compact object headers";
  }
  return name;
}

}  // namespace

void import_hprof(ImportJob& job) {
  queries::Snapshot& snapshot = job.snapshot;
  const Bytes file = job.input.bytes();
  const auto header = formats::hprof::read_header(file);
  if (!header) {
    throw formats::InputError(job.input.path() +
                              ": offset 0: not a complete HPROF header (cut before the first record?)");
  }

  formats::DamageLog damage;
  hprof::ScanOptions options;
  options.dump_index = job.options.dump_index;
  options.addresses = !job.options.histogram_only;
  options.system_loader = job.options.sizes == SizeRule::mat;
  if (job.progress)
    options.progress = [&](std::uint64_t done, std::uint64_t total) { job.progress("scan", done, total); };
  auto catalog = std::make_unique<Catalog>(hprof::scan(file, *header, damage, options));
  take_damage(damage, snapshot);
  if (catalog->object_records == 0) {
    throw formats::InputError(job.input.path() + ": " +
                              (catalog->has_heap_dump ? "the heap dump in it holds no complete object"
                               : catalog->dump_count > 0
                                   ? "holds " + std::to_string(catalog->dump_count) +
                                         " heap dump(s), none with index " + std::to_string(job.options.dump_index)
                                   : "holds no heap dump record (cut before the heap was written?)"));
  }

  snapshot.path = job.input.path();
  snapshot.format = "hprof";
  snapshot.pointer_size = header->id_size;
  snapshot.taken_at_ms = static_cast<std::int64_t>(header->timestamp_ms);
  const std::vector<std::string> names = hprof::class_names(*catalog);
  const hprof::SizeModel sizes = hprof::find_sizes(*catalog, names, job.options.sizes);
  const ObjectId system_loader = options.system_loader ? catalog->addresses.id_of(0) : no_object;
  ClassTable table = hprof::make_classes(*catalog, names, sizes, system_loader, snapshot);
  snapshot.runtime = runtime_name(*catalog, sizes);
  make_meta(*catalog, sizes, job.options, snapshot);
  if (job.options.histogram_only) {
    make_histogram(*catalog, table, sizes, snapshot);
    return;
  }

  hprof::describe_layouts(*catalog, table, sizes, snapshot);
  snapshot.addresses = std::move(catalog->addresses);
  auto locals = hprof::thread_locals(*catalog, snapshot);
  ObjectPass(job, *catalog, table, sizes, locals).run(options.system_loader);
  hprof::make_roots(*catalog, names, snapshot);
  auto details =
      std::make_unique<hprof::HprofDetails>(std::move(catalog), std::move(table), std::move(locals), snapshot);
  hprof::name_threads(*details, snapshot);
  snapshot.make_texts_valid();  // of stack frames: a damaged dump's have any bytes
  if (job.details != nullptr) *job.details = std::move(details);
}

}  // namespace importers
