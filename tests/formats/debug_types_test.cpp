// The types, variables and locals of this test program itself, which is compiled with debugging information: what they
// should be, the compiler says here (sizeof, offsetof, addresses).
#include "formats/debug_types.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>

#include "formats/type_layout.h"
#include "formats/unwind.h"
#include "tests/support/own_debug_session.h"

namespace zoo {

struct Declared;  // and nowhere defined

enum class Color : std::uint16_t { red, green };

struct Base {
  virtual ~Base() = default;
  int weight = 1;
};

template <typename T, int count>
struct Box {
  T items[count];
  Box* next = nullptr;
};

struct Animal : Base {
  struct Tag {
    char letter = 'a';
    double number = 0;
  };
  char first = 'x';  // in the tail padding of Base
  const volatile long* pointer = nullptr;
  Tag tag;
  unsigned low : 3;
  unsigned high : 7;
  Color color = Color::red;
  short grid[2][3] = {};
  Declared* unknown = nullptr;
  void (*call)(int) = nullptr;
  int Animal::*member = nullptr;
  Animal& self = *this;
  union {
    int whole;
    float part;
  };
  std::unique_ptr<Animal> child;
  static int population;
};
int Animal::population = 3;

struct alignas(64) Line {
  char byte = 0;
};

struct Left : virtual Base {
  int left = 0;
};

namespace {
struct Hidden {
  int value = 7;
};
Hidden hidden;
}  // namespace

Animal animal;
Line line;
Box<Animal*, 4> box;
Left left;
thread_local int counter = 5;

__attribute__((noinline)) int* of_a_call() {
  static int calls = 0;
  struct Local {
    int inner = 1;
  };
  static Local local;
  calls += local.inner++;
  return &calls;
}

}  // namespace zoo

namespace tests {
namespace {

using formats::DebugMember;
using formats::DebugType;
using formats::TypeCatalog;
using formats::TypeId;
using formats::TypeKind;

class DebugTypes : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(program.open(own_path()));
    catalog = std::make_unique<TypeCatalog>(*program.session);
    ASSERT_FALSE(catalog->empty());
  }
  const DebugType& named(const std::string& name) {
    const auto id = catalog->find(name);
    EXPECT_TRUE(id) << name;
    return catalog->type(id.value_or(formats::void_type));
  }
  const DebugMember& member(const std::string& type, const std::string& name) {
    static const DebugMember none;
    for (const DebugMember& one : named(type).members) {
      if (one.name == name) return one;
    }
    ADD_FAILURE() << type << " has no " << name;
    return none;
  }
  const DebugType& type_of(const std::string& type, const std::string& name) {
    return catalog->type(member(type, name).type);
  }
  template <typename T>
  std::uint64_t there(T* object) const {
    return address_of(object) - own_bias() + program.bias;
  }
  const formats::DebugVariable* variable(const std::string& name) {
    if (variables.empty()) variables = catalog->variables();
    for (const formats::DebugVariable& one : variables) {
      if (one.name == name) return &one;
    }
    return nullptr;
  }

  ProgramSession program;
  std::unique_ptr<TypeCatalog> catalog;
  std::vector<formats::DebugVariable> variables;
};

TEST_F(DebugTypes, AClassHasItsSizeMembersAndBases) {
  const DebugType& animal = named("zoo::Animal");
  EXPECT_EQ(animal.kind, TypeKind::structure);
  EXPECT_EQ(animal.name, "zoo::Animal");
  EXPECT_EQ(animal.size, sizeof(zoo::Animal));
  EXPECT_TRUE(animal.is_complete);
  EXPECT_FALSE(animal.has_vtable_pointer) << "it is that of its base";
  EXPECT_TRUE(named("zoo::Base").has_vtable_pointer);
  ASSERT_EQ(animal.bases.size(), 1u);
  EXPECT_EQ(catalog->type(animal.bases[0].type).name, "zoo::Base");
  EXPECT_EQ(animal.bases[0].offset, 0u);
  EXPECT_TRUE(catalog->is_base(animal.bases[0].type));
  EXPECT_FALSE(catalog->is_base(*catalog->find("zoo::Animal")));

  const zoo::Animal& one = zoo::animal;
  const auto offset = [&](const void* part) {
    return static_cast<std::uint64_t>(static_cast<const char*>(part) - reinterpret_cast<const char*>(&one));
  };
  EXPECT_EQ(member("zoo::Animal", "first").offset, offset(&one.first));
  EXPECT_EQ(member("zoo::Animal", "tag").offset, offset(&one.tag));
  EXPECT_EQ(member("zoo::Animal", "tag").size, sizeof one.tag);
  EXPECT_EQ(member("zoo::Animal", "grid").offset, offset(&one.grid));
  EXPECT_EQ(member("zoo::Animal", "child").offset, offset(&one.child));
  for (const DebugMember& each : animal.members) EXPECT_NE(each.name, "population") << "static";
  ASSERT_EQ(animal.members.back().name, "child");
  const DebugMember& unnamed = animal.members[animal.members.size() - 2];
  EXPECT_EQ(unnamed.name, "");
  EXPECT_EQ(unnamed.offset, offset(&one.whole));
  EXPECT_EQ(catalog->type(unnamed.type).kind, TypeKind::union_type);
  EXPECT_EQ(catalog->type(unnamed.type).members.size(), 2u);
}

