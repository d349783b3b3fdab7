// The parents of a forest whose vertices 1 … n are numbered in preorder (0 = the virtual root above all trees), in 2
// bits per vertex instead of 32: what a pass keeps when it needs the parents again later, but memory for something else
// first. Per vertex a 0 for each vertex that the walk left for good just before, then a 1.
//
// Writing O(n). Reading O(n), with 4 bytes per level of the deepest tree.
#pragma once

#include <bit>
#include <cassert>
#include <cstdint>
#include <vector>

#include "analyzer/passes/work_array.h"
#include "queries/columns.h"

namespace analyzer {

class ForestShape {
 public:
  ForestShape() = default;
  /// `parent[v]`: of vertex v ≤ count.
  ForestShape(const WorkArray<std::uint32_t>& parent, std::uint32_t count)
      : count_(count), bits_(std::uint64_t{count} * 2) {
    std::uint64_t bit = 0;
    for (std::uint32_t v = 1; v <= count; ++v) {
      for (std::uint32_t left = v - 1; left != parent[v]; left = parent[left]) {
        assert(left > parent[v]);  // else not a preorder
        ++bit;
      }
      bits_.set(bit++);
    }
  }
  [[nodiscard]] std::uint64_t bytes() const { return bits_.bytes(); }

  /// Reads the parents, one vertex after the other. Borrows the shape.
  class Cursor {
   public:
    explicit Cursor(const ForestShape& shape) : words_(shape.bits_.words()), path_(std::size_t{shape.count_} + 1) {
      path_[0] = 0;
    }
    /// Of vertex 1, 2, …: at most `count` calls.
    std::uint32_t next() {
      std::uint64_t word = words_[bit_ / 64] >> (bit_ % 64);
      while (word == 0) {  // zeros up to the end of the word
        depth_ -= static_cast<std::uint32_t>(64 - bit_ % 64);
        bit_ += 64 - bit_ % 64;
        word = words_[bit_ / 64];
      }
      const auto zeros = static_cast<std::uint32_t>(std::countr_zero(word));
      bit_ += zeros + 1;
      depth_ -= zeros;
      const std::uint32_t parent = path_[depth_];
      path_[++depth_] = ++vertex_;
      return parent;
    }

   private:
    const std::vector<std::uint64_t>& words_;
    WorkArray<std::uint32_t> path_;  // from the virtual root to the vertex read last; touched as deep as trees are
    std::uint64_t bit_ = 0;
    std::uint32_t depth_ = 0;
    std::uint32_t vertex_ = 0;
  };

  /// All of them, by vertex.
  [[nodiscard]] WorkArray<std::uint32_t> parents() const {
    WorkArray<std::uint32_t> parent(std::size_t{count_} + 1);
    Cursor cursor(*this);
    parent[0] = 0;
    for (std::uint32_t v = 1; v <= count_; ++v) parent[v] = cursor.next();
    return parent;
  }

 private:
  std::uint32_t count_ = 0;
  queries::Bitmap bits_;
};

}  // namespace analyzer
