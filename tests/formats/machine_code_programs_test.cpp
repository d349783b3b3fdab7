// Code of real compilers against what their linker and their source say: tests/formats/machine_code_program.cpp, built
// by tests/machine_code_programs.cmake.
#ifdef HEAPQL_MACHINE_CODE_PROGRAMS

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "formats/demangle.h"
#include "formats/machine_code.h"
#include "formats/module_file.h"

namespace tests {
namespace {

using namespace formats::machine_code;
using formats::Bytes;
using formats::load_le;
using formats::ModuleFile;

/// The parts of an ELF file that the tests compare with; trusted, unlike those of the reader under test.
class Elf {
 public:
  explicit Elf(Bytes file) : file_(file) {}

  struct Header {
    std::string name;
    std::uint32_t type, link;
    std::uint64_t flags, address, offset, size;
  };
  [[nodiscard]] std::vector<Header> sections() const {
    std::vector<Header> all;
    const auto at = load_le<std::uint64_t>(&file_[40]);
    const std::size_t count = load_le<std::uint16_t>(&file_[60]);
    for (std::size_t i = 0; i < count; ++i) all.push_back(header(at + 64 * i));
    const std::uint64_t names = all[load_le<std::uint16_t>(&file_[62])].offset;
    for (std::size_t i = 0; i < count; ++i) {
      all[i].name = text(names + load_le<std::uint32_t>(&file_[static_cast<std::size_t>(at) + 64 * i]));
    }
    return all;
  }
  struct Symbol {
    std::string name;
    std::uint64_t address, size;
    bool is_function;
  };
  [[nodiscard]] std::vector<Symbol> symbols() const {
    std::vector<Symbol> all;
    const auto headers = sections();
    for (const Header& table : headers) {
      if (table.type != 2) continue;
      for (std::uint64_t at = table.offset; at < table.offset + table.size; at += 24) {
        const std::byte* entry = &file_[static_cast<std::size_t>(at)];
        all.push_back({text(headers[table.link].offset + load_le<std::uint32_t>(entry)),
                       load_le<std::uint64_t>(entry + 8), load_le<std::uint64_t>(entry + 16),
                       (formats::load_u8(entry + 4) & 15) == 2});
      }
    }
    return all;
  }
  struct Relocation {
    std::uint64_t place;
    std::uint32_t type;
    std::uint64_t symbol;  ///< its address
    std::int64_t addend;
  };
  /// Those that --emit-relocs kept, of .text.
  [[nodiscard]] std::vector<Relocation> text_relocations() const {
    std::vector<Relocation> all;
    const auto headers = sections();
    for (const Header& table : headers) {
      if (table.name != ".rela.text") continue;
      for (std::uint64_t at = table.offset; at < table.offset + table.size; at += 24) {
        const std::byte* entry = &file_[static_cast<std::size_t>(at)];
        const std::uint64_t symbol =
            headers[table.link].offset + 24 * std::uint64_t{load_le<std::uint32_t>(entry + 12)};
        all.push_back({load_le<std::uint64_t>(entry), load_le<std::uint32_t>(entry + 8),
                       load_le<std::uint64_t>(&file_[static_cast<std::size_t>(symbol + 8)]),
                       load_le<std::int64_t>(entry + 16)});
      }
    }
    return all;
  }
  [[nodiscard]] const Header* section_of(std::uint64_t address) {
    if (headers_.empty()) headers_ = sections();
    for (const Header& one : headers_) {
      if ((one.flags & 2) != 0 && address - one.address < one.size) return &one;
    }
    return nullptr;
  }
  [[nodiscard]] std::uint8_t byte_at(std::uint64_t address) {
    const Header* section = section_of(address);
    return section == nullptr
               ? std::uint8_t{0}
               : formats::load_u8(&file_[static_cast<std::size_t>(section->offset + (address - section->address))]);
  }

