// No fault: 120,000 objects of 72 classes, built in place, by constructors that call constructors, by make_unique and
// make_shared; for what the machine code says of a heap.
//
// True: every block of these classes is of its class's size; nothing is leaked.
#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "truth.h"

namespace fleet {

struct Vehicle {
  explicit Vehicle(long number) : number_(number) {}
  virtual ~Vehicle() = default;
  virtual long weight() const { return number_; }
  long number_;
};

template <int N>
struct Van : Vehicle {
  explicit Van(long number) : Vehicle(number) { load_[0] = number; }
  long weight() const override {
    long sum = 0;
    for (const long one : load_) sum += one;
    return sum;
  }
  long load_[N + 1] = {};
};

template <int N>
struct Truck : Van<N> {
  explicit Truck(long number);
  long weight() const override { return Van<N>::weight() + trailer_; }
  long trailer_ = N;
};
template <int N>
__attribute__((noinline)) Truck<N>::Truck(long number) : Van<N>(number) {}

struct Tracked {
  virtual ~Tracked() = default;
  virtual void seen() { positions_.fetch_add(1); }
  std::atomic<int> positions_{0};
};

template <int N>
struct Bus : Truck<N>, Tracked {
  explicit Bus(long number) : Truck<N>(number) {}
  char seats_[8 * N + 8] = {};
};

std::vector<Vehicle*> registry;
std::vector<std::unique_ptr<Vehicle>> owned;
std::vector<std::shared_ptr<Vehicle>> shared;

template <int N>
__attribute__((noinline)) void make(long number) {
  registry.push_back(new Van<N>(number));
  registry.push_back(new Truck<N>(number));
  owned.push_back(std::make_unique<Bus<N>>(number));
  shared.push_back(std::make_shared<Van<N>>(number));
}

template <int... N>
void make_all(long number, std::integer_sequence<int, N...>) {
  (make<N>(number), ...);
}

template <int... N>
std::size_t object_bytes(std::integer_sequence<int, N...>) {
  return ((sizeof(Van<N>) + sizeof(Truck<N>) + sizeof(Bus<N>)) + ...);
}

}  // namespace fleet

int main() {
  constexpr int classes = 24;
  constexpr long rounds = 1250;
  for (long i = 0; i < rounds; ++i) fleet::make_all(i, std::make_integer_sequence<int, classes>());
  truth::say("leaked_blocks", std::size_t{0});
  truth::say("leak_heads", std::size_t{0});
  truth::say("leak_cycles", std::size_t{0});
  truth::say("blocks_of_classes", static_cast<std::size_t>(4 * classes * rounds));
  truth::say("class_bytes", fleet::object_bytes(std::make_integer_sequence<int, classes>()));
  truth::ready();
  long sum = 0;
  for (const fleet::Vehicle* one : fleet::registry) sum += one->weight();
  return sum == 0;
}
