// Names of this test program's own functions and variables, at the addresses they would have in another process.
#include "formats/symbols.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "formats/demangle.h"
#include "tests/support/own_process.h"

namespace tests {

/// Found by their names in the symbol table of this program.
__attribute__((noinline)) int function_of_the_test(int value) {
  asm volatile("" ::: "memory");
  return value + 1;
}
#ifdef __clang__
[[clang::no_sanitize("address")]]  // which makes the symbol larger, by its red zone
#endif
std::uint64_t table_of_the_test[16] = {1};
thread_local int thread_local_of_the_test = 3;

namespace {

using formats::DebugSession;
using formats::Modules;
using formats::Symbols;

constexpr std::uint64_t bias = 0x5555'0000'0000;

class SymbolsOfAProcess : public testing::Test {
 protected:
  void read(const std::string& path, const std::string& first_page, const formats::ModuleSearch& search = {}) {
    const auto own = formats::ModuleFile::open("", own_path());
    ASSERT_TRUE(own);
    CoreWriter writer;
    add_module(writer, own->headers(), bias, path, first_page);
    bytes = writer.bytes();
    core = formats::elf::read_core({reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}, damage);
    image.emplace(core);
    modules.emplace(*image, search);
    session.emplace(*modules);
    symbols.emplace(*session);
  }
  void read_own() { read(own_path(), own_first_page()); }
  template <typename T>
  static std::uint64_t there(T* object) {
    return address_of(object) - own_bias() + bias;
  }

  std::string bytes;
  formats::DamageLog damage;
  formats::elf::Core core;
  std::optional<formats::ProcessImage> image;
  std::optional<Modules> modules;
  std::optional<DebugSession> session;
  std::optional<Symbols> symbols;
};

TEST_F(SymbolsOfAProcess, FunctionIsNamedWithItsOffsetAndModule) {
  read_own();
  const std::uint64_t at = there(&function_of_the_test);
  const auto symbol = symbols->find(at + 1);
  ASSERT_TRUE(symbol);
  EXPECT_EQ(symbol->name, "tests::function_of_the_test(int)");
  EXPECT_EQ(symbol->address, at);
  EXPECT_GT(symbol->size, 1u);
  EXPECT_TRUE(symbol->is_function);
  const std::string module = " (" + modules->all()[0].name() + ")";
  EXPECT_EQ(symbols->describe(at), "tests::function_of_the_test(int)" + module);
  EXPECT_EQ(symbols->describe(at + 1), "tests::function_of_the_test(int)+0x1" + module);
  EXPECT_EQ(function_of_the_test(1), 2);
}

TEST_F(SymbolsOfAProcess, VariableIsNamedWithItsSizeAndNoByteMore) {
  read_own();
  const std::uint64_t at = there(&table_of_the_test);
  for (const std::uint64_t inside : {at, at + 8, at + sizeof table_of_the_test - 1}) {
    const auto symbol = symbols->find(inside);
    ASSERT_TRUE(symbol);
    EXPECT_EQ(symbol->name, "tests::table_of_the_test");
    EXPECT_EQ(symbol->size, sizeof table_of_the_test);
    EXPECT_FALSE(symbol->is_function);
  }
  const auto behind = symbols->find(at + sizeof table_of_the_test);
  EXPECT_TRUE(!behind || behind->address >= at + sizeof table_of_the_test);
  const std::vector<formats::Symbol> variables = symbols->variables(modules->all()[0]);
  EXPECT_EQ(
      std::count_if(variables.begin(), variables.end(), [&](const formats::Symbol& one) { return one.address == at; }),
      1);
  EXPECT_TRUE(std::none_of(variables.begin(), variables.end(), [](const formats::Symbol& one) {
    return one.is_function || one.name == "tests::thread_local_of_the_test";
  }));
  EXPECT_TRUE(std::is_sorted(variables.begin(), variables.end(),
                             [](const formats::Symbol& a, const formats::Symbol& b) { return a.address < b.address; }));
  EXPECT_EQ(thread_local_of_the_test, 3);
}

TEST_F(SymbolsOfAProcess, WithoutTheFileOnlyTheModuleIsKnown) {
  read("/nowhere/program", own_first_page());
  const std::uint64_t base = modules->all()[0].base;
  EXPECT_FALSE(symbols->find(there(&function_of_the_test)));
  EXPECT_EQ(symbols->describe(base + 0x1234), "program+0x1234");
}

TEST_F(SymbolsOfAProcess, ADebugFileOfTheSameBuildIsEnough) {
  const auto own = formats::ModuleFile::open("", own_path());
  ASSERT_TRUE(own);
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / ("symbols_test." + std::to_string(getpid()));
  const std::filesystem::path place = folder / ".build-id" / own->build_id().substr(0, 2);
  std::filesystem::create_directories(place);
  std::filesystem::copy_file(own_path(), place / (own->build_id().substr(2) + ".debug"));
  formats::ModuleSearch search;
  search.debug_directories = {folder};
  read("/nowhere/program", own_first_page(), search);
  const auto symbol = symbols->find(there(&function_of_the_test));
  std::filesystem::remove_all(folder);
  EXPECT_EQ(modules->all()[0].status, formats::ModuleStatus::missing);
  EXPECT_NE(modules->all()[0].debug_path, "");
  ASSERT_TRUE(symbol);
  EXPECT_EQ(symbol->name, "tests::function_of_the_test(int)");
}

TEST_F(SymbolsOfAProcess, AnAddressInNoModuleHasNoName) {
  read_own();
  EXPECT_EQ(symbols->describe(1), "");
  EXPECT_EQ(symbols->describe(~std::uint64_t{0}), "");
  EXPECT_FALSE(symbols->find(modules->all()[0].end));
}

TEST_F(SymbolsOfAProcess, AnotherBuildsNamesAreNotUsed) {
  std::string page = own_first_page();
  const std::size_t id = page.find(std::string("\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0", 16));
  ASSERT_NE(id, std::string::npos);
  page[id + 16] ^= 1;
  read(own_path(), page);
  EXPECT_EQ(modules->all()[0].status, formats::ModuleStatus::mismatch);
  EXPECT_FALSE(symbols->find(there(&function_of_the_test)));
}

TEST(Demangle, NamesAndTypes) {
  EXPECT_EQ(formats::demangle("_Znwm"), "operator new(unsigned long)");
  EXPECT_EQ(formats::demangle("_ZN4acme7SessionC1Ei"), "acme::Session::Session(int)");
  EXPECT_EQ(formats::demangle("malloc"), "malloc");
  EXPECT_EQ(formats::demangle("i"), "i") << "a C function, not the type int";
  EXPECT_EQ(formats::demangle("_Znonsense"), "_Znonsense");
  EXPECT_EQ(formats::demangle(""), "");
  EXPECT_EQ(formats::demangle_type("N4acme7SessionE"), "acme::Session");
  EXPECT_EQ(formats::demangle_type("i"), "int");
  const std::string longer = "_Z" + std::string(10'000, 'P') + "i";
  EXPECT_EQ(formats::demangle(longer), longer);
}

}  // namespace
}  // namespace tests
