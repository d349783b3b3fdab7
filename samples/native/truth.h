// What every sample here ends with: it says what is true of its heap, then waits to be dumped.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdio>

namespace truth {

/// One line "name value" on standard output. Takes no memory from the heap.
inline void say(const char* name, std::size_t value) { dprintf(STDOUT_FILENO, "%s %zu\n", name, value); }
inline void say(const char* name, const void* address) {
  dprintf(STDOUT_FILENO, "%s %zx\n", name, reinterpret_cast<std::size_t>(address));
}

/// Overwrites what calls that have returned left on the stack below: stale words, of which some would lie in the frames
/// of calls yet to come and look like references.
[[gnu::noinline]] inline void scrub_stack() {
  volatile char area[64 * 1024];
  for (volatile char& byte : area) byte = 0;
}

/// Of samples that are dumped twice: waits for a line of standard input.
[[gnu::noinline]] inline void ready_for_the_first() {
  scrub_stack();
  dprintf(STDOUT_FILENO, "ready for the first\n");
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0 && byte != '\n') continue;
}

/// Waits until standard input ends: now is the time to dump.
[[gnu::noinline]] inline void ready() {
  scrub_stack();
  dprintf(STDOUT_FILENO, "ready\n");
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) continue;
}

}  // namespace truth
