#include "importers/native_types.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <unordered_map>

#include "importers/native_claims.h"
#include "importers/native_containers.h"
#include "importers/native_content.h"
#include "importers/native_nodes.h"
#include "importers/native_type_table.h"
#include "importers/native_vtables.h"

namespace importers::native {
namespace {

using formats::ProcessImage;
using queries::no_object;
using queries::ObjectId;
using Range = ProcessImage::Range;

constexpr std::uint64_t red_zone = 128;  // below the stack pointer, usable by leaf functions (x86-64 psABI 3.2.2)

/// Ranges where container headers are looked for outside blocks.
enum class Kind : std::uint8_t { none, static_data, stack, other };

/// What each of the image's ranges is. A .bss is anonymous memory right behind a file's data.
class RangeKinds {
 public:
  explicit RangeKinds(const ProcessImage& image) : image_(image) {
    std::int32_t file = -1;
    std::uint64_t end = 0;
    for (const Range& range : image.ranges()) {
      if (range.file >= 0 || range.start != end) file = range.file;
      end = range.end;
      const bool is_read = range.writable && range.present() && !range.filled;
      Entry entry{!is_read ? Kind::none : file >= 0 ? Kind::static_data : Kind::other, file, range.start};
      if (entry.kind == Kind::other) {
        std::uint64_t lowest = ~std::uint64_t{0};
        for (const formats::elf::Thread& thread : image.core().threads) {
          if (thread.stack_pointer >= range.start && thread.stack_pointer < range.end) {
            lowest = std::min(lowest, thread.stack_pointer);
          }
        }
        if (lowest != ~std::uint64_t{0}) {
          entry.kind = Kind::stack;
          entry.from = std::max(range.start, lowest - std::min(lowest, red_zone));
        }
      }
      entries_.push_back(entry);
    }
  }
  struct Entry {
    Kind kind = Kind::none;
    std::int32_t file = -1;
    std::uint64_t from = 0;  ///< of a stack: what is below is dead
  };
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  [[nodiscard]] const Entry* find(std::uint64_t address) const {
    const Range* range = image_.find(address);
    return range == nullptr ? nullptr : &entries_[static_cast<std::size_t>(range - image_.ranges().data())];
  }

 private:
  const ProcessImage& image_;
  std::vector<Entry> entries_;
};

// ---- names ----

/// Sizes up to 1,024 by themselves, larger ones by powers of two: a heap may have thousands of different sizes.
std::string size_class(std::uint64_t usable) {
  if (usable <= 1024) return std::to_string(usable) + "-byte block";
  std::uint64_t low = 1024;
  while (low * 2 < usable) low *= 2;
  const auto words = [](std::uint64_t bytes) {
    if (bytes >= std::uint64_t{1} << 30) return std::to_string(bytes >> 30) + " GiB";
    if (bytes >= 1 << 20) return std::to_string(bytes >> 20) + " MiB";
    return std::to_string(bytes >> 10) + " KiB";
  };
  return "block of " + words(low) + " to " + words(low * 2);
}

/// Drops types without blocks.
void compact(TypedBlocks& typed) {
  constexpr std::uint32_t unused = 0xFFFF'FFFF;
  std::vector<std::uint32_t> renamed(typed.types.size(), unused);
  std::vector<NativeType> types;
  for (std::uint32_t& type : typed.type_of) {
    if (renamed[type] == unused) {
      renamed[type] = static_cast<std::uint32_t>(types.size());
      types.push_back(std::move(typed.types[type]));
    }
    type = renamed[type];
  }
  typed.types = std::move(types);
}

// ---- finding ----

class TypeFinder {
 public:
  TypeFinder(const ProcessImage& image, const AddressRanges& owned, const Blocks& blocks, const NameSource* names,
             TypedBlocks& typed)
      : image_(image),
        owned_(owned),
        blocks_(blocks),
        typed_(typed),
        table_(typed.types),
        memory_(image),
        vtables_(image, names),
        claims_(blocks, typed.places, typed.type_of, typed.header_of),
        kinds_(image) {
    for (std::uint32_t shape = 0; shape < shape_count; ++shape) {  // a shape's number is its type's, for now
      const std::string name(to_text(static_cast<Shape>(shape)));
      table_.add(name.empty() ? "\x01" + std::to_string(shape) : name, Evidence::container, name);
    }
  }

