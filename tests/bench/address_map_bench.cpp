// Look-ups of the address map (queries/address_map.h): a heap in one piece, and the same objects in two and in five
// pieces far apart, as processes have them (the program's heap, arenas, mapped blocks). Words are asked as an importer
// asks them: most point into a heap, some between heaps, where code and stacks are.
//
//   address_map_bench [million objects]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <vector>

#include "queries/address_map.h"

namespace {

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

struct Layout {
  const char* name;
  std::vector<std::uint64_t> starts;
};

/// Nanoseconds a look-up: exact, and at or below.
std::pair<double, double> measure(const Layout& layout, std::uint64_t objects) {
  constexpr std::uint64_t object_size = 64;
  std::mt19937_64 random(1);
  queries::AddressMap map;
  const std::uint64_t in_each = objects / layout.starts.size();
  for (const std::uint64_t start : layout.starts) {
    for (std::uint64_t i = 0; i < in_each; ++i) map.add(start + i * object_size + random() % 4 * 16);
  }
  map.freeze();
  std::vector<std::uint64_t> words;
  for (std::size_t i = 0; i < std::size_t{1} << 22; ++i) {
    const std::uint64_t start = layout.starts[random() % layout.starts.size()];
    const bool between = random() % 5 == 0;
    words.push_back(between ? 0x6000'0000'0000 + random() % (std::uint64_t{1} << 40)
                            : start + random() % (in_each * object_size));
  }
  std::uint64_t sum = 0;  // so that nothing is optimised away
  constexpr int rounds = 4;
  const double begin = cpu_seconds();
  for (int round = 0; round < rounds; ++round) {
    for (const std::uint64_t word : words) sum += index(map.id_of(word & ~std::uint64_t{7}));
  }
  const double exact = cpu_seconds();
  for (int round = 0; round < rounds; ++round) {
    for (const std::uint64_t word : words) sum += map.at_or_below(word).address;
  }
  const double below = cpu_seconds();
  if (sum == 0) std::puts("nothing found");
  const double count = static_cast<double>(words.size()) * rounds * 1e-9;
  return {(exact - begin) / count, (below - exact) / count};
}

}  // namespace

int main(int count, char** arguments) {
  const std::uint64_t objects = (count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 5) * 1'000'000;
  const std::vector<Layout> layouts{
      {"one heap", {0x5555'5555'0000}},
      {"two heaps", {0x5555'5555'0000, 0x7fff'0000'0000}},
      {"five heaps", {0x5555'5555'0000, 0x7ff0'0000'0000, 0x7ff4'0000'0000, 0x7ff8'0000'0000, 0x7fff'0000'0000}},
  };
  std::printf("%-12s %14s %18s   (ns of CPU a look-up, %llu objects)\n", "layout", "id_of", "at_or_below",
              static_cast<unsigned long long>(objects));
  std::pair<double, double> one;
  for (const Layout& layout : layouts) {
    const auto [exact, below] = measure(layout, objects);
    if (one.first == 0) one = {exact, below};
    std::printf("%-12s %7.2f (x%.2f) %11.2f (x%.2f)\n", layout.name, exact, exact / one.first, below,
                below / one.second);
  }
}