 private:
  [[nodiscard]] Header header(std::uint64_t at) const {
    const std::byte* from = &file_[static_cast<std::size_t>(at)];
    return {{},
            load_le<std::uint32_t>(from + 4),
            load_le<std::uint32_t>(from + 40),
            load_le<std::uint64_t>(from + 8),
            load_le<std::uint64_t>(from + 16),
            load_le<std::uint64_t>(from + 24),
            load_le<std::uint64_t>(from + 32)};
  }
  [[nodiscard]] std::string text(std::uint64_t at) const {
    return reinterpret_cast<const char*>(&file_[static_cast<std::size_t>(at)]);
  }
  Bytes file_;
  std::vector<Header> headers_;
};

std::optional<ModuleFile> open_program(const std::string& compiler, const std::string& build) {
  return ModuleFile::open("", std::string(HEAPQL_MACHINE_CODE_PROGRAMS) + "/" + compiler + "_" + build);
}
const auto compilers = testing::Values("g++", "clang++");
const auto name_of_build = [](const auto& tested) {
  return (std::get<0>(tested.param) == std::string("g++") ? "gcc_" : "clang_") + std::string(std::get<1>(tested.param));
};

class MachineCodeOfCompilers : public testing::TestWithParam<std::tuple<const char*, const char*>> {
 protected:
  void SetUp() override {
    file = open_program(std::get<0>(GetParam()), std::get<1>(GetParam()));
    if (!file) GTEST_SKIP() << "no " << std::get<0>(GetParam()) << " here";
    code = std::make_unique<CodeFile>(file->bytes());
    found = analyse_code(*code);
  }
  [[nodiscard]] std::string name_of(std::uint32_t function) const {
    return formats::demangle(code->name_of(found.functions[function].start));
  }
  [[nodiscard]] std::uint64_t address_of(const std::string& name) const {
    for (const auto& symbol : Elf(file->bytes()).symbols()) {
      if (formats::demangle(symbol.name) == name) return symbol.address;
    }
    ADD_FAILURE() << "no symbol " << name;
    return 0;
  }
  /// "accept write" … of the uses of a variable.
  [[nodiscard]] std::set<std::string> uses_of(const std::string& name, std::uint64_t size) const {
    const std::uint64_t address = address_of(name);
    std::set<std::string> uses;
    for (const CodeReference& one : found.references) {
      if (one.via == CodeReference::Via::contents || one.target - address >= size) continue;
      const std::string function = name_of(one.function);
      uses.insert(function.substr(0, function.find('(')) + " " + std::string(to_text(one.access)));
    }
    return uses;
  }

