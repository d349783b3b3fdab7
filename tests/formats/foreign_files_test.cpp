#include "formats/foreign_files.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

namespace tests {
namespace {

using formats::recognize_foreign;

formats::Bytes bytes_of(const std::string& text) { return std::as_bytes(std::span(text.data(), text.size())); }

/// A minidump as far as its directory and its system information; streams are empty.
std::string minidump(std::uint32_t platform, std::vector<std::uint32_t> streams) {
  constexpr std::uint32_t header = 32;
  constexpr std::uint32_t row = 12;
  constexpr std::uint32_t system_info = 7;
  std::string out;
  const auto put = [&](std::uint32_t value) { out.append(reinterpret_cast<const char*>(&value), sizeof value); };
  streams.push_back(system_info);
  const auto count = static_cast<std::uint32_t>(streams.size());
  out += "MDMP";
  for (const std::uint32_t value : {0xA793u, count, header, 0u, 0u, 0u, 0u}) put(value);
  for (const std::uint32_t type : streams) {
    put(type);
    put(56);
    put(header + count * row);
  }
  out.append(20, '\0');
  put(platform);
  out.append(32, '\0');
  return out;
}

TEST(ForeignFiles, AMinidumpIsNamedByWhoseItIsAndWhatItHolds) {
  const auto linux_dump = recognize_foreign(bytes_of(minidump(0x8201, {3, 4, 5})));
  ASSERT_TRUE(linux_dump);
  EXPECT_EQ(linux_dump->kind, "a minidump of a Linux process (Breakpad, Crashpad)");
  EXPECT_NE(linux_dump->advice.find("no heap"), std::string::npos);

  const auto windows = recognize_foreign(bytes_of(minidump(2, {3, 9})));
  ASSERT_TRUE(windows);
  EXPECT_EQ(windows->kind, "a minidump of a Windows process with full memory");
  EXPECT_EQ(windows->advice.find("no heap"), std::string::npos);

  EXPECT_EQ(recognize_foreign(bytes_of("MDMP"))->kind, "a minidump of a process");
}

TEST(ForeignFiles, OthersAreNamedByTheirMagic) {
  using namespace std::string_literals;
  const std::pair<std::string, const char*> all[] = {
      {"KDUMP   \6\0\0\0"s, "a compressed dump of a Linux kernel (kdump)"},
      {"makedumpfile\0\0\0\0"s, "a flattened dump of a Linux kernel (makedumpfile -F)"},
      {"PAGEDU64"s, "a dump of a Windows kernel"},
      {"\xcf\xfa\xed\xfe\7\0\0\1"s, "a 64-bit Mach-O file (macOS)"},
      {"MZ\x90\0"s, "a Windows or DOS program"},
      {"ProblemType: Crash\nArchitecture: amd64\n"s, "an apport crash report"},
  };
  for (const auto& [bytes, kind] : all) {
    const auto found = recognize_foreign(bytes_of(bytes));
    ASSERT_TRUE(found) << kind;
    EXPECT_EQ(found->kind, kind);
    EXPECT_FALSE(found->advice.empty());
  }
}

TEST(ForeignFiles, WhatHeapqlReadsAndTextAreNotAmongThem) {
  for (const char* text : {"", "M", "JAVA PROFILE 1.0.2",
                           "\x7f"
                           "ELF\2\1\1",
                           "hello", "KDUMP"}) {
    EXPECT_FALSE(recognize_foreign(bytes_of(text))) << text;
  }
}

TEST(ForeignFiles, EveryTruncationAndEveryFlippedByteOfAMinidumpGetsAnAnswer) {
  const std::string whole = minidump(0x8201, {3, 9});
  const auto ask = [](const std::string& bytes) {
    const std::unique_ptr<std::byte[]> exact(new std::byte[bytes.size()]);
    std::memcpy(exact.get(), bytes.data(), bytes.size());
    const auto found = recognize_foreign({exact.get(), bytes.size()});
    EXPECT_EQ(found.has_value(), bytes.starts_with("MDMP")) << bytes.size();
  };
  for (std::size_t size = 0; size <= whole.size(); ++size) ask(whole.substr(0, size));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(~flipped[at]);
    ask(flipped);
  }
}

}  // namespace
}  // namespace tests
