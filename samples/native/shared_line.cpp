// The fault: two threads count in two counters that share a cache line; two in neighbouring slots of an array; two in
// variables that lie side by side. The padded twin has the same counters on lines
// of their own, and so have two threads that use it. Says how long a million steps take in each.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "truth.h"

namespace stats {

struct Shared {
  std::atomic<long> produced{0};
  std::atomic<long> consumed{0};
  std::atomic<bool> stop{false};
};

struct Padded {
  alignas(64) std::atomic<long> produced{0};
  alignas(64) std::atomic<long> consumed{0};
  alignas(64) std::atomic<bool> stop{false};
};

struct Slot {
  std::atomic<long> count{0};
  std::atomic<long> total{0};
};

struct Turns {  // each is another thread's
  alignas(64) std::atomic<long> left{0};
  std::atomic<long> right{0};
};
Turns turns;

}  // namespace stats

stats::Shared* shared = nullptr;
stats::Padded* padded = nullptr;
stats::Slot* slots = nullptr;

template <typename Stats>
[[gnu::noinline]] void produce(Stats* stats) {
  while (!stats->stop.load(std::memory_order_relaxed)) stats->produced.fetch_add(1, std::memory_order_relaxed);
}

template <typename Stats>
[[gnu::noinline]] void consume(Stats* stats) {
  while (!stats->stop.load(std::memory_order_relaxed)) stats->consumed.fetch_add(1, std::memory_order_relaxed);
}

[[gnu::noinline]] void tick(stats::Slot* slot) {
  for (;;) slot->count.fetch_add(1, std::memory_order_relaxed);
}

[[gnu::noinline]] void go_left() {
  for (;;) stats::turns.left.fetch_add(1, std::memory_order_relaxed);
}

[[gnu::noinline]] void go_right() {
  for (;;) stats::turns.right.fetch_add(1, std::memory_order_relaxed);
}

/// Picoseconds for each step of one thread while the other counts as well.
template <typename Stats>
std::size_t measure(Stats* stats) {
  std::thread first(produce<Stats>, stats);
  std::thread second(consume<Stats>, stats);
  const auto start = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  stats->stop = true;
  first.join();
  second.join();
  const auto time = std::chrono::steady_clock::now() - start;
  const long steps = stats->produced + stats->consumed;
  stats->stop = false;
  const auto picoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(time).count() * 2000 / (steps + 1);
  return static_cast<std::size_t>(picoseconds);
}

int main() {
  shared = new stats::Shared();
  padded = new stats::Padded();
  slots = new stats::Slot[8]();
  std::size_t first_slot = 0;  // where a cache line begins
  while (reinterpret_cast<std::uintptr_t>(slots + first_slot) % 64 != 0) ++first_slot;
  truth::say("shared", static_cast<const void*>(shared));
  truth::say("padded", static_cast<const void*>(padded));
  truth::say("ps_shared", measure(shared));
  truth::say("ps_padded", measure(padded));
  truth::say("slots", static_cast<const void*>(slots));
  truth::say("first_slot", first_slot);
  truth::say("threads", std::size_t{9});
  truth::say("leaked_blocks", std::size_t{0});
  truth::say("leak_heads", std::size_t{0});
  truth::say("leak_cycles", std::size_t{0});
  std::thread(produce<stats::Shared>, shared).detach();
  std::thread(consume<stats::Shared>, shared).detach();
  std::thread(produce<stats::Padded>, padded).detach();
  std::thread(consume<stats::Padded>, padded).detach();
  std::thread(tick, slots + first_slot).detach();
  std::thread(tick, slots + first_slot + 1).detach();
  std::thread(go_left).detach();
  std::thread(go_right).detach();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  truth::ready();
}
