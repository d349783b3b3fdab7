// The immutable graph that passes and SQL functions walk: a view of a snapshot's references, plus the edge that every
// object has to its class object and that no table stores (4 bytes per object saved; `object.class_id` tells it).
// Successors of v = references.target[first[v] … first[v+1]) followed by class_edge(v). O(1) per step, no allocation.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "queries/snapshot.h"

namespace queries {

/// Which strengths a traversal follows. `collector` is the default of every dominator and retained size; `all` is what
/// Eclipse MAT does (`--weak=follow`).
struct Follow {
  std::uint8_t mask = 0;
  [[nodiscard]] constexpr bool has(Strength strength) const { return (mask >> static_cast<unsigned>(strength)) & 1; }
  static constexpr Follow of(std::initializer_list<Strength> strengths) {
    Follow follow;
    for (const Strength s : strengths)
      follow.mask = static_cast<std::uint8_t>(follow.mask | (1u << static_cast<unsigned>(s)));
    return follow;
  }
};
inline constexpr Follow follow_strong = Follow::of({Strength::strong, Strength::internal});
/// A heap that the program frees itself has no collector that could tell: there, uncertain references count as any
/// other.
inline constexpr Follow follow_collector =
    Follow::of({Strength::strong, Strength::internal, Strength::soft, Strength::uncertain});
inline constexpr Follow follow_all{0xFF};

class HeapGraph {
 public:
  /// Borrows the snapshot, which must outlive the graph and not change. O(classes).
  explicit HeapGraph(const Snapshot& snapshot);

  [[nodiscard]] std::uint32_t object_count() const { return object_count_; }
  [[nodiscard]] std::uint64_t reference_count() const { return targets_.size(); }  ///< explicit ones
  [[nodiscard]] std::span<const ObjectId> roots() const { return roots_; }
  /// Those of roots() that only uncertain evidence makes one, ascending.
  [[nodiscard]] std::span<const ObjectId> uncertain_roots() const { return uncertain_roots_; }
  [[nodiscard]] std::uint32_t edges_begin(ObjectId v) const { return first_[index(v)]; }
  [[nodiscard]] std::uint32_t edges_end(ObjectId v) const { return first_[index(v)] + first_.count(index(v)); }
  /// How many explicit references v has: one byte of a column that mostly stays in the cache.
  [[nodiscard]] std::uint32_t edge_count(ObjectId v) const { return first_.count(index(v)); }
  [[nodiscard]] ObjectId target(std::uint32_t edge) const { return targets_[edge]; }
  [[nodiscard]] const ObjectId* targets() const { return targets_.data(); }
  /// The class object of v, or no_object (its class is not in the dump).
  [[nodiscard]] ObjectId class_edge(ObjectId v) const { return class_object_[index(class_of_[v])]; }
  /// The class object of a class, or no_object.
  [[nodiscard]] ObjectId class_object(ClassId id) const { return class_object_[index(id)]; }
  /// false in graphs where no object has a class edge (native heaps): traversals may skip the look-up.
  [[nodiscard]] bool has_class_edges() const { return has_class_edges_; }
  /// false when every reference is strong: traversals may skip strength_of().
  [[nodiscard]] bool has_weaker_references() const { return has_weaker_; }
  /// Whether some reference is of a strength that `follow` leaves out: only then a traversal has to ask of each.
  [[nodiscard]] bool has_references_outside(Follow follow) const { return (strengths_ & ~follow.mask) != 0; }
  [[nodiscard]] Strength strength_of(std::uint32_t edge) const {
    return strength_.has(ObjectId{edge}) ? strength_[ObjectId{edge}] : Strength::strong;
  }
  [[nodiscard]] std::uint64_t shallow_size(ObjectId v) const { return shallow_[v]; }
  [[nodiscard]] ClassId class_of(ObjectId v) const { return class_of_[v]; }
  [[nodiscard]] std::size_t class_count() const { return class_object_.size(); }
  void prefetch(ObjectId v) const {
    first_.prefetch(index(v));
    if (has_class_edges_) class_of_.prefetch(v);
  }

  /// Calls f(ObjectId target, Strength) for every successor, the class edge last. Nulls never appear; self references
  /// and duplicates do.
  template <typename F>
  void for_each_successor(ObjectId v, F&& f) const {
    for (std::uint32_t edge = edges_begin(v), end = edges_end(v); edge < end; ++edge) {
      f(targets_[edge], has_weaker_ ? strength_of(edge) : Strength::strong);
    }
    if (has_class_edges_) {
      const ObjectId class_object = class_edge(v);
      if (class_object != no_object) f(class_object, Strength::strong);
    }
  }

 private:
  std::uint32_t object_count_;
  const EdgeOffsets& first_;
  std::span<const ObjectId> targets_;
  const SparseColumn<Strength>& strength_;
  const ClassColumn& class_of_;
  const SizeColumn& shallow_;
  std::span<const ObjectId> roots_;
  std::span<const ObjectId> uncertain_roots_;
  std::vector<ObjectId> class_object_;  // ClassId → class object
  bool has_class_edges_ = false;
  bool has_weaker_ = false;
  std::uint8_t strengths_ = 0;  // of the references that are not strong: a bit per Strength
};

}  // namespace queries
