// The fault: free memory in pieces that no larger request can use: 24 used, 64 free, 48 used, 128 free, 16 used, in
// KiB. Exactly these sizes with glibc's malloc, where a block has 8 bytes more than were asked for. KiB, because a
// thread's cache keeps small blocks that are freed, and one that it keeps is not free to others.
#include <malloc.h>

#include <cstdlib>

#include "truth.h"

namespace {

void* blocks[5];

void* allocate(std::size_t kibibytes) { return std::malloc(kibibytes * 1024 - 8); }

}  // namespace

int main() {
  mallopt(M_MMAP_THRESHOLD, 1 << 20);  // all five from the heap itself
  constexpr std::size_t sizes[] = {24, 64, 48, 128, 16};
  for (std::size_t i = 0; i < 5; ++i) blocks[i] = allocate(sizes[i]);
  truth::say("used_24", blocks[0]);
  truth::say("free_64", blocks[1]);
  truth::say("used_48", blocks[2]);
  truth::say("free_128", blocks[3]);
  truth::say("used_16", blocks[4]);
  for (std::size_t i = 1; i < 5; i += 2) {
    std::free(blocks[i]);
    blocks[i] = nullptr;
  }
  truth::say("leaked_blocks", std::size_t{0});
  truth::say("leak_heads", std::size_t{0});
  truth::say("leak_cycles", std::size_t{0});
  truth::ready();
}
