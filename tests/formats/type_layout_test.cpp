// Holes and padding: of structs that are written here, and of every type of real programs, C and C++, against pahole.
#include "formats/type_layout.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <tuple>

#include "tests/support/own_debug_session.h"

namespace layouts {

struct Holes {
  char first = 0;
  double second = 0;
  short third = 0;
};
struct Bits {
  unsigned low : 3;
  unsigned high : 7;
  char byte = 0;
  unsigned long wide : 40;
};
struct Outer {
  Holes inner;
  char last = 0;
};
struct Empty {};
struct Derived : Empty, Holes {
  int own = 0;
};
struct [[gnu::packed]] Packed {
  char first = 0;
  double second = 0;
};
struct Two {
  char lines[65] = {};
};

// Used, or nothing would be known of them.
Holes holes;
Bits bits;
Outer outer;
Derived derived;
Packed packed;
Two two;

}  // namespace layouts

namespace tests {
namespace {

using formats::LayoutSlot;
using formats::TypeCatalog;
using formats::TypeId;
using formats::TypeKind;
using formats::TypeLayout;

class TypeLayouts : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(program.open(own_path()));
    catalog = std::make_unique<TypeCatalog>(*program.session);
  }
  TypeLayout layout(const std::string& name) {
    const auto id = catalog->find("layouts::" + name);
    EXPECT_TRUE(id) << name;
    return formats::layout_of(*catalog, id.value_or(formats::void_type));
  }
  ProgramSession program;
  std::unique_ptr<TypeCatalog> catalog;
};

TEST_F(TypeLayouts, HolesLieBetweenMembersAndPaddingBehind) {
  const TypeLayout holes = layout("Holes");
  EXPECT_EQ(holes.name, "layouts::Holes");
  EXPECT_EQ(holes.size, sizeof(layouts::holes));
  EXPECT_EQ(holes.alignment, alignof(layouts::Holes));
  EXPECT_EQ(holes.holes, 1u);
  EXPECT_EQ(holes.hole_bytes, 7u);
  EXPECT_EQ(holes.padding, 6u);
  EXPECT_EQ(holes.sum_members, 11u);
  EXPECT_EQ(holes.wasted_bytes(), 13u);
  ASSERT_EQ(holes.slots.size(), 3u);
  EXPECT_EQ(holes.slots[0].hole, 7u);
  EXPECT_EQ(holes.slots[1].hole, 0u);
  EXPECT_EQ(holes.cache_lines, 1u);
  EXPECT_EQ(holes.last_line_bytes, 24u);
  EXPECT_EQ(layout("Two").cache_lines, 2u);
  EXPECT_EQ(layout("Two").last_line_bytes, 1u);
}

TEST_F(TypeLayouts, BitsThatAreUnusedAreNoBytes) {
  const TypeLayout bits = layout("Bits");
  EXPECT_EQ(bits.size, sizeof(layouts::bits));
  EXPECT_EQ(bits.sum_bits, 50u);
  EXPECT_EQ(bits.sum_members, 1u);
  EXPECT_EQ(bits.bit_holes, 1u);
  EXPECT_EQ(bits.slots[1].bit_hole, 6u) << "up to the byte that the next member begins at";
}

TEST_F(TypeLayouts, PaddingInsideOfMembersIsTheirs) {
  const TypeLayout outer = layout("Outer");
  EXPECT_EQ(outer.holes, 0u);
  EXPECT_EQ(outer.padding, 7u);
  EXPECT_EQ(outer.inner_paddings, 1u);
  EXPECT_EQ(outer.inner_padding_bytes, 6u);
}

TEST_F(TypeLayouts, AnEmptyBaseTakesNothingAndPackedStructsHaveNoHoles) {
  const TypeLayout derived = layout("Derived");
  EXPECT_EQ(derived.size, sizeof(layouts::derived));
  ASSERT_EQ(derived.slots.size(), 3u);
  EXPECT_EQ(derived.slots[0].name, "layouts::Empty");
  EXPECT_EQ(derived.slots[0].size, 0u);
  EXPECT_TRUE(derived.slots[1].is_base);
  EXPECT_EQ(derived.sum_members + derived.hole_bytes + derived.padding, derived.size);
  const TypeLayout packed = layout("Packed");
  EXPECT_EQ(packed.size, 9u);
  EXPECT_EQ(packed.holes, 0u);
  EXPECT_EQ(packed.alignment, 1u);
}

