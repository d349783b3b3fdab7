#include "importers/hprof_sizes.h"

#include <algorithm>

namespace importers::hprof {
namespace {

constexpr std::uint64_t no_gap = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint8_t object_type = 2;

std::uint64_t align_up(std::uint64_t size, std::uint64_t to) { return (size + to - 1) / to * to; }

/// Bytes of own and inherited fields as they are in the heap, and MAT's formula, for every class. Supers before
/// subclasses by recursion on an explicit stack; a cycle of supers (damage) is cut.
class Layouts {
 public:
  Layouts(const Catalog& catalog, unsigned reference, unsigned header)
      : catalog_(catalog),
        reference_(reference),
        header_(header),
        done_(catalog.classes.size(), 0),
        payload(catalog.classes.size(), 0),
        formula(catalog.classes.size(), 0),
        super_of(catalog.classes.size(), 0) {
    for (std::uint32_t at = 0; at < catalog.classes.size(); ++at) find(at);
  }

 private:
  const Catalog& catalog_;
  unsigned reference_;
  unsigned header_;
  std::vector<std::uint8_t> done_;

 public:
  std::vector<std::uint64_t> payload;   ///< bytes of all fields, no header, no padding
  std::vector<std::uint64_t> formula;   ///< MAT's size before the final alignment, with `header`
  std::vector<std::uint32_t> super_of;  ///< index of the super, of the class itself where there is none
  std::vector<std::uint32_t> order;     ///< all classes, supers before subclasses

