// The fault: two worker threads put finished jobs into a global map, and nobody takes them out; every tenth job's
// result is lost as well. Says that it is ready, grows, and says so again: for two dumps of one process, and what is
// new in the second. What grows is a map, its keys' texts, and a leak; what was there before stays where it is.
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "truth.h"

namespace {

constexpr std::size_t workers = 2;
constexpr std::size_t jobs = 500;  // of each worker, in each of two rounds
constexpr std::size_t lost_every = 10;
constexpr std::size_t text = 100;

struct Result {
  long values[16] = {};
};

std::mutex mutex;

[[gnu::noinline]] void lose_result() {
  auto* result = new Result;
  asm volatile("" : : "r"(result) : "memory");  // else its zeroes are not written, and it keeps an allocator's links
}

}  // namespace

std::map<std::string, long> finished_jobs;

namespace {

void work(std::size_t first) {
  for (std::size_t i = first; i < first + jobs; ++i) {
    std::string name = "job " + std::to_string(i);
    name.resize(text, '.');
    if (i % lost_every == 0) lose_result();
    const std::lock_guard<std::mutex> lock(mutex);
    finished_jobs.emplace(name, static_cast<long>(i));
  }
  truth::scrub_stack();
}

[[gnu::noinline]] void run_round(std::size_t round) {
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < workers; ++i) threads.emplace_back(work, (round * workers + i) * jobs);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

int main() {
  run_round(0);
  truth::ready_for_the_first();
  run_round(1);
  constexpr std::size_t lost = 2 * workers * jobs / lost_every;
  truth::say("leaked_blocks", lost);
  truth::say("leak_heads", lost);
  truth::say("leak_cycles", std::size_t{0});
  truth::say("new_nodes", workers * jobs);
  truth::say("new_texts", workers * jobs);
  truth::say("new_leaks", lost / 2);
  truth::ready();
}