// ---- pahole ----

/// What pahole prints of one type.
struct Printed {
  std::string name;
  std::uint64_t size = 0;
  std::uint64_t sum_members = 0, holes = 0, hole_bytes = 0;
  std::uint64_t bit_holes = 0, bit_hole_bits = 0, sum_bits = 0;
  std::uint64_t padding = 0, bit_padding = 0;
  bool adds_up = true;  ///< pahole says itself where it does not
};

/// The name without what it lies in.
std::string unqualified(const std::string& name) {
  int depth = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i + 1 < name.size(); ++i) {
    depth += name[i] == '<' || name[i] == '(' ? 1 : name[i] == '>' || name[i] == ')' ? -1 : 0;
    if (depth == 0 && name[i] == ':' && name[i + 1] == ':') last = i + 2;
  }
  return name.substr(last);
}

/// By the place of the type's entry. A name that pahole does not find ends it: that is put into `unknown` then.
std::map<std::uint64_t, Printed> ask_pahole(const std::string& program, const std::set<std::string>& names,
                                            std::string& unknown) {
  std::map<std::uint64_t, Printed> all;
  const std::filesystem::path list =
      std::filesystem::temp_directory_path() / ("heapql_names_" + std::to_string(getpid()));
  {
    std::ofstream out(list);
    for (const std::string& name : names) out << name << '\n';
  }
  const std::string command = "pahole -I -C file://" + list.string() + " '" + program + "' 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return all;
  std::uint64_t entry = 0;
  Printed type;
  bool inside = false;
  char* text = nullptr;
  std::size_t room = 0;
  while (getline(&text, &room, pipe) > 0) {
    const std::string line = text;
    const bool is_nested = line.rfind("\t\t", 0) == 0;  // a type in the type
    constexpr std::string_view before = "pahole: type '";
    const std::size_t message = line.find(before);  // anywhere: the two streams are not in step
    const std::size_t end = line.find("' not found");
    if (message != std::string::npos && end != std::string::npos) {
      unknown = line.substr(message + before.size(), end - message - before.size());
    }
    unsigned long long a = 0, b = 0, c = 0;
    if (!inside && std::sscanf(text, "/* <%llx>", &a) == 1) entry = a;
    if (!inside && (line.rfind("struct ", 0) == 0 || line.rfind("class ", 0) == 0) &&
        line.find('{') != std::string::npos) {
      inside = true;
      type = {};
      type.name = line.substr(0, line.find('{'));
    } else if (inside && line.rfind("}", 0) == 0) {
      inside = false;
      if (entry != 0) all.emplace(entry, type);
      entry = 0;
    } else if (is_nested) {
      continue;
    } else if (std::sscanf(text, "\t/* size: %llu,", &a) == 1) {
      type.size = a;
    } else if (std::sscanf(text, "\t/* sum members: %llu, holes: %llu, sum holes: %llu", &a, &b, &c) == 3) {
      std::tie(type.sum_members, type.holes, type.hole_bytes) = std::tuple(a, b, c);
    } else if (std::sscanf(text, "\t/* sum bitfield members: %llu bits, bit holes: %llu, sum bit holes: %llu", &a, &b,
                           &c) == 3) {
      std::tie(type.sum_bits, type.bit_holes, type.bit_hole_bits) = std::tuple(a, b, c);
    } else if (std::sscanf(text, "\t/* padding: %llu", &a) == 1) {
      type.padding = a;
    } else if (std::sscanf(text, "\t/* bit_padding: %llu", &a) == 1) {
      type.bit_padding = a;
    } else if (line.find("BRAIN FART ALERT") != std::string::npos) {
      type.adds_up = false;
    }
  }
  std::free(text);
  pclose(pipe);
  std::filesystem::remove(list);
  return all;
}

