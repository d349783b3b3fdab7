// The fault: a call drops the only pointer to what it has allocated. The pointer is still in the dead part of the
// stack, where the call had its locals, and tells who lost it.
#include <unistd.h>

#include "truth.h"

namespace {

struct Lost {
  long number = 7;
  long more[12] = {};
};

[[gnu::noinline]] void forget() {
  Lost* volatile held[64] = {};
  held[32] = new Lost();
}

[[gnu::noinline]] void work() {
  volatile char room[1024];                   // what main calls next stays above
  asm volatile("" : : "r"(room) : "memory");  // all of it is needed
  forget();
  asm volatile("" : : "r"(room) : "memory");  // no tail call: it returns to here
}

}  // namespace

int main() {
  truth::say("leaked_blocks", std::size_t{1});
  truth::say("leak_heads", std::size_t{1});
  truth::say("leak_cycles", std::size_t{0});
  char byte = 0;
  // Found by the dynamic linker now, which takes much of the stack.
  (void)!write(STDOUT_FILENO, "", 0);
  (void)!read(STDIN_FILENO, &byte, 0);
  truth::scrub_stack();
  work();
  // Nothing that needs the stack from here on.
  (void)!write(STDOUT_FILENO, "ready\n", 6);
  while (read(STDIN_FILENO, &byte, 1) > 0) continue;
}
