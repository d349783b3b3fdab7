// Types of native blocks: containers laid out by hand as libstdc++ and libc++ lay them out, each also with one thing
// wrong, and a real core whose program says how many of everything there are.
#include "importers/native_types.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <sstream>

#include "formats/demangle.h"
#include "formats/input.h"
#include "importers/native_content.h"
#include "importers/native_vtables.h"
#include "tests/support/core_writer.h"

namespace tests {
namespace {

using importers::native::AddressRanges;
using importers::native::Blocks;
using importers::native::Evidence;
using importers::native::NameSource;
using importers::native::TypedBlocks;
using queries::ObjectId;

using Address = std::uint64_t;

class Symbols final : public NameSource {
 public:
  std::map<Address, std::string> names;
  [[nodiscard]] std::string symbol(Address address) const override {
    const auto found = names.find(address);
    return found == names.end() ? "" : found->second;
  }
};

/// A process with a heap of blocks as glibc would lay them out, a program's data and read-only data, and a stack.
class Process {
 public:
  static constexpr Address heap = 0x10000000, heap_size = 0x40000;
  static constexpr Address data = 0x20000000, constants = 0x30000000, code = 0x31000000, stack = 0x7fff0000;

  Process() {
    core.segment(heap, std::string(heap_size, '\0'));
    core.segment(data, std::string(0x2000, '\0'));
    core.segment(constants, std::string(0x4000, '\0'), "r");
    core.absent(code, 0x1000, "rx");
    core.segment(stack, std::string(0x2000, '\0'));
    core.file(data, data + 0x1000, 0, "/bin/zoo");
    core.file(constants, constants + 0x4000, 0x4000, "/bin/zoo");
    core.file(code, code + 0x1000, 0x8000, "/bin/zoo");
    core.thread({.stack_pointer = stack + 0x1000});
  }

  /// A used block for a request of `size` bytes.
  Address block(std::uint64_t size) {
    const std::uint64_t usable = std::max<std::uint64_t>(24, ((size + 8 + 15) & ~std::uint64_t{15}) - 8);
    const Address address = next_;
    next_ += usable + 8;
    blocks.emplace_back(address, usable);
    return address;
  }
  void words(Address at, const std::vector<std::uint64_t>& values) {
    for (const std::uint64_t value : values) {
      core.word(at, value);
      at += 8;
    }
  }

  TypedBlocks& find(const NameSource* names = nullptr) {
    bytes_ = core.bytes();
    file_ = formats::elf::read_core({reinterpret_cast<const std::byte*>(bytes_.data()), bytes_.size()}, damage_);
    image = std::make_unique<formats::ProcessImage>(file_);
    for (const auto& [address, usable] : blocks) {
      addresses_.add(address);
      usable_.push_back(usable);
    }
    addresses_.freeze();
    view = std::make_unique<Blocks>(addresses_, usable_);
    AddressRanges owned;
    owned.add(heap, heap + heap_size);
    owned.freeze();
    typed = importers::native::find_types(*image, owned, *view, names);
    return typed;
  }
  [[nodiscard]] const importers::native::NativeType& type(Address address) const {
    return typed.types[typed.type_of[index(view->at(address))]];
  }
  [[nodiscard]] std::string name(Address address) const { return type(address).name; }
  [[nodiscard]] std::string family(Address address) const { return type(address).family; }
  [[nodiscard]] std::size_t containers() const {
    std::size_t count = 0;
    for (const std::uint32_t at : typed.type_of) count += typed.types[at].evidence == Evidence::container ? 1 : 0;
    return count;
  }

  CoreWriter core;
  std::vector<std::pair<Address, std::uint64_t>> blocks;
  std::unique_ptr<formats::ProcessImage> image;
  std::unique_ptr<Blocks> view;
  TypedBlocks typed;

