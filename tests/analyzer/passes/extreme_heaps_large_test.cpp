// What a heap of ten million objects and extreme shape must not do to the passes: recurse, or become quadratic.
#include <gtest/gtest.h>
#include <pthread.h>

#include <functional>

#include "analyzer/passes/passes.h"
#include "tests/support/sanitized.h"

namespace {

using analyzer::run_passes;
using queries::ObjectId;
using queries::Results;
using queries::Snapshot;

/// Runs on a thread whose stack would not hold a recursion of any depth worth the name.
void on_small_stack(std::function<void()> work) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 256 * 1024);
  pthread_t thread{};
  const auto body = [](void* argument) -> void* {
    (*static_cast<std::function<void()>*>(argument))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, body, &work), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

/// A tenth under the sanitizers: ten million there take minutes and show nothing else.
constexpr std::uint32_t heap_size = tests::is_sanitized ? 1'000'000 : 10'000'000;

Snapshot big_heap(const std::function<void(std::uint32_t, std::vector<ObjectId>&)>& successors) {
  Snapshot heap;
  heap.object_count = heap_size;
  heap.classes.resize(1);
  heap.direct_roots = {ObjectId{0}};
  heap.references.first.push_back(0);
  for (std::uint32_t v = 0; v < heap_size; ++v) {
    heap.class_of.push_back(queries::ClassId{0});
    heap.shallow.push_back(16);
    successors(v, heap.references.target);
    heap.references.first.push_back(static_cast<std::uint32_t>(heap.references.target.size()));
  }
  heap.references.strength.freeze(heap.references.target.size());
  return heap;
}

TEST(ExtremeHeaps, DoublyLinkedListDoesNotTouchTheCallStack) {
  const Snapshot heap = big_heap([](std::uint32_t v, std::vector<ObjectId>& targets) {
    if (v + 1 < heap_size) targets.push_back(ObjectId{v + 1});
    if (v > 0) targets.push_back(ObjectId{v - 1});
  });
  on_small_stack([&] {
    const Results results = run_passes(heap, {});
    EXPECT_EQ(results.retained_size[0], 16ull * heap_size);
    EXPECT_EQ(results.retained_size[heap_size - 1], 16u);
    EXPECT_EQ(results.dominator[heap_size - 1], ObjectId{heap_size - 2});
    EXPECT_EQ(results.root_distance[heap_size - 1], heap_size - 1);
    ASSERT_EQ(results.components.size(), 1u);
    EXPECT_EQ(results.components[0].retained_bytes, 16ull * heap_size);
  });
}

TEST(ExtremeHeaps, BinaryTree) {
  const Snapshot heap = big_heap([](std::uint32_t v, std::vector<ObjectId>& targets) {
    for (const std::uint64_t w : {std::uint64_t{2} * v + 1, std::uint64_t{2} * v + 2}) {
      if (w < heap_size) targets.push_back(ObjectId{static_cast<std::uint32_t>(w)});
    }
  });
  on_small_stack([&] {
    const Results results = run_passes(heap, {});
    EXPECT_EQ(results.retained_size[0], 16ull * heap_size);
    EXPECT_EQ(results.dominator[heap_size - 1], ObjectId{(heap_size - 2) / 2});
  });
}

// Each list node also has a payload, and an array refers to all payloads: every payload is dominated by the holder of
// both, far above its parent in the search. Plain SEMI-NCA climbs the whole list for each: half the square of the nodes
// in steps.
TEST(ExtremeHeaps, ListWithSharedPayloadsIsNotQuadratic) {
  constexpr std::uint32_t nodes = heap_size / 2 - 1;  // 0 holder, 1 array, then node and payload in turn
  const Snapshot heap = big_heap([](std::uint32_t v, std::vector<ObjectId>& targets) {
    if (v == 0) {
      targets.insert(targets.end(), {ObjectId{1}, ObjectId{2}});
    } else if (v == 1) {
      for (std::uint32_t i = 0; i < nodes; ++i) targets.push_back(ObjectId{2 * i + 3});
    } else if (v % 2 == 0) {
      targets.push_back(ObjectId{v + 1});
      if (v + 2 < heap_size) targets.push_back(ObjectId{v + 2});
    } else {
      targets.push_back(ObjectId{v});  // not a leaf
    }
  });
  on_small_stack([&] {
    analyzer::PassOptions options;
    options.components = false;
    const Results results = run_passes(heap, options);
    for (std::uint32_t i = 0; i < nodes; i += 99'991) ASSERT_EQ(results.dominator[2 * i + 3], ObjectId{0});
    EXPECT_EQ(results.retained_size[2], 16ull * nodes);
  });
}

}  // namespace