/// Compares every structure that both know; how many.
std::size_t compare(const std::string& path) {
  ProgramSession program;
  EXPECT_TRUE(program.open(path)) << path;
  TypeCatalog catalog(*program.session);
  std::set<std::string> names;
  for (const TypeId id : catalog.structures()) {
    const formats::DebugType& type = catalog.type(id);
    const std::string name = unqualified(type.name);
    if (type.kind != TypeKind::structure || name.find('(') != std::string::npos) continue;  // pahole's own syntax
    names.insert(name);
  }
  std::map<std::uint64_t, Printed> all;
  for (std::string unknown = " "; !unknown.empty() && !names.empty();) {
    unknown.clear();
    all = ask_pahole(path, names, unknown);
    names.erase(unknown);
  }
  std::size_t compared = 0;
  for (const auto& [entry, printed] : all) {
    const auto id = catalog.find(program.modules->all()[0], entry);
    if (!id || catalog.type(*id).kind != TypeKind::structure) continue;
    const TypeLayout layout = formats::layout_of(catalog, *id);
    // pahole takes a reference to a temporary for what it refers to.
    const auto& members = catalog.type(*id).members;
    if (std::any_of(members.begin(), members.end(), [&](const formats::DebugMember& member) {
          const std::string& name = catalog.type(member.type).name;
          return name.size() > 2 && name.compare(name.size() - 2, 2, "&&") == 0;
        })) {
      continue;
    }
    // A base whose tail padding is used again, or that is empty, has a negative hole there: pahole says that its sums
    // do not add up.
    if (!printed.adds_up) continue;
    ++compared;
    EXPECT_EQ(layout.size, printed.size) << layout.name;
    EXPECT_EQ(layout.holes, printed.holes) << layout.name;
    EXPECT_EQ(layout.hole_bytes, printed.hole_bytes) << layout.name;
    EXPECT_EQ(layout.bit_holes, printed.bit_holes) << layout.name;
    EXPECT_EQ(layout.bit_hole_bits, printed.bit_hole_bits) << layout.name;
    EXPECT_EQ(layout.padding, printed.padding) << layout.name;
    EXPECT_EQ(layout.bit_padding, printed.bit_padding) << layout.name;
    if (printed.holes != 0) {
      EXPECT_EQ(layout.sum_members, printed.sum_members) << layout.name;
    }
  }
  return compared;
}

TEST_F(TypeLayouts, TheBestOrderOfTheMembers) {
  const auto best = [&](const std::string& name) { return formats::reorder(*catalog, layout(name)); };
  EXPECT_EQ(best("Holes").size, 16u);
  EXPECT_EQ(best("Holes").order, (std::vector<std::size_t>{1, 2, 0}));
  EXPECT_EQ(best("Packed").size, sizeof(layouts::packed));
  EXPECT_EQ(best("Two").size, 65u);
  EXPECT_EQ(best("Outer").size, sizeof(layouts::outer)) << "what is inside of a member stays";
  EXPECT_LE(best("Bits").size, sizeof(layouts::bits));
}