  void run() {
    objects();
    nodes();
    headers(HeaderFinder::Looking::for_tables);
    headers(HeaderFinder::Looking::for_buffers);
    typed_.live_prefix = claims_.settle();
    contents();
  }

 private:
  void objects() {
    struct Recent {
      std::uint64_t vtable = 0;
      std::uint32_t type = 0;
    };
    std::array<Recent, 256> recent{};
    blocks_.for_each([&](ObjectId id, std::uint64_t address) {
      std::uint64_t word = 0;
      if (blocks_.usable(id) < 8 || !memory_.word(address, word) || word == 0 || word >> 47 != 0) return;
      if (word >= 2 && word <= blocks_.usable(id) / 8) return array(id, address, word);
      if (word < 4096 || (word & 7) != 0) return;
      Recent& entry = recent[(word >> 3) % recent.size()];
      if (entry.vtable != word) entry = {word, type_of_vtable(word)};
      if (entry.type != 0) typed_.type_of[index(id)] = entry.type;
    });
  }

  /// new T[count], where T has a destructor to be called: the count comes first (Itanium C++ ABI 2.7), then the
  /// objects.
  void array(ObjectId id, std::uint64_t address, std::uint64_t count) {
    std::uint64_t vtable = 0;
    if (!memory_.word(address + 8, vtable) || vtable < 4096 || vtable >> 47 != 0 || (vtable & 7) != 0) return;
    const std::uint32_t type = type_of_vtable(vtable);
    if (type == 0) return;
    std::uint64_t word = 0;
    std::uint64_t size = 8;  // of an element: up to where the vtable comes again
    const std::uint64_t usable = blocks_.usable(id);
    while (size * count + 8 <= usable && !(memory_.word(address + 8 + size, word) && word == vtable)) size += 8;
    if (!fits_request(size * count + 8, usable) || repeat_of(memory_, address + 8, size * count) != size) return;
    const std::string name = "array of " + typed_.types[type].name;
    typed_.type_of[index(id)] = table_.add(name, Evidence::vtable, name);
  }

  std::uint32_t type_of_vtable(std::uint64_t address) {
    if (image_.find(address) == nullptr || owned_.contains(address)) return 0;
    const std::string& name = vtables_.name_at(address);
    return name.empty() ? 0 : table_.add(name, Evidence::vtable, name);
  }

  void nodes() {
    NodeFinder finder(image_, claims_);
    blocks_.for_each([&](ObjectId id, std::uint64_t address) {
      if (claims_.shape(id) == Shape::none) finder.look_at(id, address);
    });
  }

  /// Blocks first, then data, last what may hold leftovers: the first header of a buffer is believed.
  void headers(HeaderFinder::Looking looking) {
    HeaderFinder finder(image_, claims_);
    blocks_.for_each([&](ObjectId id, std::uint64_t address) {
      if ((address & 7) == 0) finder.scan(present(id, address), address, id, true, looking);
    });
    for (const Kind kind : {Kind::static_data, Kind::stack, Kind::other}) {
      for (std::size_t i = 0; i < kinds_.entries().size(); ++i) {
        if (kinds_.entries()[i].kind != kind) continue;
        const Range& range = image_.ranges()[i];
        owned_.for_each_gap(kinds_.entries()[i].from, range.end, [&](std::uint64_t from, std::uint64_t to) {
          from = (from + 7) & ~std::uint64_t{7};
          if (from >= to) return;
          finder.scan({range.data + (from - range.start), static_cast<std::size_t>(to - from)}, from, no_object,
                      kind == Kind::static_data, looking);
        });
      }
    }
  }