#ifdef __clang__  // what compilers call their own types
constexpr const char *pointer_to_long = "long*", *six_shorts = "short [6]";
#else
constexpr const char *pointer_to_long = "long int*", *six_shorts = "short int [6]";
#endif

TEST_F(DebugTypes, TypesOfMembersAreSeenThroughTypedefsAndQualifiers) {
  EXPECT_EQ(type_of("zoo::Animal", "pointer").name, pointer_to_long);
  EXPECT_EQ(catalog->type(type_of("zoo::Animal", "pointer").target).size, 8u);
  EXPECT_EQ(type_of("zoo::Animal", "tag").name, "zoo::Animal::Tag");
  EXPECT_EQ(type_of("zoo::Animal", "color").name, "zoo::Color");
  EXPECT_EQ(type_of("zoo::Animal", "color").kind, TypeKind::enumeration);
  EXPECT_EQ(type_of("zoo::Animal", "color").size, 2u);
  EXPECT_EQ(type_of("zoo::Animal", "grid").name, six_shorts);
  EXPECT_EQ(type_of("zoo::Animal", "grid").count, 6u);
  EXPECT_EQ(type_of("zoo::Animal", "grid").size, 12u);
  EXPECT_EQ(type_of("zoo::Animal", "call").name, "function*");
  EXPECT_EQ(type_of("zoo::Animal", "member").kind, TypeKind::member_pointer);
  EXPECT_EQ(type_of("zoo::Animal", "self").name, "zoo::Animal&");
  const DebugType& declared = catalog->type(type_of("zoo::Animal", "unknown").target);
  EXPECT_EQ(declared.name, "zoo::Declared");
  EXPECT_FALSE(declared.is_complete);
  EXPECT_TRUE(catalog->type(member("zoo::Animal::Tag", "letter").type).is_character);
}

TEST_F(DebugTypes, BitFieldsAreCountedFromTheLowestBit) {
  const DebugMember& low = member("zoo::Animal", "low");
  const DebugMember& high = member("zoo::Animal", "high");
  EXPECT_EQ(low.bit_size, 3u);
  EXPECT_EQ(high.bit_size, 7u);
  EXPECT_EQ(low.bit_offset, low.offset * 8);
  EXPECT_EQ(high.bit_offset, low.bit_offset + 3);
  EXPECT_EQ(low.size, 4u);
}

TEST_F(DebugTypes, TemplatesAreFoundHoweverTheirNameIsSpaced) {
  const DebugType& box = named("zoo::Box<zoo::Animal*, 4>");
  EXPECT_EQ(box.size, sizeof(zoo::box));
  ASSERT_EQ(box.arguments.size(), 1u);
  EXPECT_EQ(catalog->type(box.arguments[0]).name, "zoo::Animal*");
  EXPECT_EQ(catalog->find("zoo::Box<zoo::Animal*,4ul>"), catalog->find("zoo::Box<zoo::Animal *, 4>"));
  EXPECT_FALSE(catalog->find("zoo::Box<zoo::Animal*, 5>"));
  EXPECT_FALSE(catalog->find("Box<zoo::Animal*, 4>"));
  EXPECT_FALSE(catalog->find(""));
  EXPECT_FALSE(catalog->find("zoo")) << "a namespace is no type";
}