/// Of every type of this program with few members: no order whatever is smaller, by trying all of them.
TEST_F(TypeLayouts, NoOrderOfTheMembersIsSmallerThanTheBest) {
  constexpr std::size_t most = 6;
  std::size_t tried = 0;
  std::size_t improved = 0;
  for (const TypeId id : catalog->structures()) {
    if (catalog->type(id).kind != TypeKind::structure || !catalog->type(id).is_complete) continue;
    const TypeLayout now = formats::layout_of(*catalog, id);
    const formats::Reordering best = formats::reorder(*catalog, now);
    ASSERT_LE(best.size, now.size) << now.name;
    std::vector<std::size_t> sorted = best.order;
    std::sort(sorted.begin(), sorted.end());
    ASSERT_EQ(sorted.size(), now.slots.size()) << now.name;
    for (std::size_t i = 0; i < sorted.size(); ++i) ASSERT_EQ(sorted[i], i) << now.name;
    std::uint64_t fixed = 0;
    std::vector<const LayoutSlot*> movable;
    bool has_bits = false;
    for (const LayoutSlot& slot : now.slots) {
      has_bits = has_bits || slot.bit_size != 0 || slot.size == 0;
      if (slot.is_base || slot.is_artificial) {
        fixed = std::max(fixed, slot.offset + slot.size);
      } else {
        movable.push_back(&slot);
      }
    }
    if (has_bits || movable.empty() || movable.size() > most) continue;
    const auto alignment = [&](const LayoutSlot& slot) {
      std::uint64_t needed = formats::natural_alignment(*catalog, slot.type);
      while (needed > 1 && slot.offset % needed != 0) needed /= 2;
      return std::max<std::uint64_t>(needed, 1);
    };
    std::sort(movable.begin(), movable.end());
    std::uint64_t least = now.size;
    do {
      std::uint64_t end = fixed;
      for (const LayoutSlot* slot : movable) {
        const std::uint64_t to = alignment(*slot);
        end = (end + to - 1) / to * to + slot->size;
      }
      const std::uint64_t to = std::max<std::uint32_t>(now.alignment, 1);
      least = std::min(least, (end + to - 1) / to * to);
    } while (std::next_permutation(movable.begin(), movable.end()));
    EXPECT_EQ(best.size, least) << now.name;
    ++tried;
    improved += best.size < now.size ? 1 : 0;
  }
  EXPECT_GT(tried, 150u);
  EXPECT_GT(improved, 0u);
}

bool has_pahole() { return std::system("pahole --version >/dev/null 2>&1") == 0; }

TEST(TypeLayoutAgainstPahole, ThisProgram) {
  if (!has_pahole()) GTEST_SKIP() << "no pahole here (package dwarves)";
  constexpr std::uintmax_t readable_in_time = 32 << 20;  // pahole needs minutes for a sanitized build, and gives up
  if (std::filesystem::file_size(own_path()) > readable_in_time) GTEST_SKIP() << "too large for pahole";
  EXPECT_GT(compare(own_path()), 400u);
}

TEST(TypeLayoutAgainstPahole, SamplesInCAndCxx) {
  if (!has_pahole()) GTEST_SKIP() << "no pahole here (package dwarves)";
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("heapql_layouts_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  struct Sample {
    std::string compile, source;
    std::size_t least;
  };
  const Sample samples[] = {
      {"cc -g", "tests/formats/type_layout_zoo.c", 10},
      {"cc -gdwarf-2 -gstrict-dwarf", "tests/formats/type_layout_zoo.c", 10},
      {"c++ -g -std=c++17", "samples/native/unbounded_cache.cpp", 50},
      {"c++ -g -O2 -std=c++17", "samples/native/typed_heap.cpp", 100},
      {"c++ -gdwarf-4 -std=c++17", "samples/native/typed_heap.cpp", 100},
  };
  std::size_t made = 0;
  for (const Sample& sample : samples) {
    const std::string program = (folder / std::to_string(made)).string();
    const std::string command =
        sample.compile + " -o " + program + " " HEAPQL_SOURCE_DIR "/" + sample.source + " 2>/dev/null";
    if (std::system(command.c_str()) != 0) continue;
    ++made;
    EXPECT_GE(compare(program), sample.least) << command;
  }
  std::filesystem::remove_all(folder);
  if (made == 0) GTEST_SKIP() << "no compiler here";
}

/// By hand: HEAPQL_PROGRAMS=/path/one:/path/two.
TEST(TypeLayoutAgainstPahole, ProgramsOfTheEnvironment) {
  const char* paths = std::getenv("HEAPQL_PROGRAMS");
  if (paths == nullptr || !has_pahole()) GTEST_SKIP() << "set HEAPQL_PROGRAMS to programs with debugging information";
  std::string rest = paths;
  while (!rest.empty()) {
    const std::string path = rest.substr(0, rest.find(':'));
    rest.erase(0, path.size() + 1);
    std::printf("%s: %zu types compared\n", path.c_str(), compare(path));
  }
}

}  // namespace
}  // namespace tests
