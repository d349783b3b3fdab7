// Writes massif's output for tests.
//
//   tests::MassifWriter file("ms");
//   file.snapshot(10, 300, 24, 0, "detailed");
//   file.node(0, 2, 300, "(heap allocation functions) malloc/new/new[], --alloc-fns, etc.");
//   file.node(1, 0, 200, "0x1: f() (a.cc:1)").remainder(1, 100, 3);
#pragma once

#include <string>

namespace tests {

class MassifWriter {
 public:
  explicit MassifWriter(const std::string& time_unit = "i", const std::string& description = "(none)") {
    text_ = "desc: " + description + "\ncmd: ./server 20000\ntime_unit: " + time_unit + "\n";
  }
  MassifWriter& snapshot(const std::string& time, std::uint64_t heap, std::uint64_t extra, std::uint64_t stacks,
                         const std::string& tree = "empty") {
    const std::string rule = "#-----------\n";
    text_ += rule + "snapshot=" + std::to_string(count_++) + "\n" + rule + "time=" + time +
             "\nmem_heap_B=" + std::to_string(heap) + "\nmem_heap_extra_B=" + std::to_string(extra) +
             "\nmem_stacks_B=" + std::to_string(stacks) + "\nheap_tree=" + tree + "\n";
    return *this;
  }
  MassifWriter& node(std::size_t depth, int children, std::uint64_t bytes, const std::string& text) {
    text_ +=
        std::string(depth, ' ') + "n" + std::to_string(children) + ": " + std::to_string(bytes) + " " + text + "\n";
    return *this;
  }
  MassifWriter& sum(int children, std::uint64_t bytes) {
    return node(0, children, bytes, "(heap allocation functions) malloc/new/new[], --alloc-fns, etc.");
  }
  MassifWriter& remainder(std::size_t depth, std::uint64_t bytes, int places) {
    return node(depth, 0, bytes, "in " + std::to_string(places) + " places, all below massif's threshold (1.00%)");
  }
  [[nodiscard]] const std::string& bytes() const { return text_; }

 private:
  std::string text_;
  int count_ = 0;
};

}  // namespace tests