 private:
  Address next_ = heap + 16;
  std::string bytes_;
  formats::DamageLog damage_;
  formats::elf::Core file_;
  queries::AddressMap addresses_;
  queries::SizeColumn usable_;
};

// ---- strings ----

struct StringCase {
  std::uint64_t size = 20, capacity = 30, allocated = 31;
  char terminator = '\0';
  bool is_string = true;
};

TEST(NativeTypesTest, AStringBodyIsWhatItsHeaderSaysAndNothingElse) {
  const StringCase cases[] = {
      {},
      {.size = 0},
      {.size = 30},
      {.size = 31, .is_string = false},                        // more than it can hold
      {.terminator = 'x', .is_string = false},                 // no end
      {.capacity = 300, .is_string = false},                   // the block is smaller
      {.capacity = 16, .allocated = 400, .is_string = false},  // the block is for something larger
      {.size = 3, .capacity = 7, .is_string = false},          // would lie in the header itself
  };
  for (const StringCase& one : cases) {
    Process process;
    const Address body = process.block(one.allocated);
    const Address owner = process.block(200);
    process.core.put(body, std::string(std::min<std::uint64_t>(one.size, 31), '\x01') + one.terminator);
    process.words(owner + 8, {body, one.size, one.capacity});
    process.find();
    EXPECT_EQ(process.family(body) == "std::string body", one.is_string)
        << one.size << " " << one.capacity << " " << process.name(body);
    if (one.is_string) {
      EXPECT_EQ(process.name(body), "std::string body of 200-byte block (+0x8)");
    }
    EXPECT_EQ(holds_text(process.type(body)), one.is_string);
  }
}

TEST(NativeTypesTest, ALibcxxStringStoresItsCapacityFirst) {
  Process process;
  const Address body = process.block(48);
  process.core.put(body, std::string(40, 'x'));
  process.words(Process::data + 0x40, {48 | 1, 40, body});
  process.find();
  EXPECT_EQ(process.name(body), "std::string body of static data of zoo");
}

// ---- vectors ----

TEST(NativeTypesTest, AVectorBodyIsChargedToTheHolderOfItsHeader) {
  Process process;
  const Address in_block = process.block(80);
  const Address in_data = process.block(80);
  const Address on_stack = process.block(80);
  const Address leftover = process.block(80);
  const Address owner = process.block(120);
  process.words(owner + 0x18, {in_block, in_block + 40, in_block + 80});
  process.words(Process::data + 0x100, {in_data, in_data + 80, in_data + 80});
  process.words(Process::stack + 0x1100, {on_stack, on_stack + 16, on_stack + 80});
  process.words(Process::stack + 0x100, {leftover, leftover + 16, leftover + 80});  // below the stack pointer
  Symbols symbols;
  symbols.names[Process::data + 0x100] = "acme::sessions";
  process.find(&symbols);
  EXPECT_EQ(process.name(in_block), "std::vector body of 120-byte block (+0x18)");
  EXPECT_EQ(process.name(in_data), "std::vector body of acme::sessions");
  EXPECT_EQ(process.name(on_stack), "std::vector body of a stack");
  EXPECT_EQ(process.name(leftover), "88-byte block");
}

TEST(NativeTypesTest, WhatIsAlmostAVectorIsNone) {
  const auto check = [](std::uint64_t allocated, const std::vector<std::int64_t>& offsets, std::int64_t first = -1) {
    Process process;
    const Address body = process.block(allocated);
    process.core.word(body, 0x1234567);
    std::vector<std::uint64_t> header;
    if (first >= 0) header.push_back(body + static_cast<std::uint64_t>(first));
    for (const std::int64_t offset : offsets) header.push_back(body + static_cast<std::uint64_t>(offset));
    process.words(Process::data + 0x80, header);
    process.find();
    return process.containers();
  };
  EXPECT_EQ(check(80, {0, 40, 80}), 1);
  EXPECT_EQ(check(80, {0, 40, 200}), 0);    // ends behind the block
  EXPECT_EQ(check(80, {0, 80, 40}), 0);     // size above capacity
  EXPECT_EQ(check(80, {8, 40, 80}), 0);     // begins inside
  EXPECT_EQ(check(800, {0, 8, 80}), 0);     // the block was allocated for more
  EXPECT_EQ(check(80, {0, 0, 0}), 0);       // holds nothing
  EXPECT_EQ(check(80, {0, 40, 80}, 0), 0);  // a stream buffer: one pointer more
  EXPECT_EQ(check(80, {0, 40, 80, 0}), 0);
}

TEST(NativeTypesTest, ElementsThatArePointersHaveEightBytes) {
  Process process;
  const Address element = process.block(40);
  const Address body = process.block(80);
  process.core.word(body, element);
  process.words(Process::data + 0x80, {body, body + 36, body + 80});
  process.find();
  EXPECT_EQ(process.containers(), 0);
}

TEST(NativeTypesTest, VectorOfBoolHasFiveWords) {
  Process process;
  const Address body = process.block(128);
  process.words(Process::data + 0x80, {body, 0, body + 120, 40, body + 128});
  process.find();
  EXPECT_EQ(process.family(body), "std::vector body");
}

TEST(NativeTypesTest, DeadPartsAreToldWhereTheyHoldPointers) {
  Process process;
  const Address target = process.block(40);
  const Address dead = process.block(80);
  const Address clean = process.block(80);
  const Address stale = process.block(80);
  process.words(dead, {target, 0, target});
  process.words(clean, {target, target, 0});
  process.words(stale, {target, 0, target});
  process.words(Process::data + 0x80, {dead, dead + 16, dead + 80});
  process.words(Process::data + 0xC0, {clean, clean + 16, clean + 80});
  process.words(Process::stack + 0x1100, {stale, stale + 16, stale + 80});  // who knows whether this lives
  const TypedBlocks& typed = process.find();
  const std::vector<std::pair<ObjectId, std::uint64_t>> expected{{process.view->at(dead), 16}};
  EXPECT_EQ(typed.live_prefix, expected);
}

// ---- lists ----

/// Links the elements of a ring; `swap`: previous first, as libc++ does.
void link(Process& process, const std::vector<Address>& ring, bool swap = false) {
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Address next = ring[(i + 1) % ring.size()];
    process.core.word(ring[i] + (swap ? 8 : 0), next);
    process.core.word(next + (swap ? 0 : 8), ring[i]);
  }
}

TEST(NativeTypesTest, AListIsARingWithACountingHeader) {
  for (const bool is_libcxx : {false, true}) {
    Process process;
    const Address header = Process::data + 0x200;
    std::vector<Address> ring{header};
    for (int i = 0; i < 9; ++i) ring.push_back(process.block(24));
    link(process, ring, is_libcxx);
    process.core.word(header + 16, 9);
    process.find();
    for (std::size_t i = 1; i < ring.size(); ++i) {
      EXPECT_EQ(process.name(ring[i]), "std::list node of static data of zoo");
    }
  }
}

TEST(NativeTypesTest, AListOfOneElement) {
  Process process;
  const Address node = process.block(24);
  link(process, {Process::data + 0x200, node});
  process.core.word(Process::data + 0x210, 1);
  process.find();
  EXPECT_EQ(process.family(node), "std::list node");
}

TEST(NativeTypesTest, AListWhoseHeaderIsABlockOfItsOwn) {
  Process process;
  std::vector<Address> ring;
  for (int i = 0; i < 6; ++i) ring.push_back(process.block(24));
  link(process, ring);
  process.core.word(ring[2] + 16, 5);
  process.find();
  for (std::size_t i = 0; i < ring.size(); ++i) {
    EXPECT_EQ(process.family(ring[i]) == "std::list node", i != 2) << i;
  }
}

TEST(NativeTypesTest, ARingWithoutACountIsALinkedList) {
  Process process;
  std::vector<Address> ring;
  for (int i = 0; i < 6; ++i) ring.push_back(process.block(24));
  link(process, ring);
  process.find();
  for (const Address node : ring) EXPECT_EQ(process.name(node), "node of a doubly linked list");
}

TEST(NativeTypesTest, AListWithABrokenLinkIsNone) {
  for (std::size_t broken = 0; broken < 10; ++broken) {
    for (const Address offset : {0, 8}) {
      Process process;
      const Address header = Process::data + 0x200;
      std::vector<Address> ring{header};
      for (int i = 0; i < 9; ++i) ring.push_back(process.block(24));
      link(process, ring);
      process.core.word(header + 16, 9);
      process.core.word(ring[broken] + offset, process.block(24));
      process.find();
      EXPECT_EQ(process.containers(), 0) << broken << " " << offset;
    }
  }
}

// ---- trees ----

struct Layout {
  Address parent, left, right, root, count, leftmost;
  bool is_libcxx;
};
constexpr Layout libstdcxx{8, 16, 24, 8, 32, 16, false};
constexpr Layout libcxx{16, 0, 8, 0, 8, ~Address{7}, true};  // leftmost is the word before

/// A balanced tree of `nodes` blocks; the header is at `header`.
std::vector<Address> make_tree(Process& process, const Layout& layout, Address header, std::size_t count) {
  std::vector<Address> nodes;
  for (std::size_t i = 0; i < count; ++i) nodes.push_back(process.block(40));
  const auto build = [&](const auto& self, std::size_t low, std::size_t high, Address parent) -> Address {
    if (low == high) return 0;
    const std::size_t middle = (low + high) / 2;
    const Address node = nodes[middle];
    process.core.word(node + (layout.is_libcxx ? 24 : 0), 1);
    process.core.word(node + layout.parent, parent);
    process.core.word(node + layout.left, self(self, low, middle, node));
    process.core.word(node + layout.right, self(self, middle + 1, high, node));
    return node;
  };
  process.core.word(header + layout.root, build(build, 0, count, header));
  process.core.word(header + layout.leftmost, nodes.front());
  if (!layout.is_libcxx) process.core.word(header + 24, nodes.back());
  process.core.word(header + layout.count, count);
  return nodes;
}

TEST(NativeTypesTest, TreesOfBothLibrariesAreKnownAsAWhole) {
  for (const Layout& layout : {libstdcxx, libcxx}) {
    for (const std::size_t count : {1, 2, 3, 20}) {
      Process process;
      const std::vector<Address> nodes = make_tree(process, layout, Process::data + 0x208, count);
      process.find();
      for (const Address node : nodes)
        EXPECT_EQ(process.name(node), "std::map/set node of static data of zoo") << count;
    }
  }
}

TEST(NativeTypesTest, ATreeWithABrokenLinkOrAnotherCountIsNone) {
  for (const Layout& layout : {libstdcxx, libcxx}) {
    for (std::size_t broken = 0; broken < 20; ++broken) {
      Process process;
      const std::vector<Address> nodes = make_tree(process, layout, Process::data + 0x208, 20);
      process.core.word(nodes[broken] + layout.parent, process.block(40));
      process.find();
      EXPECT_EQ(process.containers(), 0) << broken;
    }
    for (const std::uint64_t count : {0, 5, 18, 19, 20, 21, 22, 1000000}) {
      Process process;
      (void)make_tree(process, layout, Process::data + 0x208, 20);
      process.core.word(Process::data + 0x208 + layout.count, count);
      process.find();
      EXPECT_EQ(process.containers(), count >= 19 && count <= 21 ? 20 : 0) << count;  // one may be on its way
    }
  }
}

TEST(NativeTypesTest, TheNodesOfACutTreeThatAreThereStillAreNodes) {
  Process process;
  const std::vector<Address> nodes = make_tree(process, libstdcxx, Process::data + 0x208, 20);
  const Address gone = 0x50000000;  // a block beyond the end of the core
  process.core.absent(gone, 0x1000, "rw");
  process.blocks.emplace_back(gone, 40);
  process.core.word(nodes[0] + libstdcxx.left, gone);
  process.core.word(Process::data + 0x208 + libstdcxx.count, 21);
  process.find();
  EXPECT_EQ(process.containers(), 20);
}

// ---- hash tables ----

struct Table {
  Address buckets = 0;
  std::vector<Address> nodes;
};
Table make_table(Process& process, Address header, std::size_t count) {
  Table table;
  constexpr std::uint64_t bucket_count = 13;
  table.buckets = process.block(bucket_count * 8);
  for (std::size_t i = 0; i < count; ++i) table.nodes.push_back(process.block(24));
  for (std::size_t i = 0; i + 1 < count; ++i) process.core.word(table.nodes[i], table.nodes[i + 1]);
  const float load = 1;
  process.words(header, {table.buckets, bucket_count, count == 0 ? 0 : table.nodes[0], count});
  process.core.value_at(header + 32, load);
  if (count != 0) process.core.word(table.buckets + 5 * 8, header + 16);
  if (count > 2) process.core.word(table.buckets + 8, table.nodes[1]);
  return table;
}

TEST(NativeTypesTest, AHashTableIsItsBucketsAndItsChain) {
  for (const std::size_t count : {0, 1, 5, 12}) {
    Process process;
    const Table table = make_table(process, Process::data + 0x300, count);
    process.find();
    EXPECT_EQ(process.name(table.buckets), "std::unordered_map/set buckets of static data of zoo");
    for (const Address node : table.nodes) EXPECT_EQ(process.family(node), "std::unordered_map/set node");
  }
}

TEST(NativeTypesTest, WhatIsAlmostAHashTableIsNone) {
  const Address header = Process::data + 0x300;
  const auto check = [&](const auto& spoil) {
    Process process;
    const Table table = make_table(process, header, 5);
    spoil(process, table);
    process.find();
    return process.containers();
  };
  EXPECT_EQ(check([](Process&, const Table&) {}), 6);
  EXPECT_EQ(check([&](Process& p, const Table&) { p.core.word(header + 24, 4); }), 0);
  EXPECT_EQ(check([&](Process& p, const Table&) { p.core.word(header + 24, 6); }), 0);
  EXPECT_EQ(check([&](Process& p, const Table&) { p.core.word(header + 8, 40); }), 0);               // too many buckets
  EXPECT_EQ(check([&](Process& p, const Table&) { p.core.value_at(header + 32, -1.0F); }), 0);       // no load factor
  EXPECT_EQ(check([](Process& p, const Table& t) { p.core.word(t.nodes[2], t.nodes[1]); }), 0);      // a loop
  EXPECT_EQ(check([](Process& p, const Table& t) { p.core.word(t.nodes[2], t.nodes[3] + 8); }), 0);  // inside a block
  EXPECT_EQ(check([](Process& p, const Table& t) { p.core.word(t.buckets + 5 * 8, 0); }), 0);
  EXPECT_EQ(check([](Process& p, const Table& t) { p.core.word(t.buckets + 16, 0x1234); }), 0);
}

// ---- deques ----

struct Deque {
  Address map = 0;
  std::vector<Address> blocks;
};
Deque make_deque(Process& process, Address header) {
  Deque deque;
  deque.map = process.block(64);
  for (int i = 0; i < 3; ++i) deque.blocks.push_back(process.block(512));
  for (std::size_t i = 0; i < 3; ++i) process.core.word(deque.map + 16 + i * 8, deque.blocks[i]);
  const auto iterator = [&](Address at, std::size_t block, Address offset) {
    const Address first = deque.blocks[block];
    process.words(at, {first + offset, first, first + 512, deque.map + 16 + block * 8});
  };
  process.words(header, {deque.map, 8});
  iterator(header + 16, 0, 0);
  iterator(header + 48, 2, 104);
  return deque;
}

TEST(NativeTypesTest, ADequeIsItsMapAndBlocks) {
  Process process;
  const Deque deque = make_deque(process, Process::data + 0x400);
  process.find();
  EXPECT_EQ(process.name(deque.map), "std::deque map of static data of zoo");
  for (const Address block : deque.blocks) EXPECT_EQ(process.family(block), "std::deque block");
}

TEST(NativeTypesTest, ADequeIteratorIsNoVectorAndABrokenDequeIsNone) {
  Process process;
  const Deque deque = make_deque(process, Process::data + 0x400);
  process.core.word(Process::data + 0x408, 2);  // the blocks lie behind the map's end
  process.find();
  EXPECT_EQ(process.containers(), 0) << process.name(deque.blocks[0]);

  Process other;
  const Deque missing = make_deque(other, Process::data + 0x400);
  other.core.word(missing.map + 24, missing.blocks[1] + 16);
  other.find();
  EXPECT_EQ(other.containers(), 0);
}

TEST(NativeTypesTest, ALibcxxDequeHasFourPointersIntoItsMap) {
  for (const std::uint64_t size : {4096, 512}) {
    Process process;
    const Address map = process.block(64);
    const Address first = process.block(size);
    const Address second = process.block(size);
    process.words(map + 16, {first, second});
    process.words(Process::data + 0x400, {map, map + 16, map + 32, map + 64, 5, 100});
    process.find();
    EXPECT_EQ(process.containers(), size == 4096 ? 3 : 0);
  }
}

TEST(NativeTypesTest, ALeftoverHeaderOfAStringDoesNotTakeAHashNode) {
  Process process;
  const Address recycled = process.block(64);
  const Table table = make_table(process, Process::data + 0x300, 5);
  process.words(recycled, {table.nodes[2], 17, 20});
  process.find();
  EXPECT_EQ(process.containers(), 6);
}

// ---- vtables ----

/// The type_infos and vtables of the C++ runtime and of one class, as an Itanium compiler emits them.
struct Rtti {
  static constexpr Address single = Process::constants + 0x100;  ///< vtable of __si_class_type_info (address point)
  static constexpr Address single_info = Process::constants + 0x200;
  static constexpr Address plain = Process::constants + 0x300;  ///< of __class_type_info
  static constexpr Address plain_info = Process::constants + 0x400;
  static constexpr Address info = Process::constants + 0x500;
  static constexpr Address table = Process::constants + 0x600;
  static constexpr Address name = Process::constants + 0x700;