  void contents() {
    blocks_.for_each([&](ObjectId id, std::uint64_t address) {
      if (!claims_.is_open(id)) return;
      const std::uint64_t usable = blocks_.usable(id);
      switch (find_content(present(id, address), blocks_)) {
        case Content::text: set(id, "text", Evidence::content); break;
        case Content::zeroes: set(id, size_class(usable) + " of zeroes", Evidence::content); break;
        case Content::pointers: set(id, size_class(usable) + " of pointers", Evidence::content); break;
        case Content::other: set(id, size_class(usable), Evidence::size_class); break;
      }
    });
  }

  void set(ObjectId id, const std::string& name, Evidence evidence) {
    typed_.type_of[index(id)] = table_.add(name, evidence, name);
  }

  /// The block's bytes up to the first that is absent, or in another range.
  formats::Bytes present(ObjectId id, std::uint64_t address) {
    const std::uint64_t usable = blocks_.usable(id);
    if (const std::byte* bytes = memory_.span(address, usable)) return {bytes, static_cast<std::size_t>(usable)};
    const formats::Bytes bytes = image_.at(address);
    return bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), usable)));
  }

  const ProcessImage& image_;
  const AddressRanges& owned_;
  const Blocks& blocks_;
  TypedBlocks& typed_;
  TypeTable table_;
  Memory memory_;
  VtableNames vtables_;
  Claims claims_;
  RangeKinds kinds_;
};

// ---- owners ----

constexpr std::uint64_t largest_offset = 1024;  // in an owner of unknown type; beyond, it is an array of something
constexpr std::size_t most_charged_types = 20'000;

bool is_buffer(const std::string& family) {
  return family == to_text(Shape::vector_body) || family == to_text(Shape::deque_block) ||
         family == to_text(Shape::deque_map) || family == to_text(Shape::hash_buckets);
}

class Charger {
 public:
  Charger(TypedBlocks& typed, const ProcessImage& image, const Blocks& blocks, const NameSource* names)
      : typed_(typed), image_(image), blocks_(blocks), names_(names), table_(typed.types), kinds_(image) {}

  void run() {
    if (typed_.header_of.empty()) return;
    for (std::uint32_t i = 0; i < typed_.type_of.size(); ++i) {
      const std::uint32_t type = typed_.type_of[i];
      if (typed_.types[type].evidence != Evidence::container) continue;
      typed_.type_of[i] = charge(ObjectId{i}, type);  // as an owner, it still counts as its family
    }
    compact(typed_);
  }

 private:
  std::uint32_t family_of(const NativeType& type, std::size_t at) {
    if (type.evidence != Evidence::container || type.name == type.family) return static_cast<std::uint32_t>(at);
    const std::string family = type.family;
    return table_.add(family, Evidence::container, family);
  }
  /// The type of a container part without its owner; other types are their own.
  std::uint32_t family(std::uint32_t type) {
    while (family_.size() < typed_.types.size())
      family_.push_back(family_of(typed_.types[family_.size()], family_.size()));
    return family_[type];
  }

  std::uint32_t charge(ObjectId id, std::uint32_t type) {
    const std::uint32_t plain = family(type);
    const std::uint32_t place = typed_.header_of[index(id)];
    if (place == 0) return plain;
    const std::uint64_t header = typed_.places.address(place);
    const Blocks::Hit owner = blocks_.find(header);
    if (owner.id == no_object) return in_data(plain, header);
    if (owner.id == id) return plain;
    const std::uint32_t owner_type = family(typed_.type_of[index(owner.id)]);
    const NativeType& what = typed_.types[owner_type];
    std::uint64_t offset = owner.offset;
    if (const BlockLayout* layout = typed_.layouts.find(owner.id)) {
      if (const std::string member = layout->name_at(offset); !member.empty()) {
        if (layout->stride != 0) offset = (offset - layout->begin) % layout->stride + layout->begin;
        return intern({plain, owner_type, offset}, [&] { return " of " + what.name + "." + member; });
      }
    }
    const bool is_array = is_buffer(what.name) || (what.evidence >= Evidence::content && offset >= largest_offset);
    if (is_array || offset > no_offset) offset = no_offset;
    return intern({plain, owner_type, offset},
                  [&] { return " of " + what.name + (offset == no_offset ? "" : " (" + hex(offset) + ")"); });
  }

