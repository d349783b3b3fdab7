// Rust's names. What the newer ones should be: RFC 2603's own examples, and binutils' c++filt.
#include "formats/rust_names.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "formats/demangle.h"

namespace {

using formats::demangle_rust;

constexpr std::pair<const char*, const char*> known[] = {
    {"_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core::fmt::Formatter::pad"},
    {"_ZN66_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$core..ops..drop..Drop$GT$4drop17hfedcba9876543210E",
     "<alloc::vec::Vec<T> as core::ops::drop::Drop>::drop"},
    {"_ZN3app4main28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE.llvm.42", "app::main::{{closure}}"},
    {"_RNvCs15kBYyAo9fc_7mycrate7example", "mycrate::example"},
    {"_RNvMs0_Cs4Cv8Wi1oAIB_7mycrateNtB5_7Example3foo", "<mycrate::Example>::foo"},
    {"_RNvXCs15kBYyAo9fc_7mycrateNtB2_7ExampleNtB2_5Trait3foo", "<mycrate::Example as mycrate::Trait>::foo"},
    {"_RNCNvCsgStHSCytQ6I_7mycrate4main0B3_", "mycrate::main::{closure#0}"},
    {"_RNCNvCsgStHSCytQ6I_7mycrate4mains_0B3_", "mycrate::main::{closure#1}"},
    {"_RINvCsgStHSCytQ6I_7mycrate7examplelKj1_EB2_", "mycrate::example::<i32, 1>"},
    {"_RINvCs15kBYyAo9fc_7mycrate3fooRShQeTlmEE", "mycrate::foo::<&[u8], &mut str, (i32, u32)>"},
    {"_RINvC1a3fooPaOsAtja_ThEFUKChhEbE",
     "a::foo::<*const i8, *mut i16, [u16; 10], (u8,), unsafe extern \"C\" fn(u8, u8) -> bool>"},
    {"_RINvC1a3fooDNtC1a5TraitEL_E", "a::foo::<dyn a::Trait>"},
    {"_RINvC1a3fooDINtC1a5TraithEp4ItemlEL_E", "a::foo::<dyn a::Trait<u8, Item = i32>>"},
    {"_RINvC1a3fooFG_RL0_hEuE", "a::foo::<for<'a> fn(&'a u8)>"},
    {"_RINvC1a3fooKb1_Kc41_Klnf_E", "a::foo::<true, 'A', -15>"},
    {"_RNqCs4fqI2P2rA04_11utf8_identsu30____7hkackfecea1cbdathfdh9hlq6y",
     "utf8_idents::\u10e1\u10d0\u10ed\u10db\u10d4\u10da\u10d0\u10d3_\u10d2\u10d4\u10db\u10e0\u10d8\u10d4\u10da\u10d8_"
     "\u10e1\u10d0\u10d3\u10d8\u10da\u10d8"},
    {"_RNvC6_123foo3bar", "123foo::bar"},
    {"_RNvC1a3foo.llvm.42", "a::foo"},
};

TEST(RustNames, AreAsPeopleWriteThem) {
  for (const auto& [mangled, name] : known) {
    EXPECT_EQ(demangle_rust(mangled).value_or("(none)"), name) << mangled;
    EXPECT_EQ(formats::demangle(mangled), name);
  }
}

TEST(RustNames, OthersAreLeftToOthers) {
  for (const char* other :
       {"", "_R", "_RX", "_R0C1a", "main", "_ZN4core3fmt5writeE", "_ZN3std6vectorIiE9push_backEi",
        "_ZN4core17h0123456789abcdeXE", "_ZN17h0123456789abcdefE", "_RNvC1a9foo", "_RB_", "_RNvB_3foo"}) {
    EXPECT_FALSE(demangle_rust(other)) << other;
  }
  EXPECT_EQ(formats::demangle("_ZN4core3fmt5writeE"), "core::fmt::write");
}

TEST(RustNames, EveryTruncationAndEveryByteFlipIsAnAnswer) {
  for (const auto& [mangled, name] : known) {
    const std::string whole = mangled;
    for (std::size_t at = 0; at < whole.size(); ++at) {
      (void)demangle_rust(whole.substr(0, at));
      for (const int flip : {0x01, 0x02, 0x10, 0x80}) {
        std::string text = whole;
        text[at] = static_cast<char>(text[at] ^ flip);
        (void)demangle_rust(text);
      }
    }
  }
}

TEST(RustNames, DoublingAndNestingEndInTime) {
  std::string doubled = "_RINvC1a3foo";
  std::size_t start = doubled.size() - 2;
  doubled += "ThhE";
  for (int i = 0; i < 60; ++i) {  // each is a pair of the one before
    const std::size_t here = doubled.size() - 2;
    const auto reference = [&](std::size_t value) {
      std::string digits;
      if (value == 0) return std::string("_");
      --value;
      do {
        digits.insert(digits.begin(), "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[value % 62]);
        value /= 62;
      } while (value != 0);
      return digits + "_";
    };
    doubled += "TB" + reference(start) + "B" + reference(start) + "E";
    start = here;
  }
  EXPECT_FALSE(demangle_rust(doubled + "E"));
  EXPECT_FALSE(demangle_rust("_RINvC1a3foo" + std::string(1000, 'R') + "hE"));
}

}  // namespace