TEST_F(DebugTypes, VirtualBasesAndGivenAlignmentsAreTold) {
  const DebugType& left = named("zoo::Left");
  ASSERT_EQ(left.bases.size(), 1u);
  EXPECT_TRUE(left.bases[0].is_virtual);
  EXPECT_EQ(named("zoo::Line").alignment, 64u);
  EXPECT_EQ(formats::natural_alignment(*catalog, *catalog->find("zoo::Animal")), alignof(zoo::Animal));
}

TEST_F(DebugTypes, VariablesHaveTheirAddressAndType) {
  struct Expected {
    std::string name;
    std::uint64_t address;
    std::string type;
  };
  const Expected all[] = {
      {"zoo::animal", there(&zoo::animal), "zoo::Animal"},
      {"zoo::Animal::population", there(&zoo::Animal::population), "int"},
      {"zoo::(anonymous namespace)::hidden", there(&zoo::hidden), "zoo::(anonymous namespace)::Hidden"},
      {"zoo::of_a_call()::calls", there(zoo::of_a_call()), "int"},
  };
  for (const Expected& one : all) {
    const formats::DebugVariable* found = variable(one.name);
    ASSERT_NE(found, nullptr) << one.name;
    EXPECT_EQ(found->address, one.address) << one.name;
    EXPECT_EQ(catalog->type(found->type).name, one.type);
    EXPECT_FALSE(found->is_thread_local);
    EXPECT_EQ(found->module, &program.modules->all()[0]);
  }
  const formats::DebugVariable* local = variable("zoo::of_a_call()::local");
  ASSERT_NE(local, nullptr);
  EXPECT_EQ(catalog->type(local->type).name, "zoo::of_a_call()::Local");
  const formats::DebugVariable* counter = variable("zoo::counter");
  ASSERT_NE(counter, nullptr);
  EXPECT_TRUE(counter->is_thread_local);
  EXPECT_LT(counter->address, 4096u);
  EXPECT_EQ(zoo::counter, 5);
}

TEST_F(DebugTypes, EveryStructureIsThereOnceAndAddsUp) {
  std::map<std::string, int> names;
  for (const TypeId id : catalog->structures()) {
    const DebugType& type = catalog->type(id);
    EXPECT_EQ(type.module, &program.modules->all()[0]);
    EXPECT_EQ(catalog->find(*type.module, type.entry_offset), id);
    ++names[type.name];
    if (type.kind != TypeKind::structure) continue;
    const formats::TypeLayout layout = formats::layout_of(*catalog, id);
    EXPECT_EQ(layout.size, type.size);
    const std::uint64_t bits = layout.sum_bits + layout.bit_hole_bits + layout.bit_padding;
    const bool has_virtual =
        std::any_of(type.bases.begin(), type.bases.end(), [](const auto& base) { return base.is_virtual; });
    if (has_virtual) continue;
    EXPECT_EQ(layout.sum_members + layout.hole_bytes + layout.padding + (bits + 7) / 8, type.size) << type.name;
  }
  EXPECT_EQ(names["zoo::Animal"], 1);
  EXPECT_EQ(names["zoo::of_a_call()::Local"], 1);
  EXPECT_GT(names.size(), 100u);
}

// ---- locals ----

struct Stopped {
  std::uint64_t program_counter = 0;
  std::uint64_t frame_address = 0;
};
__attribute__((noinline)) Stopped stop(const void* keep) {
  asm volatile("" : : "r"(keep) : "memory");
  return {address_of(static_cast<char*>(__builtin_return_address(0))), 0};
}

#ifdef __clang__
#define UNOPTIMIZED optnone
#else
#define UNOPTIMIZED optimize("O0")
#endif
/// Compiled without optimisation: every local lies in memory, in the frame itself.
__attribute__((noinline, no_sanitize_address, UNOPTIMIZED)) Stopped function_with_locals(int parameter,
                                                                                         zoo::Animal* animal,
                                                                                         std::uint64_t* where) {
  zoo::Box<int, 3> box{{parameter, 2, 3}, nullptr};
  {
    long in_another_block = parameter;
    stop(&in_another_block);
  }
  where[0] = address_of(&parameter);
  where[1] = address_of(&animal);
  where[2] = address_of(&box);
  Stopped stopped = stop(&box);
  stopped.frame_address = address_of(static_cast<char*>(__builtin_frame_address(0)));
  return stopped;
}

