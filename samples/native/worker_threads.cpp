// The fault: each of four worker threads drops a list of three nodes. What it keeps is kept by that thread alone: a
// block by a variable on its stack, a buffer by a thread-local vector; blocks that it has freed lie in its own cache,
// and with glibc's malloc all of it in an arena of its own. None of that is leaked.
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

#include "truth.h"

namespace {

constexpr std::size_t workers = 4;
constexpr std::size_t lost_each = 3;
constexpr std::size_t cached_each = 5;  // a thread's cache takes seven of a size

struct Node {
  Node* next;
  long payload[4];
};

struct Request {
  long id;
  long payload[30];
};

struct Worker {
  const void* on_stack = nullptr;
  const void* thread_local_buffer = nullptr;
  const void* cached = nullptr;
};

Worker truths[workers];
std::mutex mutex;
std::condition_variable changed;
std::size_t at_work = 0;
bool is_over = false;
thread_local std::vector<long> recent_ids;

[[gnu::noinline]] Node* make_list() {
  Node* head = nullptr;
  for (std::size_t i = 0; i < lost_each; ++i) head = new Node{head, {}};
  return head;
}

[[gnu::noinline]] void lose_list() {
  const volatile Node* lost = make_list();
  static_cast<void>(lost);
}

/// The address of one of the blocks that lie in the thread's cache from now on.
[[gnu::noinline]] const void* fill_cache() {
  void* blocks[cached_each];
  for (void*& block : blocks) block = std::malloc(104);
  for (void* block : blocks) std::free(block);
  return blocks[0];
}

[[gnu::noinline]] void wait_for_the_end() {
  std::unique_lock<std::mutex> lock(mutex);
  ++at_work;
  changed.notify_all();
  changed.wait(lock, [] { return is_over; });
}

[[gnu::noinline]] void serve(std::size_t number) {
  Request* volatile request = new Request{static_cast<long>(number), {}};
  recent_ids.assign(64, static_cast<long>(number));
  lose_list();
  truths[number].cached = fill_cache();
  truths[number].on_stack = request;
  truths[number].thread_local_buffer = recent_ids.data();
  truth::scrub_stack();
  wait_for_the_end();
  delete request;
}

}  // namespace

int main() {
  std::vector<std::thread> threads;
  threads.reserve(workers);
  for (std::size_t i = 0; i < workers; ++i) threads.emplace_back(serve, i);
  {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [] { return at_work == workers; });
  }
  for (std::size_t i = 0; i < workers; ++i) {
    char name[32];
    std::snprintf(name, sizeof name, "on_stack_%zu", i);
    truth::say(name, truths[i].on_stack);
    std::snprintf(name, sizeof name, "thread_local_%zu", i);
    truth::say(name, truths[i].thread_local_buffer);
    std::snprintf(name, sizeof name, "cached_%zu", i);
    truth::say(name, truths[i].cached);
  }
  for (Worker& worker : truths) worker = {};  // or this list would hold what the threads alone are to hold
  truth::say("threads", workers + 1);
  truth::say("leaked_blocks", workers * lost_each);
  truth::say("leak_heads", workers);
  truth::say("leak_cycles", std::size_t{0});
  truth::ready();
  {
    const std::lock_guard<std::mutex> lock(mutex);
    is_over = true;
  }
  changed.notify_all();
  for (std::thread& thread : threads) thread.join();
}