  explicit Rtti(Process& process, const std::string& mangled) {
    process.words(single - 16, {0, single_info});
    process.words(single_info, {single, 0, 0});
    process.words(plain - 16, {0, plain_info});
    process.words(plain_info, {single, 0, single_info});
    process.words(info, {plain, name});
    process.words(table - 16, {0, info, Process::code + 0x10, Process::code + 0x20});
    process.core.text(name, mangled);
  }
};

TEST(NativeTypesTest, AVtableNamesItsClass) {
  const std::map<std::string, std::string> names{
      {"N4acme7SessionE", "acme::Session"},
      {"*N4acme7SessionE", "acme::Session"},
      {"St23_Sp_counted_ptr_inplaceIN4acme7SessionESaIvELN9__gnu_cxx12_Lock_policyE2EE",
       "std::make_shared block of acme::Session"},
      {"St15_Sp_counted_ptrIPN4acme7SessionELN9__gnu_cxx12_Lock_policyE2EE",
       "std::shared_ptr control block of acme::Session"},
      {"NSt3__120__shared_ptr_emplaceIN4acme7SessionENS_9allocatorIS2_EEEE", "std::make_shared block of acme::Session"},
      {"N4acme3BoxINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEEE", "acme::Box<std::string>"},
      {"N4acme3BoxISt6vectorIiSaIiEEEE", "acme::Box<std::vector<int> >"},
  };
  for (const auto& [mangled, readable] : names) {
    Process process;
    const Rtti rtti(process, mangled);
    const Address object = process.block(40);
    process.core.word(object, Rtti::table);
    process.find();
    EXPECT_EQ(process.name(object), readable);
    EXPECT_EQ(process.type(object).evidence, Evidence::vtable);
  }
}

TEST(NativeTypesTest, WithoutTextAVtableIsNamedByItsSymbolOrItsPlace) {
  Process process;
  const Rtti rtti(process, "");
  const Address object = process.block(40);
  process.core.word(object, Rtti::table);
  process.core.word(Rtti::info + 8, 0x99999000);  // not in the core
  process.find();
  EXPECT_EQ(process.name(object), "class with vtable at zoo+0x10000600");

  Process other;
  const Rtti same(other, "");
  const Address another = other.block(40);
  other.core.word(another, Rtti::table);
  Symbols symbols;
  symbols.names[Rtti::table] = "vtable for acme::Session";
  other.find(&symbols);
  EXPECT_EQ(other.name(another), "acme::Session");
}

TEST(NativeTypesTest, WithoutTypeInformationTheSlotsOfAVtableAreCode) {
  for (const Address slot : {Process::code + 0x20, Process::data}) {
    Process process;
    const Address table = Process::constants + 0x1010;
    process.words(table - 16, {0, 0, Process::code + 0x10, slot});
    const Address object = process.block(40);
    process.core.word(object, table);
    process.find();
    EXPECT_EQ(process.type(object).evidence == Evidence::vtable, slot != Process::data);
  }
}

TEST(NativeTypesTest, WhatIsAlmostAVtableIsNone) {
  const auto check = [](Address at, std::uint64_t value, Address table = Rtti::table) {
    Process process;
    const Rtti rtti(process, "N4acme7SessionE");
    const Address object = process.block(40);
    process.core.word(object, table);
    process.core.word(at, value);
    process.find();
    return process.type(object).evidence == Evidence::vtable;
  };
  EXPECT_TRUE(check(Process::data, 0));
  EXPECT_FALSE(check(Process::data, 0, Rtti::table + 4));
  EXPECT_FALSE(check(Process::data, 0, Rtti::table + 8));
  EXPECT_FALSE(check(Rtti::table - 16, ~std::uint64_t{7}));  // of a second base: no object begins with it
  EXPECT_FALSE(check(Rtti::info, Rtti::info));
  EXPECT_FALSE(check(Rtti::plain - 8, Rtti::info));
  EXPECT_FALSE(check(Rtti::single_info, Rtti::plain));
}

TEST(NativeTypesTest, ArraysOfObjectsAreNotOneObject) {
  Process process;
  const Rtti rtti(process, "N4acme7SessionE");
  const Address body = process.block(120);
  const Address single = process.block(24);
  const Address array = process.block(8 + 5 * 24);
  const Address no_array = process.block(8 + 5 * 24);
  for (Address at = 0; at < 72; at += 24) process.core.word(body + at, Rtti::table);
  process.core.word(single, Rtti::table);
  process.words(Process::data + 0x80, {body, body + 72, body + 120});
  process.words(Process::data + 0xA0, {single, single + 24, single + 24});
  process.core.word(array, 5);
  process.core.word(no_array, 5);
  for (Address at = 0; at < 5 * 24; at += 24) {
    process.core.word(array + 8 + at, Rtti::table);
    if (at != 48) process.core.word(no_array + 8 + at, Rtti::table);
  }
  process.find();
  EXPECT_EQ(process.family(body), "std::vector body");
  EXPECT_EQ(process.name(single), "acme::Session");
  EXPECT_EQ(process.name(array), "array of acme::Session");
  EXPECT_EQ(process.type(no_array).evidence, Evidence::size_class);
}

TEST(NativeTypesTest, NamesThatDoubleWithEveryLevelStayMangled) {
  std::string mangled = "1A";
  for (int level = 0; level < 40; ++level) {
    mangled = std::to_string(1) + static_cast<char>('B' + level % 20) + "I" + mangled + "S" +
              (level == 0 ? "" : std::string(1, static_cast<char>('0' + level % 10))) + "_E";
  }
  EXPECT_EQ(formats::demangle_type(mangled), mangled);
  EXPECT_EQ(formats::demangle_type(std::string(100000, 'P') + "i"), std::string(100000, 'P') + "i");
  EXPECT_EQ(formats::demangle_type("not a name"), "not a name");
}

// ---- content and the rest ----

TEST(NativeTypesTest, WithoutBetterEvidenceContentAndSizeTell) {
  Process process;
  const Address text = process.block(100);
  const Address unicode = process.block(24);
  const Address short_text = process.block(100);
  const Address zeroes = process.block(300);
  const Address small_zeroes = process.block(100);
  const Address numbers = process.block(100);
  const Address pointers = process.block(300);
  const Address large = process.block(5000);
  process.core.text(text, std::string(97, 'x'));
  process.core.text(unicode, "gr\xC3\xBC\xC3\x9F dich, Welt");
  process.core.put(short_text, std::string("word\0\x01", 6));
  process.words(numbers, {1, 2, 3, 4, 5, 6});
  process.words(pointers, {text, 0, numbers, 0, zeroes, 17, large, text, text, text, unicode});
  process.core.word(large, 5);
  const TypedBlocks& typed = process.find();
  EXPECT_EQ(process.name(text), "text");
  EXPECT_EQ(process.name(unicode), "text");
  EXPECT_EQ(process.name(short_text), "104-byte block");
  EXPECT_EQ(process.name(zeroes), "312-byte block of zeroes");
  EXPECT_EQ(process.name(small_zeroes), "104-byte block");
  EXPECT_EQ(process.name(numbers), "104-byte block");
  EXPECT_EQ(process.name(pointers), "312-byte block of pointers");
  EXPECT_EQ(process.name(large), "block of 4 KiB to 8 KiB");

  const auto shares = type_shares(typed, *process.view);
  EXPECT_EQ(shares[static_cast<std::size_t>(Evidence::content)].blocks, 4);
  EXPECT_EQ(shares[static_cast<std::size_t>(Evidence::size_class)].blocks, 4);
  std::uint64_t bytes = 0;
  for (const auto& share : shares) bytes += share.bytes;
  std::uint64_t all = 0;
  for (const auto& [address, usable] : process.blocks) all += usable;
  EXPECT_EQ(bytes, all);
}

TEST(NativeTypesTest, OwnersThatGetANameLaterGiveItToTheirBuffers) {
  Process process;
  const Address body = process.block(80);
  const Address owner = process.block(120);
  process.words(owner + 0x18, {body, body + 40, body + 80});
  TypedBlocks& typed = process.find();
  typed.type_of[index(process.view->at(owner))] = static_cast<std::uint32_t>(typed.types.size());
  typed.types.push_back({"acme::Session", Evidence::debug_info, "acme::Session"});
  for (int again = 0; again < 2; ++again) {
    charge_to_owners(typed, *process.image, *process.view, nullptr);
    EXPECT_EQ(process.name(body), "std::vector body of acme::Session (+0x18)");
    EXPECT_EQ(typed.types.size(), 2);  // types without blocks are gone
  }
}

TEST(NativeTypesTest, AHeapOfRandomPointersIsReadInBoundedTime) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937_64 random(seed);
    Process process;
    for (int i = 0; i < 2000; ++i) process.block(16 + random() % 100);
    for (const auto& [address, usable] : process.blocks) {
      for (Address at = 0; at + 8 <= usable; at += 8) {
        const auto& target = process.blocks[random() % process.blocks.size()];
        const std::uint64_t values[] = {target.first, target.first + random() % 64, random() % 64, 0, random()};
        process.core.word(address + at, values[random() % 5]);
      }
    }
    const TypedBlocks& typed = process.find();
    ASSERT_EQ(typed.type_of.size(), process.blocks.size());
    for (const std::uint32_t type : typed.type_of) ASSERT_LT(type, typed.types.size());
  }
}

