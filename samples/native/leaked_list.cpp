// The fault: a list is dropped with all of its nodes. Another one, as long as it, is kept: no leak.
#include "truth.h"

namespace {

constexpr std::size_t lost_nodes = 1000;
constexpr std::size_t kept_nodes = 500;

struct Node {
  Node* next;
  long payload[6];
};

Node* kept_list;

[[gnu::noinline]] Node* make_list(std::size_t length) {
  Node* head = nullptr;
  for (std::size_t i = 0; i < length; ++i) head = new Node{head, {static_cast<long>(i)}};
  return head;
}

[[gnu::noinline]] void lose_list() {
  const volatile Node* head = make_list(lost_nodes);
  static_cast<void>(head);
}

}  // namespace

int main() {
  lose_list();
  kept_list = make_list(kept_nodes);
  truth::say("leaked_blocks", lost_nodes);
  truth::say("leak_heads", 1);
  truth::say("leak_cycles", std::size_t{0});
  truth::say("requested_bytes_each", sizeof(Node));
  truth::ready();
  return kept_list == nullptr;
}