TEST_F(DebugTypes, LocalsLieWhereTheFrameHasThem) {
  std::uint64_t where[3] = {};
  const Stopped stopped = function_with_locals(3, &zoo::animal, where);
  formats::Frame frame;
  frame.program_counter = stopped.program_counter - own_bias() + program.bias;
  frame.stack_pointer = stopped.frame_address - 512;
  frame.stack_end = stopped.frame_address + 16;  // the canonical frame address: above return address and saved rbp
  frame.registers = {{6, stopped.frame_address}};
  frame.module = &program.modules->all()[0];
  const auto locals = catalog->locals(*program.image, frame, false);
  std::map<std::string, std::uint64_t> found;
  for (const formats::FrameVariable& one : locals) {
    ASSERT_EQ(one.pieces.size(), 1u) << one.name;
    EXPECT_TRUE(one.pieces[0].in_memory) << one.name;
    EXPECT_EQ(one.pieces[0].size, catalog->type(one.type).size) << one.name;
    found[one.name + ": " + catalog->type(one.type).name] = one.pieces[0].value;
  }
  EXPECT_EQ(found["parameter: int"], where[0]);
  EXPECT_EQ(found["animal: zoo::Animal*"], where[1]);
  EXPECT_EQ(found["box: zoo::Box<int, 3>"], where[2]);
  EXPECT_EQ(found.count("in_another_block: long int"), 0u) << "not in scope any more";

  frame.stack_end = 0;  // no frame address, no locals; nor where there is no function
  frame.registers.clear();
  EXPECT_TRUE(catalog->locals(*program.image, frame, false).empty());
  frame.program_counter = 16;
  EXPECT_TRUE(catalog->locals(*program.image, frame, true).empty());
}

TEST(DebugTypesTest, WithoutDebuggingInformationNothingIsKnown) {
  ProgramSession program;
  if (!program.open("/bin/true")) GTEST_SKIP() << "no /bin/true here";
  TypeCatalog catalog(*program.session);
  if (!catalog.empty()) GTEST_SKIP() << "/bin/true has debugging information here";
  EXPECT_FALSE(catalog.find("zoo::Animal"));
  EXPECT_TRUE(catalog.variables().empty());
  EXPECT_TRUE(catalog.structures().empty());
  EXPECT_EQ(catalog.type(formats::void_type).name, "void");
  EXPECT_EQ(catalog.type(TypeId{12345}).kind, TypeKind::unknown);
}

// ---- damage ----

/// A small library with debugging information, which is damaged here.
class DamagedTypes : public testing::Test {
 protected:
  void SetUp() override {
    const std::filesystem::path seeds = std::filesystem::path(HEAPQL_SOURCE_DIR) / "tests/fuzz/corpus/debug_types";
    std::ifstream in(seeds / "dwarf5", std::ios::binary);
    whole.assign(std::istreambuf_iterator<char>(in), {});
    ASSERT_GT(whole.size(), 1000u);
    path = std::filesystem::temp_directory_path() / ("heapql_damaged_" + std::to_string(getpid()));
  }
  void TearDown() override { std::filesystem::remove(path); }

  /// Reads everything that there is; how many structures.
  std::size_t read(const std::string& bytes) const {
    std::ofstream(path, std::ios::binary) << bytes;
    ProgramSession program;
    try {
      if (!program.open(path.string()) || program.modules->all().empty()) return 0;
    } catch (const formats::InputError&) {
      return 0;
    }
    TypeCatalog catalog(*program.session);
    const std::vector<TypeId> all = catalog.structures();
    for (const TypeId id : all) {
      const formats::TypeLayout layout = formats::layout_of(catalog, id);
      EXPECT_LE(layout.padding, layout.size);
    }
    for (const formats::DebugVariable& one : catalog.variables()) EXPECT_NE(catalog.type(one.type).name, "never");
    return all.size();
  }
  std::string whole;
  std::filesystem::path path;
};

TEST_F(DamagedTypes, EveryFlippedByteIsSurvived) {
  const std::size_t undamaged = read(whole);
  EXPECT_EQ(undamaged, 10u);  // as pahole lists
  std::size_t kept = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(~bytes[at]);
    kept += read(bytes) == undamaged ? 1 : 0;
  }
  EXPECT_GT(kept, whole.size() / 2) << "most bytes are no part of the structure";
}

TEST_F(DamagedTypes, EveryTruncationIsSurvived) {
  for (std::size_t size = 0; size < whole.size(); size += 8) EXPECT_LE(read(whole.substr(0, size)), 10u);
}

}  // namespace
}  // namespace tests
