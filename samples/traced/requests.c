// A server's afternoon, the same on every run: sessions of which every fourth is forgotten, requests that live for a
// moment, a batch that makes the peak. For recorders of allocations: it counts what it asks for, and prints it.
//
// Nothing else allocates: no stdio, no C++. mtrace() is glibc's; it does nothing unless $MALLOC_TRACE is set and
// libc_malloc_debug.so is preloaded.
#include <malloc.h>
#include <mcheck.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { sessions = 2000, open_at_once = 8, requests = 10000, batch = 600 };

static size_t allocation_count, allocated_bytes, live_count, live_bytes, peak_bytes, peak_count;
static size_t usable_allocated_bytes, usable_live_bytes;  // as the allocator rounds them up

static void count(void* block, size_t bytes) {
  usable_allocated_bytes += malloc_usable_size(block);
  usable_live_bytes += malloc_usable_size(block);
  ++allocation_count;
  allocated_bytes += bytes;
  ++live_count;
  live_bytes += bytes;
  if (live_bytes > peak_bytes) {
    peak_bytes = live_bytes;
    peak_count = live_count;
  }
}

static void release(void* block, size_t bytes) {
  usable_live_bytes -= malloc_usable_size(block);
  free(block);
  --live_count;
  live_bytes -= bytes;
}

static size_t session_size(int id) { return 48 + (size_t)(id % 5) * 16; }
static size_t request_size(int id) { return 100 + (size_t)id * 7 % 400; }

__attribute__((noinline)) static void* open_session(int id) {
  void* session = malloc(session_size(id));
  count(session, session_size(id));
  memset(session, 1, session_size(id));
  return session;
}

__attribute__((noinline)) static void close_session(void* session, int id) {
  release(session, session_size(id));
}

__attribute__((noinline)) static int handle_request(int id) {
  char* text = malloc(request_size(id));
  count(text, request_size(id));
  memset(text, id, request_size(id));
  const int sum = text[id % 100];
  release(text, request_size(id));
  return sum;
}

__attribute__((noinline)) static int run_batch(void) {
  static void* rows[batch];
  int sum = 0;
  for (int i = 0; i < batch; ++i) {
    rows[i] = calloc(3, 100);
    count(rows[i], 300);
  }
  for (int i = 0; i < batch; ++i) {
    sum += ((char*)rows[i])[7];
    release(rows[i], 300);
    rows[i] = NULL;
  }
  return sum;
}

__attribute__((noinline)) static int serve(void) {
  void* open[open_at_once] = {NULL};
  int sum = 0;
  for (int id = 0; id < sessions; ++id) {
    const int slot = id % open_at_once;
    if (open[slot] != NULL) close_session(open[slot], id - open_at_once);
    open[slot] = open_session(id);
    if (id % 4 == 0) open[slot] = NULL;  // forgotten
    for (int i = 0; i < requests / sessions; ++i) sum += handle_request(id * (requests / sessions) + i);
    if (id == sessions / 2) sum += run_batch();
  }
  for (int id = sessions - open_at_once; id < sessions; ++id) {
    if (open[id % open_at_once] != NULL) close_session(open[id % open_at_once], id);
  }
  return sum;
}

int main(void) {
  mtrace();
  const int sum = serve();
  char text[512];
  const int size =
      snprintf(text, sizeof text,
               "allocation_count %zu\nallocated_bytes %zu\nlive_count %zu\nlive_bytes %zu\npeak_count %zu\npeak_bytes %zu\n"
               "usable_allocated_bytes %zu\nusable_live_bytes %zu\nsum %d\n",
               allocation_count, allocated_bytes, live_count, live_bytes, peak_count, peak_bytes, usable_allocated_bytes,
               usable_live_bytes, sum);
  return write(STDOUT_FILENO, text, (size_t)size) == size ? 0 : 1;
}
