// References, allocation sites, fields and loops of code that a writer assembled.
#include "formats/machine_code.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <memory>

#include "formats/machine_code_cache.h"
#include "formats/machine_code_decoder.h"
#include "tests/support/machine_code_writer.h"

namespace tests {
namespace {

using formats::Bytes;
using formats::machine_code::Access;
using formats::machine_code::AllocationSite;
using formats::machine_code::CodeAnalysis;
using formats::machine_code::CodeFile;
using formats::machine_code::CodeReference;
using formats::machine_code::Decoder;
using formats::machine_code::FieldAccess;
using formats::machine_code::from_bytes;
using formats::machine_code::StoredAddress;
using formats::machine_code::to_bytes;
using M = MachineCode;

Bytes bytes_of(const std::string& text) { return {reinterpret_cast<const std::byte*>(text.data()), text.size()}; }

CodeAnalysis analyse(const std::string& file) { return analyse_code(CodeFile(bytes_of(file))); }

std::vector<StoredAddress> vtables_of(const CodeAnalysis& code, const AllocationSite& site) {
  const auto first = code.vtables.begin() + site.first_vtable;
  return {first, first + site.vtable_count};
}

constexpr std::uint64_t counter = M::bss_address + 16;
constexpr std::uint64_t vtable = M::data_address + 16;
constexpr std::uint64_t base_vtable = M::data_address + 64;

/// Two constructors, one calling the other, a function that allocates, one that does things to a global and a loop.
MachineCode sample() {
  MachineCode code;
  const std::uint64_t base = code.here();
  code.begin("base").address(M::rax, base_vtable).store(M::rdi, 0, M::rax).ret();
  const std::uint64_t derived = code.here();
  code.begin("derived").push(M::rbx).move(M::rbx, M::rdi).call(base).address(M::rax, vtable);
  code.store(M::rbx, 0, M::rax).store(M::rbx, 24, M::rax).pop(M::rbx).ret();
  code.begin("make").push(M::rbx).move(M::rdi, 48).call(code.plt("_Znwm")).move(M::rbx, M::rax);
  code.move(M::rdi, M::rax).call(derived).move(M::rax, M::rbx).pop(M::rbx).ret();
  code.begin("count").load_from(M::rax, counter).add(M::rax, 1).store_to(counter, M::rax);
  code.address(M::rdx, counter).store(M::rdx, 8, M::rax).ret();
  code.begin("loop").move(M::rcx, M::rdi);
  const std::uint64_t head = code.here();
  code.load(M::rax, M::rcx, 16).add(M::rcx, 40).branch(head).load(M::rax, M::rdi, 8).ret();
  return code;
}

TEST(MachineCode, ConstructorsAreFollowedFromTheAllocationToTheVtable) {
  const CodeAnalysis code = analyse(sample().elf());
  ASSERT_EQ(code.sites.size(), 1u);
  EXPECT_EQ(code.sites[0].size, 48u);
  EXPECT_EQ(formats::machine_code::allocator_names[code.sites[0].allocator], "operator new");
  EXPECT_EQ(vtables_of(code, code.sites[0]), (std::vector<StoredAddress>{{base_vtable, 0, false}, {vtable, 0, false}}));
  EXPECT_EQ(code.undecodable_bytes, 0u);
}

TEST(MachineCode, StrippedFilesHaveTheFunctionsOfTheirFrameInformation) {
  const std::string with_symbols = sample().elf();
  const std::string stripped = sample().elf(M::Symbols::eh_frame);
  const CodeFile a(bytes_of(with_symbols));
  const CodeFile b(bytes_of(stripped));
  ASSERT_EQ(a.functions().size(), b.functions().size());
  EXPECT_EQ(std::count_if(b.functions().begin(), b.functions().end(), [](const auto& one) { return one.is_known; }), 5);
  for (std::size_t i = 0; i < a.functions().size(); ++i) EXPECT_EQ(a.functions()[i].start, b.functions()[i].start);
  const CodeAnalysis code = analyse_code(b);
  ASSERT_EQ(code.sites.size(), 1u);
  EXPECT_EQ(code.sites[0].vtable_count, 2u);
}

TEST(MachineCode, ReferencesSayWhoReadsAndWrites) {
  const CodeAnalysis code = analyse(sample().elf());
  std::vector<std::tuple<std::uint64_t, Access, CodeReference::Via>> found;
  for (const CodeReference& one : code.references) {
    if (one.target >= M::bss_address && one.target < M::got_address)
      found.emplace_back(one.target, one.access, one.via);
  }
  const std::vector<std::tuple<std::uint64_t, Access, CodeReference::Via>> expected{
      {counter, Access::read, CodeReference::Via::operand},
      {counter, Access::write, CodeReference::Via::operand},
      {counter, Access::address_taken, CodeReference::Via::operand},
      {counter + 8, Access::write, CodeReference::Via::reg}};
  EXPECT_EQ(found, expected);
}

TEST(MachineCode, WordsThatHoldAddressesAreFollowed) {
  MachineCode code;
  code.begin("user").load_from(M::rax, M::got_address).load(M::rdx, M::rax, 24).ret();
  const CodeAnalysis analysis = analyse(code.elf());
  ASSERT_EQ(analysis.references.size(), 2u);
  EXPECT_EQ(analysis.references[1].via, CodeReference::Via::contents);
  EXPECT_EQ(analysis.references[1].target, M::got_address);
  EXPECT_EQ(analysis.references[1].addend, 24);
}

TEST(MachineCode, FieldsAreThoseOfTheFirstArgumentAlone) {
  const CodeAnalysis code = analyse(sample().elf());
  std::vector<std::tuple<int, int, Access>> of_derived;
  for (const FieldAccess& field : code.fields) {
    if (field.function == 1) of_derived.emplace_back(field.offset, field.size, field.access);
  }
  EXPECT_EQ(of_derived, (std::vector<std::tuple<int, int, Access>>{{0, 8, Access::write}, {24, 8, Access::write}}));
}

TEST(MachineCode, WhatALoopChangesIsForgotten) {
  const CodeAnalysis code = analyse(sample().elf());
  ASSERT_EQ(code.loops.size(), 1u);
  EXPECT_EQ(code.loops[0].stride, 40u);
  EXPECT_EQ(code.loops[0].touched, 8u);
  EXPECT_FALSE(code.loops[0].writes);
  std::vector<int> offsets;  // rcx moves, rdi stays: only the second is a field
  for (const FieldAccess& field : code.fields) {
    if (field.function == 4) offsets.push_back(field.offset);
  }
  EXPECT_EQ(offsets, std::vector<int>{8});
}

TEST(MachineCode, LoopsThatBeginWithAJumpToTheirConditionKnowTheArgument) {
  MachineCode code;
  code.begin("count").jump(code.here() + 5 + 3 + 7);  // over the padding and the body
  code.raw({0x0f, 0x1f, 0x00});                       // nop
  const std::uint64_t head = code.here();
  code.store(M::rdi, 24, M::rax);
  code.load(M::rax, M::rdi, 8).branch(head).ret();
  const CodeAnalysis analysis = analyse(code.elf());
  ASSERT_EQ(analysis.fields.size(), 2u);
  EXPECT_EQ(analysis.fields[0].offset, 8);
  EXPECT_EQ(analysis.fields[1].offset, 24);
  EXPECT_EQ(analysis.fields[1].access, Access::write);
  EXPECT_EQ(analysis.fields[1].loop_depth, 1);
}

TEST(MachineCode, CallsOfFunctionsOfTheFileAreKnown) {
  const CodeAnalysis code = analyse(sample().elf());
  std::vector<std::pair<std::uint32_t, std::uint32_t>> calls;
  for (const auto& call : code.calls) {
    if (code.functions[call.callee].start < M::plt_address) calls.emplace_back(call.function, call.callee);
  }
  EXPECT_EQ(calls, (std::vector<std::pair<std::uint32_t, std::uint32_t>>{{1, 0}, {2, 1}}))
      << "derived calls base, make calls derived";
}

TEST(MachineCode, ObjectInUseIsBuiltNoMore) {
  MachineCode code;
  code.begin("make").move(M::rdi, 24).call(code.plt("malloc")).address(M::rdx, vtable).store(M::rax, 0, M::rdx);
  code.load(M::rcx, M::rax, 0).address(M::rdx, base_vtable).store(M::rax, 0, M::rdx).ret();  // an inlined destructor
  const CodeAnalysis analysis = analyse(code.elf());
  ASSERT_EQ(analysis.sites.size(), 1u);
  EXPECT_EQ(vtables_of(analysis, analysis.sites[0]), (std::vector<StoredAddress>{{vtable, 0, false}}));
}

TEST(MachineCode, WaysThatDisagreeAreUnknown) {
  MachineCode code;
  code.begin("make").move(M::rdi, 24).branch(code.here() + 11).move(M::rdi, 32);
  code.call(code.plt("malloc")).ret();
  const CodeAnalysis analysis = analyse(code.elf());
  ASSERT_EQ(analysis.sites.size(), 1u);
  EXPECT_EQ(analysis.sites[0].size, 0u);
}

TEST(MachineCode, CallsAreSeenBeforeReturnAddresses) {
  Decoder decoder;
  MachineCode code;
  code.call(0x2000);
  EXPECT_TRUE(decoder.ends_with_call(bytes_of(code.text())));
  code.raw({0xff, 0xd0});  // call rax
  EXPECT_TRUE(decoder.ends_with_call(bytes_of(code.text())));
  code.raw({0xff, 0x94, 0xc8, 0, 0, 0, 1});  // call [rax + rcx*8 + …]
  EXPECT_TRUE(decoder.ends_with_call(bytes_of(code.text())));
  code.raw({0x41, 0xff, 0xd4});  // call r12
  EXPECT_TRUE(decoder.ends_with_call(bytes_of(code.text())));
  code.jump(0x2000);
  EXPECT_FALSE(decoder.ends_with_call(bytes_of(code.text())));
  EXPECT_FALSE(decoder.ends_with_call({}));
}

TEST(MachineCode, InstructionsAsText) {
  Decoder decoder;
  MachineCode code;
  code.store(M::rdi, 8, M::rax).raw({0x06}).ret();
  const auto texts = decoder.to_text(bytes_of(code.text()), 0x1000, 10);
  ASSERT_EQ(texts.size(), 3u);
  EXPECT_EQ(texts[0].text, "mov qword ptr [rdi + 8], rax");
  EXPECT_EQ(texts[0].bytes, "48898708000000");
  EXPECT_EQ(texts[1].text, "(bad)");
  EXPECT_EQ(texts[2].address, 0x1008u);
  EXPECT_EQ(decoder.to_text(bytes_of(code.text()), 0x1000, 1).size(), 1u);
}

TEST(MachineCode, AnalysesAreKeptByBuildId) {
  const CodeAnalysis code = analyse(sample().elf());
  const std::string bytes = to_bytes(code);
  const auto again = from_bytes(bytes_of(bytes));
  ASSERT_TRUE(again);
  EXPECT_EQ(to_bytes(*again), bytes);
  EXPECT_EQ(again->sites.size(), code.sites.size());
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(from_bytes(bytes_of(bytes.substr(0, size))));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(~flipped[at]);
    EXPECT_FALSE(from_bytes(bytes_of(flipped)));
  }

