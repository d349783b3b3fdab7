#include "formats/valgrind_frame.h"

#include <gtest/gtest.h>

namespace {

using formats::parse_valgrind_frame;

TEST(ValgrindFrame, HasFunctionFileAndLine) {
  const auto frame = parse_valgrind_frame("0x109208: x_alloc(unsigned long) (server.cc:15)");
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->address, "0x109208");
  EXPECT_EQ(frame->function, "x_alloc(unsigned long)");
  EXPECT_EQ(frame->file, "server.cc");
  EXPECT_EQ(frame->line, 15);
  EXPECT_EQ(frame->module, "");
}

TEST(ValgrindFrame, HasAModuleWhereThereIsNoLine) {
  const auto frame = parse_valgrind_frame("0x48417B4: malloc (in /opt/a (x86)/lib.so)");
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->function, "malloc");
  EXPECT_EQ(frame->module, "/opt/a (x86)/lib.so");
  EXPECT_EQ(frame->line, 0);
}

TEST(ValgrindFrame, KeepsNamesOfLambdasAndFunctionTypesWhole) {
  EXPECT_EQ(parse_valgrind_frame("0x1: main::{lambda(int)#1}::operator()(int) const (lam.cc:4)")->function,
            "main::{lambda(int)#1}::operator()(int) const");
  EXPECT_EQ(
      parse_valgrind_frame("0x1: std::function<void* (int)>::operator()(int) const (std_function.h:591)")->function,
      "std::function<void* (int)>::operator()(int) const");
  const auto bare = parse_valgrind_frame("0x1: run(std::function<void (int)>)");
  EXPECT_EQ(bare->function, "run(std::function<void (int)>)");
  EXPECT_EQ(bare->file, "");
}

TEST(ValgrindFrame, PassesOverAColumn) {
  const auto frame = parse_valgrind_frame("0x1: alloc::alloc::alloc (src/alloc.rs:84:14)");
  EXPECT_EQ(frame->function, "alloc::alloc::alloc");
  EXPECT_EQ(frame->file, "src/alloc.rs");
  EXPECT_EQ(frame->line, 84);
}

TEST(ValgrindFrame, WithoutANameHasAnAddress) {
  EXPECT_EQ(parse_valgrind_frame("0x1FFF00098A: ???")->function, "");
  EXPECT_EQ(parse_valgrind_frame("0x48FD7B9: ??? (in /lib/libstdc++.so.6)")->module, "/lib/libstdc++.so.6");
  EXPECT_EQ(parse_valgrind_frame("0x4004A1D: (below main) (libc-start.c:220)")->function, "(below main)");
}

TEST(ValgrindFrame, IsNothingWithoutAnAddress) {
  for (const char* text : {"", "0x", "0x:", "[root]", "in 3 places", "0xZZ: f", "12: f"}) {
    EXPECT_FALSE(parse_valgrind_frame(text)) << text;
  }
}

}  // namespace
