// The fault: a list whose nodes are linked in random order, so that a walk over it jumps from page to page. Its twin
// has as many nodes of the same size, linked as they were allocated; so has an array of pointers and a shuffled one.
// Says how long each walk takes.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>
#include <vector>

#include "truth.h"

namespace walks {

struct Ordered {
  Ordered* next = nullptr;
  long value = 1;
  long more[4] = {};
};
struct Shuffled {
  Shuffled* next = nullptr;
  long value = 1;
  long more[4] = {};
};
struct Item {
  long value = 1;
  long more[5] = {};
};

}  // namespace walks

walks::Ordered* ordered = nullptr;
walks::Shuffled* shuffled = nullptr;
std::vector<walks::Item*> items;
std::vector<walks::Item*> mixed_items;

constexpr std::size_t count = 200'000;

template <typename Node>
Node* make_list(bool shuffle) {
  std::vector<Node*> nodes(count);
  for (Node*& node : nodes) node = new Node();
  std::mt19937 random(1);
  if (shuffle) std::shuffle(nodes.begin(), nodes.end(), random);
  for (std::size_t i = 0; i + 1 < count; ++i) nodes[i]->next = nodes[i + 1];
  return nodes[0];
}

std::vector<walks::Item*> make_items(bool shuffle) {
  std::vector<walks::Item*> all(count);
  for (walks::Item*& item : all) item = new walks::Item();
  std::mt19937 random(2);
  if (shuffle) std::shuffle(all.begin(), all.end(), random);
  return all;
}

template <typename Node>
[[gnu::noinline]] long sum_list(const Node* node) {
  long sum = 0;
  for (; node != nullptr; node = node->next) sum += node->value;
  return sum;
}

template <typename F>
std::size_t microseconds(F&& f) {
  std::size_t best = ~std::size_t{0};
  for (int round = 0; round < 5; ++round) {
    const auto start = std::chrono::steady_clock::now();
    f();
    const auto time = std::chrono::steady_clock::now() - start;
    const auto taken = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
    if (static_cast<std::size_t>(taken) < best) best = static_cast<std::size_t>(taken);
  }
  return best;
}

int main() {
  ordered = make_list<walks::Ordered>(false);
  shuffled = make_list<walks::Shuffled>(true);
  items = make_items(false);
  mixed_items = make_items(true);
  volatile long sum = 0;
  truth::say("count", count);
  truth::say("us_ordered", microseconds([&] { sum = sum + sum_list(ordered); }));
  truth::say("us_shuffled", microseconds([&] { sum = sum + sum_list(shuffled); }));
  truth::say("leaked_blocks", std::size_t{0});
  truth::say("leak_heads", std::size_t{0});
  truth::say("leak_cycles", std::size_t{0});
  truth::ready();
}