  std::optional<ModuleFile> file;
  std::unique_ptr<CodeFile> code;
  CodeAnalysis found;
};

class MachineCodeWithRelocations : public MachineCodeOfCompilers {};

/// Relocation types whose place is an instruction's displacement or immediate.
enum : std::uint32_t {
  absolute64 = 1,
  pc32 = 2,
  plt32 = 4,
  got_relative = 9,
  absolute32 = 10,
  absolute32_signed = 11,
  gotx = 41,
  rex_gotx = 42
};

TEST_P(MachineCodeWithRelocations, ReferencesAreThoseOfTheLinker) {
  Elf elf(file->bytes());
  std::map<std::uint64_t, const CodeReference*> by_place;
  for (const CodeReference& one : found.references) {
    if (one.via == CodeReference::Via::operand) by_place[one.instruction + one.operand_at] = &one;
  }
  std::set<std::uint64_t> places;
  std::size_t compared = 0;
  for (const auto& relocation : elf.text_relocations()) {
    const auto* target = elf.section_of(relocation.symbol + static_cast<std::uint64_t>(relocation.addend));
    const bool is_absolute =
        relocation.type == absolute32 || relocation.type == absolute32_signed || relocation.type == absolute64;
    const bool is_relative = relocation.type == pc32 || relocation.type == plt32 || relocation.type == got_relative ||
                             relocation.type == gotx || relocation.type == rex_gotx;
    if (!is_absolute && !is_relative) continue;
    places.insert(relocation.place);
    // A ModRM byte that says RIP-relative lies in front; of calls and jumps an opcode does.
    if (is_relative && (elf.byte_at(relocation.place - 1) & 0xc7) != 0x05) {
      // …or an immediate, where the linker has turned a load from the global offset table into one.
      if (relocation.type != rex_gotx) continue;
    }
    // Addresses of functions as numbers are no references to data.
    if (is_absolute && (target == nullptr || (target->flags & 4) != 0)) continue;
    const auto at = by_place.find(relocation.place);
    if (at == by_place.end()) {
      ADD_FAILURE() << std::hex << "nothing at " << relocation.place << ", type " << std::dec << relocation.type;
      continue;
    }
    const CodeReference& one = *at->second;
    ++compared;
    if (is_absolute) {
      EXPECT_EQ(one.target, relocation.symbol + static_cast<std::uint64_t>(relocation.addend));
    } else if (relocation.type == pc32 || relocation.type == plt32) {
      // Addends count from the place: to the instruction's end are 4 bytes, and those of an immediate.
      const std::uint64_t bare = relocation.symbol + static_cast<std::uint64_t>(relocation.addend) + 4;
      EXPECT_LE(one.target - bare, 4u) << std::hex << relocation.place;
    } else if (const auto* section = elf.section_of(one.target); one.target != relocation.symbol) {
      ASSERT_NE(section, nullptr);
      EXPECT_EQ(section->name.substr(0, 4), ".got");
    }
  }
  EXPECT_GE(compared, 30u);
  for (const auto& section : elf.sections()) {
    if (section.name != ".text") continue;
    for (const auto& [place, one] : by_place) {
      if (place - section.address >= section.size) continue;
      EXPECT_EQ(places.count(place), 1u) << std::hex << place;
    }
  }
  EXPECT_EQ(found.undecodable_bytes, 0u);
}

TEST_P(MachineCodeWithRelocations, GlobalsAreReadAndWrittenByWhomTheSourceSays) {
  const auto hidden = uses_of("shop::hidden", 8);
  EXPECT_EQ(hidden.count("shop::report read"), 1u);
  EXPECT_EQ(hidden.count("shop::accept read and write") + hidden.count("shop::accept write"), 1u);
  EXPECT_EQ(hidden.count("shop::report write"), 0u);
  const auto counters = uses_of("shop::counters", 64);
  EXPECT_EQ(counters.count("shop::accept write") + counters.count("shop::accept read and write"), 1u);
  EXPECT_EQ(counters.count("shop::counter address taken"), 1u);
  const auto log = uses_of("shop::log_file", 8);
  EXPECT_EQ(log.count("shop::report read"), 1u);
  EXPECT_EQ(log.size(), 1u);
}

TEST_P(MachineCodeWithRelocations, AllocationSitesHaveTheSizeAndVtableOfTheirClass) {
  std::map<std::string, std::uint64_t> sizes;
  const auto symbols = Elf(file->bytes()).symbols();
  for (const AllocationSite& site : found.sites) {
    if (site.vtable_count == 0) continue;
    const StoredAddress& last = found.vtables[site.first_vtable + site.vtable_count - 1u];
    for (const auto& symbol : symbols) {
      if (symbol.name.rfind("_ZTV", 0) == 0 && last.address - symbol.address < symbol.size) {
        sizes[formats::demangle(symbol.name)] = site.size;
        EXPECT_EQ(last.address, symbol.address + 16);
        EXPECT_EQ(name_of(site.function), "shop::accept(int)");
      }
    }
  }
  const std::map<std::string, std::uint64_t> expected{
      {"vtable for shop::Shape", 16}, {"vtable for shop::Square", 48}, {"vtable for shop::Poster", 72}};
  EXPECT_EQ(sizes, expected);
}

TEST_P(MachineCodeWithRelocations, FieldsOfMethodsAreThoseOfTheClass) {
  std::set<std::string> uses;
  for (const FieldAccess& field : found.fields) {
    const std::string name = name_of(field.function);
    if (name.rfind("shop::Account::", 0) != 0 || name.rfind("shop::Account::Account", 0) == 0) continue;
    EXPECT_GE(field.offset, 0);
    EXPECT_LE(field.offset + field.size, 56);
    uses.insert(name.substr(15, name.find('(') - 15) + " +" + std::to_string(field.offset) + " " +
                std::to_string(field.size) + " " + std::string(to_text(field.access)));
  }
  for (const char* expected : {"remember +24 8 write", "remember +48 8 read", "remember +48 8 write",
                               "remember +12 2 write", "total +48 8 read", "total +0 8 read"}) {
    EXPECT_EQ(uses.count(expected), 1u) << expected;
  }
}

INSTANTIATE_TEST_SUITE_P(Builds, MachineCodeWithRelocations,
                         testing::Combine(compilers, testing::Values("O0_pie", "O2_pie", "O0_fixed", "O2_fixed")),
                         name_of_build);

class OptimisedMachineCode : public MachineCodeOfCompilers {};

TEST_P(OptimisedMachineCode, AtomicsAreLockedAndLoopsHaveTheStrideOfTheirStruct) {
  EXPECT_TRUE(std::any_of(found.fields.begin(), found.fields.end(), [&](const FieldAccess& field) {
    return field.is_locked && field.offset == 8 && field.size == 4 && field.access == Access::read_write;
  }));
  EXPECT_TRUE(std::any_of(found.loops.begin(), found.loops.end(), [](const StrideLoop& loop) {
    return loop.stride == 96 && loop.touched == 8 && !loop.writes && !loop.is_vectorised && loop.depth == 1;
  }));
}

INSTANTIATE_TEST_SUITE_P(Builds, OptimisedMachineCode,
                         testing::Combine(compilers, testing::Values("O2_pie", "O2_fixed", "O2_stripped")),
                         name_of_build);

class StrippedMachineCode : public testing::TestWithParam<const char*> {};

TEST_P(StrippedMachineCode, HasTheSitesOfItsTwin) {
  if (!open_program(GetParam(), "O2_pie")) GTEST_SKIP() << "no " << GetParam() << " here";
  const auto sizes = [](const char* build) {
    const auto file = open_program(GetParam(), build);
    std::multiset<std::pair<std::uint64_t, unsigned>> sites;
    if (!file) return sites;
    for (const AllocationSite& site : analyse_code(CodeFile(file->bytes())).sites) {
      sites.emplace(site.size, site.vtable_count);
    }
    return sites;
  };
  EXPECT_EQ(sizes("O2_stripped"), sizes("O2_pie"));
  EXPECT_GE(sizes("O2_stripped").size(), 5u);
}

INSTANTIATE_TEST_SUITE_P(Builds, StrippedMachineCode, compilers,
                         [](const auto& tested) { return tested.param == std::string("g++") ? "gcc" : "clang"; });

}  // namespace
}  // namespace tests

#endif