// ---- a real core ----

std::filesystem::path data_folder() {
  const char* named = std::getenv("HEAPQL_DATA");
  return (named != nullptr ? std::filesystem::path(named)
                           : std::filesystem::path(HEAPQL_SOURCE_DIR) / "../shared/data") /
         "core/own";
}

/// leaklab.cpp with n = 3,000, its log of live blocks as truth: every count follows from the loops of that program.
TEST(NativeTypesTest, EveryContainerOfARealProcessIsFound) {
  if (!std::filesystem::exists(data_folder())) GTEST_SKIP() << "no real cores here: set HEAPQL_DATA to their folder";
  formats::DamageLog damage;
  const formats::Input input = formats::Input::open((data_folder() / "glibc.core.gz").string(), damage);
  const formats::Input log = formats::Input::open((data_folder() / "glibc.live.gz").string(), damage);
  const formats::Input program = formats::Input::open((data_folder() / "leaklab.exe").string(), damage);
  const formats::elf::Core core = formats::elf::read_core(input.bytes(), damage);
  formats::ProcessImage image(core);
  for (const formats::elf::FileMapping& file : core.files) {
    if (file.path.find("/leaklab") == std::string::npos || file.file_offset >= program.bytes().size()) continue;
    const std::uint64_t size = std::min(file.end - file.start, program.bytes().size() - file.file_offset);
    (void)image.fill(file.start, program.bytes().subspan(file.file_offset, size));
  }
  std::map<Address, std::uint64_t> live;  // usable by address, as glibc makes chunks of requests
  std::istringstream lines{std::string(formats::as_text(log.bytes()))};
  Address address = 0;
  std::uint64_t size = 0;
  while (lines >> std::hex >> address >> std::dec >> size) {
    const bool is_mapped = (address & 0xFFF) == 0x10 && size >= 131072;
    live[address] = is_mapped ? ((size + 16 + 4095) & ~std::uint64_t{4095}) - 16
                              : std::max<std::uint64_t>(24, ((size + 8 + 15) & ~std::uint64_t{15}) - 8);
  }
  ASSERT_EQ(live.size(), 22284);
  queries::AddressMap addresses;
  queries::SizeColumn usable;
  AddressRanges owned;
  for (const auto& [at, bytes] : live) {
    addresses.add(at);
    usable.push_back(bytes);
    const formats::ProcessImage::Range* range = image.find(at);
    ASSERT_NE(range, nullptr);
    owned.add(std::max(range->start, at - 16), at + bytes);
  }
  addresses.freeze();
  owned.freeze();
  const Blocks blocks(addresses, usable);
  const TypedBlocks typed = importers::native::find_types(image, owned, blocks, nullptr);
  std::map<std::string, std::uint64_t> families;
  std::map<std::string, std::uint64_t> names;
  for (const std::uint32_t type : typed.type_of) {
    ++families[typed.types[type].family];
    ++names[typed.types[type].name];
  }
  const std::map<std::string, std::uint64_t> expected{
      {"std::string body", 2700 + 500 + 1500 + 622 + 748 + 6},  // g_map, g_umap's keys and users, g_list, TLS, leaked
      {"std::vector body", 1462 + 4 + 4 + 5},                   // hits, statics, TLS, on stacks
      {"std::map/set node", 3000 + 1500 + 100},
      {"std::list node", 750},
      {"std::unordered_map/set node", 1500},
      {"std::unordered_map/set buckets", 1},
      {"std::deque map", 1},
      {"std::deque block", 47},
      {"lab::Circle", 1000},
      {"lab::Square", 1000},
      {"lab::Car", 1000},
      {"lab::Leaky", 484 + 64},
      {"std::make_shared block of lab::Cyc", 238},
      {"std::make_shared block of lab::Square", 1500},
      {"text", 750 + 60 + 1 + 8 + 1 + 4},  // malloc'd and filled with one letter
      {"88-byte block", 1500},             // Session
  };
  for (const auto& [family, count] : expected) EXPECT_EQ(families[family], count) << family;
  EXPECT_EQ(names["std::vector body of 88-byte block (+0x28)"], 1462);
  EXPECT_EQ(names["std::string body of 88-byte block (+0x8)"], 1500);
  EXPECT_EQ(names["std::string body of std::map/set node (+0x28)"], 2700);
  EXPECT_EQ(families["node of a doubly linked list"], 0);
}

}  // namespace
}  // namespace tests
