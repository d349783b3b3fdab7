#include "analyzer/passes/site_names.h"

#include <gtest/gtest.h>

#include "tests/support/profile_builder.h"

namespace analyzer {
namespace {

TEST(SiteNames, AllocatorsNameNoSite) {
  for (const char* function :
       {"malloc", "calloc", "operator new(unsigned long)", "operator new[](unsigned long, std::align_val_t)",
        "__gnu_cxx::new_allocator<int>::allocate(unsigned long, void const*)",
        "std::__new_allocator<char>::allocate(unsigned long, void const*)",
        "std::allocator_traits<std::allocator<int> >::allocate(std::allocator<int>&, unsigned long)",
        "std::_Vector_base<int, std::allocator<int> >::_M_allocate(unsigned long)",
        "std::__cxx11::basic_string<char>::_M_create(unsigned long&, unsigned long)", "__libc_malloc",
        "__interceptor_malloc", "alloc::alloc::exchange_malloc"}) {
    EXPECT_TRUE(is_allocator_function(function)) << function;
  }
  for (const char* function :
       {"main", "malloc_trim_everything()", "Pool::malloc(int)", "std::vector<int>::push_back(int const&)",
        "Cache::_M_allocate(int)", "", "<module>", "0x7f31c0a1b2"}) {
    EXPECT_FALSE(is_allocator_function(function)) << function;
  }
}

TEST(SiteNames, TheSiteIsTheInnermostFrameThatIsNoAllocator) {
  tests::ProfileBuilder builder;
  const queries::SiteTree& sites = builder.profile().sites;
  const queries::SiteId leaf = builder.path({"main", "f()", "operator new(unsigned long)", "malloc"});
  EXPECT_EQ(sites.frame(naming_site(sites, leaf)).function, "f()");
  const queries::SiteId nothing_else = builder.path({"malloc"});
  EXPECT_EQ(naming_site(sites, nothing_else), nothing_else);
}

TEST(SiteNames, TemplatesBecomeShortAndNothingElseDoes) {
  EXPECT_EQ(shorten_templates("std::map<int, std::pair<long, char> >::at(int)"), "std::map<>::at(int)");
  EXPECT_EQ(shorten_templates("operator<<(A<int>&)"), "operator<<(A<>&)");
  EXPECT_EQ(shorten_templates("A<int>::operator<(B<int>)"), "A<>::operator<(B<>)");
  EXPECT_EQ(shorten_templates("f<&A::operator->>()"), "f<>()");
  EXPECT_EQ(shorten_templates("main::{lambda(V<int>)#1}::operator()(V<int>) const"),
            "main::{lambda(V<>)#1}::operator()(V<>) const");
  EXPECT_EQ(shorten_templates("<module>"), "<module>");
  EXPECT_EQ(shorten_templates("app.Session.<init>"), "app.Session.<init>");
  EXPECT_EQ(shorten_templates("app.Main.<clinit>"), "app.Main.<clinit>");
  EXPECT_EQ(shorten_templates("<a::B<T> as c::D>::e<u8>"), "<a::B<T> as c::D>::e<>");
  EXPECT_EQ(shorten_templates("a<b"), "a<b");
}

TEST(SiteNames, ParametersGoAndTheNameStays) {
  EXPECT_EQ(without_parameters("f(int) const"), "f");
  EXPECT_EQ(without_parameters("A<void (int)>::g(long)"), "A<void (int)>::g");
  EXPECT_EQ(without_parameters("A::operator()(int)"), "A::operator()");
  EXPECT_EQ(without_parameters("(anonymous namespace)::f(int)"), "(anonymous namespace)::f");
  EXPECT_EQ(without_parameters("f()::{lambda(int)#1}::operator()(int) const"), "f");
  EXPECT_EQ(without_parameters("operator<(A, B)"), "operator<");
  EXPECT_EQ(without_parameters("plain"), "plain");
}

TEST(SiteNames, AFrameSaysWhereItIs) {
  EXPECT_EQ(frame_text({"f()", "a/b.cc", 12, "/bin/x", false}, false), "f() (a/b.cc:12)");
  EXPECT_EQ(frame_text({"f<int>()", "", 0, "/usr/lib/libx.so", true}, true), "f<>() (libx.so) [inlined]");
  EXPECT_EQ(frame_text({"", "", 0, "", false}, false), "?");
}

}  // namespace
}  // namespace analyzer
