// A C++ process with a heap of a chosen size, which ends in a core file: native_heap MILLIONS TRUTH [wait]
//
// MILLIONS of allocations, about 100 bytes of core each: a map, an unordered_map of sessions with strings, vectors and
// shared_ptrs, polymorphic objects, a list, buffers half of which were freed again (holes), leaks (single objects and
// shared_ptr cycles), and four threads with arenas of their own. TRUTH gets one line: how many blocks are in use and
// how many of them are leaked, counted where they are allocated. Then it aborts, or with `wait` prints its process id
// and sleeps, for gcore. The same argument gives the same heap but for addresses.
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <list>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

std::atomic<std::uint64_t> in_use{0};

void* allocate(std::size_t size) {
  void* block = std::malloc(size);
  if (block == nullptr) std::abort();
  in_use.fetch_add(1, std::memory_order_relaxed);
  return block;
}
void release(void* block) {
  if (block == nullptr) return;
  in_use.fetch_sub(1, std::memory_order_relaxed);
  std::free(block);
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void operator delete(void* block) noexcept { release(block); }
void operator delete(void* block, std::size_t) noexcept { release(block); }

namespace {

struct Shape {
  virtual ~Shape() = default;
  std::uint64_t id = 0;
};
struct Circle : Shape {
  double radius = 1;
};
struct Square : Shape {
  std::array<double, 3> sides{1, 2, 3};
};
struct Lost : Shape {
  std::array<std::uint64_t, 5> values{1, 2, 3, 4, 5};
};
struct Session {
  std::uint64_t id = 0;
  std::string user;
  std::vector<std::uint32_t> hits;
  std::shared_ptr<Square> square;
};
struct Peer {
  std::shared_ptr<Peer> other;
  std::array<std::uint64_t, 4> values{};
};

std::map<std::uint64_t, std::string> names;
std::unordered_map<std::string, std::unique_ptr<Session>> sessions;
std::vector<std::unique_ptr<Shape>> shapes;
std::list<std::string> lines;
std::vector<std::unique_ptr<std::string>> buffers;
std::array<std::vector<std::string>, 4> of_threads;
std::atomic<unsigned> ready{0};
std::uint64_t leaked = 0;  // all of them are the main thread's

/// Where one unit's worth of everything is made: 13.4 blocks on average.
void make_unit(std::uint64_t i) {
  names[i] = std::string(16 + i % 60, 'n');
  auto session = std::make_unique<Session>();
  session->id = i;
  session->user = "user-with-a-long-name-" + std::to_string(i);
  session->hits.resize(1 + i % 40);
  session->square = std::make_shared<Square>();
  sessions["session-key-" + std::to_string(i + 1'000'000'000)] = std::move(session);
  if (i % 2 == 0) {
    shapes.push_back(std::make_unique<Circle>());
  } else {
    shapes.push_back(std::make_unique<Square>());
  }
  shapes.back()->id = i;
  lines.emplace_back(16 + i % 80, 'l');
  buffers.push_back(std::make_unique<std::string>(64 + i * 37 % 600, 'b'));
}

/// Not inlined, as is scrub: no pointer to what is lost stays in a frame that is still alive.
[[gnu::noinline]] void lose(std::uint64_t i) {
  const std::uint64_t before = in_use;
  auto* lost = new Lost;
  lost->id = i;
  if (i % 4 == 0) {
    auto one = std::make_shared<Peer>();
    one->other = std::make_shared<Peer>();
    one->other->other = one;
  }
  leaked += in_use - before;
}

[[gnu::noinline]] void scrub(int depth) {
  std::array<volatile char, 4096> bytes;
  for (volatile char& byte : bytes) byte = 0;
  if (depth > 0) scrub(depth - 1);
  bytes[0] = 1;  // after the call: no tail call
}

void work(std::size_t number, std::uint64_t count) {
  std::vector<std::string>& mine = of_threads[number];
  for (std::uint64_t i = 0; i < count; ++i) mine.emplace_back(40 + i % 200, 't');
  ++ready;
  for (;;) pause();
}

}  // namespace

int main(int argc, char** argv) {
  const double millions = argc >= 3 ? std::strtod(argv[1], nullptr) : 0;
  if (millions <= 0 || millions > 1000) {
    std::fputs("usage: native_heap MILLIONS TRUTH [wait]\n", stderr);
    return 2;
  }
  const auto units = static_cast<std::uint64_t>(millions * 1e6 / 13.4) + 1;
  for (std::uint64_t i = 0; i < units; ++i) {
    make_unit(i);
    if (i % 8 == 0) lose(i);
  }
  for (std::size_t i = 1; i < buffers.size(); i += 2) buffers[i].reset();
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < of_threads.size(); ++i) threads.emplace_back(work, i, units / 4);
  while (ready < of_threads.size()) usleep(1000);
  scrub(8);

  std::FILE* truth = std::fopen(argv[2], "w");
  if (truth == nullptr) return 1;
  std::fprintf(truth, "%llu %llu\n", static_cast<unsigned long long>(in_use.load()),
               static_cast<unsigned long long>(leaked));
  std::fclose(truth);
  if (argc > 3 && std::string_view(argv[3]) == "wait") {
    std::printf("%d\n", static_cast<int>(getpid()));
    std::fflush(stdout);
    for (;;) pause();
  }
  std::abort();
}