  const std::string folder = testing::TempDir() + "code_cache_" + std::to_string(getpid());
  const formats::machine_code::CodeCache cache(folder);
  EXPECT_FALSE(cache.load("0123456789abcdef"));
  cache.store("0123456789abcdef", code);
  cache.store("../outside", code);
  const auto kept = cache.load("0123456789abcdef");
  ASSERT_TRUE(kept);
  EXPECT_EQ(to_bytes(*kept), bytes);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
  EXPECT_FALSE(std::filesystem::exists(folder + "/../outside"));
  std::filesystem::remove_all(folder);
}

/// Indices of what is found lie in what they index, in every state of the file.
void check(const std::string& file) {
  const auto exact = std::make_unique<std::byte[]>(file.size());
  std::memcpy(exact.get(), file.data(), file.size());
  const CodeFile code({exact.get(), file.size()});
  const CodeAnalysis found = analyse_code(code);
  std::uint64_t end = 0;
  for (const auto& function : found.functions) {
    ASSERT_GE(function.start, end);
    ASSERT_GT(function.end, function.start);
    end = function.end;
  }
  for (const auto& one : found.references) ASSERT_LT(one.function, found.functions.size());
  for (const auto& one : found.fields) ASSERT_LT(one.function, found.functions.size());
  for (const auto& one : found.loops) ASSERT_LT(one.function, found.functions.size());
  for (const auto& one : found.sites) ASSERT_LE(one.first_vtable + one.vtable_count, found.vtables.size());
}

TEST(MachineCode, EveryTruncation) {
  for (const auto symbols : {M::Symbols::symtab, M::Symbols::eh_frame}) {
    const std::string file = sample().elf(symbols);
    for (std::size_t size = 0; size < file.size(); ++size) check(file.substr(0, size));
  }
}

TEST(MachineCode, EveryByteFlip) {
  for (const auto symbols : {M::Symbols::symtab, M::Symbols::eh_frame}) {
    const std::string file = sample().elf(symbols);
    for (std::size_t at = 0; at < file.size(); ++at) {
      std::string flipped = file;
      flipped[at] = static_cast<char>(~flipped[at]);
      check(flipped);
    }
  }
}

}  // namespace
}  // namespace tests