 private:
  void find(std::uint32_t at) {
    std::vector<std::uint32_t> chain;
    while (done_[at] == 0) {
      done_[at] = 1;
      chain.push_back(at);
      const auto super = catalog_.class_by_id.find(catalog_.classes[at].super_id);
      if (catalog_.classes[at].super_id == 0 || super == catalog_.class_by_id.end()) break;
      at = super->second;
    }
    for (auto it = chain.rbegin(); it != chain.rend(); ++it) {
      const ClassEntry& entry = catalog_.classes[*it];
      std::uint64_t own = 0;
      for (const auto& field : entry.fields) {
        own += field.type == object_type ? reference_ : formats::hprof::size_of(field.type, reference_);
      }
      const auto super = entry.super_id == 0 ? catalog_.class_by_id.end() : catalog_.class_by_id.find(entry.super_id);
      const bool has_super = super != catalog_.class_by_id.end() && super->second != *it;
      order.push_back(*it);
      super_of[*it] = has_super ? super->second : *it;
      if (!entry.dumped) own = entry.max_payload;  // layout unknown: the file's bytes stand in
      payload[*it] = own + (has_super ? payload[super->second] : 0);
      formula[*it] =
          has_super ? align_up(own + formula[super->second], reference_) : header_ + align_up(own, reference_);
    }
  }
};

/// Static fields of a class object, with references of `reference` bytes. The writer shows arrays that belong to the
/// class's metadata as statics named "<resolved_references>": they are no part of the mirror (MAT counts them).
std::uint64_t static_bytes(const Catalog& catalog, const ClassEntry& entry, unsigned reference, bool pseudo_statics) {
  const unsigned id_size = catalog.header.id_size;
  if (!entry.dumped) return 0;
  const auto dump = formats::hprof::parse_class_dump(entry.dump, id_size);
  formats::ByteReader statics(dump.statics);
  std::uint64_t sum = 0;
  for (unsigned i = 0; i < dump.static_count && statics.ok(); ++i) {
    const auto field = formats::hprof::read_static(statics, id_size);
    if (!pseudo_statics) {
      const auto name = catalog.strings.find(field.name_id);
      if (name != catalog.strings.end() && formats::as_text(name->second).starts_with('<')) continue;
    }
    sum += field.type == object_type ? reference : formats::hprof::size_of(field.type, reference);
  }
  return sum;
}

bool is_array_name(const std::string& name) { return name.size() > 2 && name.compare(name.size() - 2, 2, "[]") == 0; }

SizeModel mat_sizes(const Catalog& catalog, const std::vector<std::string>& names) {
  const unsigned pointer = catalog.header.id_size;
  SizeModel model;
  model.rule = "mat";
  model.reference = pointer == 8 && catalog.compressed_references ? 4 : pointer;
  model.alignment = std::clamp<std::uint64_t>(catalog.address_gcd == 0 ? 8 : catalog.address_gcd, 8, 256);
  model.header = pointer + model.reference;
  model.array_header = pointer + model.reference + 4;
  model.primitive_header.fill(static_cast<unsigned>(align_up(pointer + model.reference + 4, model.reference)));
  const Layouts layouts(catalog, model.reference, model.header);
  for (std::size_t i = 0; i < catalog.classes.size(); ++i) {
    const bool is_array = is_array_name(names[i]);
    model.instance.push_back(is_array ? 0 : model.align(layouts.formula[i]));
    model.mirror.push_back(model.align(static_bytes(catalog, catalog.classes[i], model.reference, true)));
    if (names[i] == "java.lang.ClassLoader") model.loader_instance = model.instance.back();
  }
  return model;
}

/// Android: the class dump has the real instance size; arrays have a 12-byte header; strings are arrays in disguise.
SizeModel art_sizes(const Catalog& catalog, const std::vector<std::string>& names) {
  SizeModel model;
  model.rule = "art";
  model.reference = catalog.header.id_size;
  model.alignment = 8;
  model.header = 8;
  model.array_header = 12;
  model.primitive_header.fill(12);
  model.primitive_header[static_cast<unsigned>(formats::hprof::Type::int64)] = 16;
  model.primitive_header[static_cast<unsigned>(formats::hprof::Type::float64)] = 16;
  const Layouts layouts(catalog, model.reference, model.header);
  std::uint64_t class_instance = 0;
  for (std::size_t i = 0; i < catalog.classes.size(); ++i) {
    const std::uint64_t dumped = catalog.classes[i].dumped_instance_size;
    const std::uint64_t exact = dumped != 0 ? dumped : layouts.formula[i];
    model.instance.push_back(is_array_name(names[i]) ? 0 : model.align(exact));
    if (names[i] == "java.lang.Class") class_instance = exact;  // statics follow without padding
  }
  for (const ClassEntry& entry : catalog.classes) {
    model.mirror.push_back(model.align(class_instance + static_bytes(catalog, entry, model.reference, false)));
  }
  return model;
}

unsigned infer_header(const Catalog& catalog, const Layouts& layouts, unsigned pointer, std::uint64_t alignment) {
  if (pointer == 4) return 8;
  // A class that is smaller than its fields plus 12 (16) bytes rules such a header out. Two witnesses, for damaged
  // dumps.
  unsigned below_12 = 0;
  unsigned below_16 = 0;
  for (std::size_t i = 0; i < catalog.classes.size(); ++i) {
    const Census& census = catalog.classes[i].census;
    if (!catalog.classes[i].dumped || catalog.classes[i].is_array_class || census.gap_count < 2) continue;
    const std::uint64_t payload = layouts.payload[i];
    if (census.min_gap < payload + 8) continue;  // impossible in any layout
    if (census.min_gap < align_up(payload + 12, alignment)) ++below_12;
    if (census.min_gap < align_up(payload + 16, alignment)) ++below_16;
  }
  return below_12 >= 2 ? 8 : below_16 >= 2 ? 12 : 16;
}

}  // namespace

SizeModel find_sizes(const Catalog& catalog, const std::vector<std::string>& names, SizeRule rule) {
  if (rule == SizeRule::mat) return mat_sizes(catalog, names);
  if (catalog.is_art) return art_sizes(catalog, names);

  const unsigned pointer = catalog.header.id_size;
  SizeModel model;
  model.reference = pointer == 8 && catalog.compressed_references ? 4 : pointer;
  // A power of two, as -XX:ObjectAlignmentInBytes is: the addresses of few objects may share a factor by chance.
  model.alignment = std::clamp<std::uint64_t>(catalog.address_gcd & (0 - catalog.address_gcd), 8, 256);
  const Layouts bare(catalog, model.reference, 0);
  model.header = infer_header(catalog, bare, pointer, model.alignment);
  const Layouts layouts(catalog, model.reference, model.header);

  // Do the gaps make sense at all? Ids of the old hprof agent are not addresses.
  std::uint64_t sensible = 0;
  std::uint64_t impossible = 0;
  for (std::size_t i = 0; i < catalog.classes.size(); ++i) {
    const ClassEntry& entry = catalog.classes[i];
    if (!entry.dumped || entry.is_array_class || entry.census.gap_count == 0) continue;
    ++(entry.census.min_gap < layouts.payload[i] + model.header ? impossible : sensible);
  }
  const bool use_gaps = sensible > 0 && impossible * 20 <= sensible;
  model.rule = use_gaps ? "gaps" : "layout rules";

  // Array headers: mark word and class pointer as in an instance, then the length; elements of 8 bytes are aligned.
  const unsigned base = model.header == 8 && pointer == 8 ? 12 : model.header + 4;
  model.array_header = model.reference == 8 ? static_cast<unsigned>(align_up(base, 8)) : base;
  for (unsigned type = 0; type < 12; ++type) {
    const unsigned element = std::max(1u, formats::hprof::size_of(static_cast<std::uint8_t>(type), 4));
    unsigned guess = static_cast<unsigned>(align_up(base, element));
    // Before JDK 22 all array bases were word-aligned without compressed class pointers (20 → 24).
    const Census& census = catalog.primitive_arrays[type];
    if (use_gaps && census.gap_count >= 16 && census.min_gap >= base && census.min_gap <= 32) {
      guess = static_cast<unsigned>(census.min_gap);
    } else if (pointer == 8 && base == 20) {
      guess = 24;
    }
    model.primitive_header[type] = guess;
  }
  if (use_gaps) {
    std::uint64_t smallest = no_gap;
    for (const ClassEntry& entry : catalog.classes) {
      if (!entry.is_array_class || entry.census.gap_count < 4) continue;
      smallest = std::min(smallest, model.reference == 4 ? entry.census.min_gap : entry.census.min_wide_gap);
    }
    if (smallest >= base && smallest <= 24) model.array_header = static_cast<unsigned>(smallest);
  }

  std::uint64_t class_instance = 0;
  model.instance.resize(catalog.classes.size());
  for (const std::uint32_t i : layouts.order) {
    const ClassEntry& entry = catalog.classes[i];
    const std::uint64_t smallest = model.align(layouts.payload[i] + model.header);
    // Padding (@Contended) and fields that the VM injects are inherited: what the super has beyond its formula.
    const std::uint32_t super = layouts.super_of[i];
    const std::uint64_t super_formula = model.align(layouts.formula[super]);
    const std::uint64_t excess =
        super != i && model.instance[super] > super_formula ? model.instance[super] - super_formula : 0;
    const std::uint64_t formula = model.align(layouts.formula[i]) + excess;
    const Census& census = entry.census;
    std::uint64_t size = formula;
    if (is_array_name(names[i])) {
      size = 0;
    } else if (use_gaps && census.gap_count > 0 && census.min_gap >= smallest) {
      // More than the formula is believed when instances agree, or when it is a few words. Otherwise the gap is a hole
      // behind the only instance.
      const bool believable =
          census.min_gap <= formula + 16 || (census.gap_count >= 4 && census.min_gap <= formula + 512);
      if (believable) {
        size = census.min_gap;
        ++model.inferred_classes;
      } else {
        size = smallest + excess;
      }
    }
    model.instance[i] = size;
    if (names[i] == "java.lang.Class") class_instance = size;
    if (names[i] == "java.lang.ClassLoader") model.loader_instance = size;
  }
  for (const ClassEntry& entry : catalog.classes) {
    model.mirror.push_back(model.align(class_instance + static_bytes(catalog, entry, model.reference, false)));
  }
  return model;
}

}  // namespace importers::hprof