  std::uint32_t in_data(std::uint32_t plain, std::uint64_t header) {
    const RangeKinds::Entry* range = kinds_.find(header);
    if (range == nullptr) return plain;
    if (range->kind == Kind::stack) return intern({plain, on_stack, 0}, [] { return " of a stack"; });
    if (range->kind != Kind::static_data) return intern({plain, in_memory, 0}, [] { return " of other memory"; });
    // One name per header, kept by its place: programs have few static containers, and many nodes in each.
    return intern({plain, in_static, header}, [&] {
      std::string name = names_ == nullptr ? "" : names_->symbol(header);
      if (name.empty()) {
        const auto& file = image_.core().files[static_cast<std::size_t>(range->file)];
        name = "static data of " + file.path.substr(file.path.rfind('/') + 1);
      }
      return " of " + name;
    });
  }

  struct Key {
    std::uint32_t family;
    std::uint32_t owner;
    std::uint64_t offset;
    bool operator==(const Key& other) const {
      return family == other.family && owner == other.owner && offset == other.offset;
    }
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const {
      std::uint64_t hash = (key.offset ^ (std::uint64_t{key.owner} << 40)) * 0x9E37'79B9'7F4A'7C15;
      hash ^= key.family + (hash >> 29);
      return hash * 0xBF58'476D'1CE4'E5B9;
    }
  };
  template <typename Name>
  std::uint32_t intern(const Key& key, Name&& owner) {
    const auto known = charged_.find(key);
    if (known != charged_.end()) return known->second;
    if (charged_.size() >= most_charged_types) return key.family;
    const std::string family = typed_.types[key.family].name;
    const std::uint32_t type = table_.add(family + owner(), Evidence::container, family);
    charged_.emplace(key, type);
    return type;
  }
  static std::string hex(std::uint64_t offset) {
    char text[24];
    std::snprintf(text, sizeof text, "+0x%llx", static_cast<unsigned long long>(offset));
    return text;
  }

  static constexpr std::uint64_t no_offset = std::uint64_t{1} << 32;
  static constexpr std::uint32_t in_static = 0xFFFF'FFFF;  // no types
  static constexpr std::uint32_t on_stack = 0xFFFF'FFFE;
  static constexpr std::uint32_t in_memory = 0xFFFF'FFFD;

  TypedBlocks& typed_;
  const ProcessImage& image_;
  const Blocks& blocks_;
  const NameSource* names_;
  TypeTable table_;
  RangeKinds kinds_;
  std::vector<std::uint32_t> family_;
  std::unordered_map<Key, std::uint32_t, KeyHash> charged_;
};

}  // namespace

std::string_view to_text(Evidence evidence) {
  static constexpr std::array<std::string_view, 6> texts{"vtable", "container shape", "debug info", "content",
                                                         "size",   "allocation site"};
  return texts[static_cast<std::size_t>(evidence)];
}

bool holds_text(const NativeType& type) {
  return type.name == "text" || (type.evidence == Evidence::container && type.family == to_text(Shape::string_body));
}

TypedBlocks find_types(const ProcessImage& image, const AddressRanges& owned, const Blocks& blocks,
                       const NameSource* names) {
  TypedBlocks typed;
  typed.places = Places(image);
  typed.type_of.assign(blocks.count(), 0);
  typed.header_of.assign(blocks.count(), 0);
  TypeFinder(image, owned, blocks, names, typed).run();
  charge_to_owners(typed, image, blocks, names);
  return typed;
}

void charge_to_owners(TypedBlocks& typed, const ProcessImage& image, const Blocks& blocks, const NameSource* names) {
  Charger(typed, image, blocks, names).run();
}

std::array<TypeShare, 6> type_shares(const TypedBlocks& typed, const Blocks& blocks) {
  std::array<TypeShare, 6> shares{};
  for (std::uint32_t i = 0; i < typed.type_of.size(); ++i) {
    TypeShare& share = shares[static_cast<std::size_t>(typed.types[typed.type_of[i]].evidence)];
    ++share.blocks;
    share.bytes += blocks.usable(ObjectId{i});
  }
  return shares;
}

}  // namespace importers::native
