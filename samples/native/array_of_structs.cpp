// The fault: a loop that reads one number of each particle goes over an array of structs: of 96 bytes that come into
// the cache it uses 8. The same numbers in an array of their own, beside it, are read without waste. Says how long each
// takes.
#include <chrono>
#include <cstdint>
#include <vector>

#include "truth.h"

namespace physics {

struct Particle {
  double mass = 1;
  double position[3] = {};
  double velocity[3] = {};
  double force[3] = {};
  std::int64_t id = 0;
  std::int64_t cell = 0;
};

struct Masses {
  std::vector<double> mass;
};

}  // namespace physics

std::vector<physics::Particle> particles;
physics::Masses masses;

[[gnu::noinline]] double mass_of_structs(const std::vector<physics::Particle>& all) {
  double sum = 0;
  for (const physics::Particle& one : all) sum += one.mass;
  return sum;
}

[[gnu::noinline]] double mass_of_arrays(const physics::Masses& all) {
  double sum = 0;
  for (const double one : all.mass) sum += one;
  return sum;
}

template <typename F>
std::size_t microseconds(F&& f) {
  std::size_t best = ~std::size_t{0};
  for (int round = 0; round < 5; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 4; ++i) f();
    const auto time = std::chrono::steady_clock::now() - start;
    const auto taken = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
    if (static_cast<std::size_t>(taken) < best) best = static_cast<std::size_t>(taken);
  }
  return best;
}

int main() {
  constexpr std::size_t count = 400'000;
  particles.resize(count);
  masses.mass.assign(count, 1);
  for (std::size_t i = 0; i < count; ++i) particles[i].id = static_cast<std::int64_t>(i);
  volatile double sum = 0;
  truth::say("particle_count", count);
  truth::say("particle_size", sizeof(physics::Particle));
  truth::say("us_array_of_structs", microseconds([&] { sum = sum + mass_of_structs(particles); }));
  truth::say("us_struct_of_arrays", microseconds([&] { sum = sum + mass_of_arrays(masses); }));
  truth::say("leaked_blocks", std::size_t{0});
  truth::say("leak_heads", std::size_t{0});
  truth::say("leak_cycles", std::size_t{0});
  truth::ready();
}
