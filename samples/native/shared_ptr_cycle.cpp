// The fault: parents and children own each other with std::shared_ptr, so no pair is ever freed. Children that point
// back with std::weak_ptr, as they should, are freed.
#include <memory>

#include "truth.h"

namespace {

constexpr std::size_t pairs = 300;

struct Session {
  std::shared_ptr<Session> peer;
  std::weak_ptr<Session> observer;
  long payload[8] = {};
};

[[gnu::noinline]] void lose_pair() {
  const auto parent = std::make_shared<Session>();
  const auto child = std::make_shared<Session>();
  parent->peer = child;
  child->peer = parent;
}

[[gnu::noinline]] void free_pair() {
  const auto parent = std::make_shared<Session>();
  const auto child = std::make_shared<Session>();
  parent->peer = child;
  child->observer = parent;
}

}  // namespace

int main() {
  for (std::size_t i = 0; i < pairs; ++i) {
    lose_pair();
    free_pair();
  }
  truth::say("leaked_blocks", 2 * pairs);
  truth::say("leak_heads", pairs);
  truth::say("leak_cycles", pairs);
  truth::ready();
}
