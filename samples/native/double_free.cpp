// The fault: a block is freed twice. glibc's malloc sees it before it changes anything, and aborts.
#include <cstdlib>

#include "truth.h"

void* kept;
void* volatile freed;

int main() {
  kept = std::malloc(200);
  freed = std::malloc(100);
  truth::say("live", kept);
  truth::say("freed", freed);
  truth::say("leaked_blocks", std::size_t{0});
  truth::say("leak_heads", std::size_t{0});
  truth::say("leak_cycles", std::size_t{0});
  truth::ready();
  void* const once = freed;
  void* const twice = freed;
  std::free(once);
  std::free(twice);
}
