// The truth about a process's heap: every allocation and every release, written as it happens.
//
//   LD_PRELOAD=./malloc_log.so[:liballocator.so] MALLOC_LOG=FILE PROGRAM
//
// A line per event, "+ ADDRESS SIZE" or "- ADDRESS", hexadecimal address and the decimal size that was asked for. What
// is live is what has been added and not removed: `live_blocks.awk` replays it. A release is written before the block
// is given back and an allocation after it was got, so that the order is right however threads interleave; each line is
// one write(2) to a file in append mode. Nothing is remembered in the process: no memory of the log is in the core, where
// it would look like references to the blocks it lists. C++'s operators are here too, because other allocators' own do
// not come through malloc.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

static int log_fd = -1;
static void* (*real_malloc)(size_t);
static void* (*real_calloc)(size_t, size_t);
static void* (*real_realloc)(void*, size_t);
static void* (*real_memalign)(size_t, size_t);
static void (*real_free)(void*);

static void write_event(char sign, const void* block, size_t size) {
  if (log_fd < 0 || block == NULL) return;
  const int saved = errno;
  char line[64];
  char* end = line + sizeof line;
  char* at = end;
  *--at = '\n';
  if (sign == '+') {
    do *--at = (char)('0' + size % 10);
    while ((size /= 10) != 0);
    *--at = ' ';
  }
  uintptr_t address = (uintptr_t)block;
  do *--at = "0123456789abcdef"[address % 16];
  while ((address /= 16) != 0);
  *--at = ' ';
  *--at = sign;
  if (write(log_fd, at, (size_t)(end - at)) != end - at) _exit(99);  // a log with holes would be no truth
  errno = saved;
}

// The first call of all comes from the dynamic linker, before there are threads.
static int ready(void) {
  static int state;  // 0 = not yet, 1 = looking up (dlsym may want memory, and does without), 2 = ready
  if (state == 2) return 1;
  if (state == 1) return 0;
  state = 1;
  *(void**)&real_calloc = dlsym(RTLD_NEXT, "calloc");
  *(void**)&real_realloc = dlsym(RTLD_NEXT, "realloc");
  *(void**)&real_memalign = dlsym(RTLD_NEXT, "memalign");
  *(void**)&real_free = dlsym(RTLD_NEXT, "free");
  *(void**)&real_malloc = dlsym(RTLD_NEXT, "malloc");
  const char* path = getenv("MALLOC_LOG");
  if (path != NULL) log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  state = 2;
  return 1;
}

void* malloc(size_t size) {
  if (!ready()) return NULL;
  void* block = real_malloc(size);
  write_event('+', block, size);
  return block;
}

void* calloc(size_t count, size_t size) {
  if (!ready()) return NULL;
  void* block = real_calloc(count, size);
  write_event('+', block, count * size);
  return block;
}

void free(void* block) {
  if (block == NULL || !ready()) return;
  write_event('-', block, 0);
  real_free(block);
}

void* realloc(void* block, size_t size) {
  if (block == NULL) return malloc(size);
  if (!ready()) return NULL;
  const size_t before = malloc_usable_size(block);
  write_event('-', block, 0);
  void* moved = real_realloc(block, size);
  if (moved != NULL) write_event('+', moved, size);
  if (moved == NULL && size != 0) write_event('+', block, before);
  return moved;
}

void* memalign(size_t alignment, size_t size) {
  if (!ready()) return NULL;
  void* block = real_memalign(alignment, size);
  write_event('+', block, size);
  return block;
}

void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void** out, size_t alignment, size_t size) {
  void* block = memalign(alignment, size);
  if (block == NULL) return ENOMEM;
  *out = block;
  return 0;
}

// operator new and delete, by their mangled names.
static void* or_abort(void* block) { return block != NULL ? block : (abort(), NULL); }
void* _Znwm(size_t size) { return or_abort(malloc(size == 0 ? 1 : size)); }
void* _Znam(size_t size) { return or_abort(malloc(size == 0 ? 1 : size)); }
void* _ZnwmSt11align_val_t(size_t size, size_t alignment) { return or_abort(memalign(alignment, size)); }
void* _ZnamSt11align_val_t(size_t size, size_t alignment) { return or_abort(memalign(alignment, size)); }
void _ZdlPv(void* block) { free(block); }
void _ZdaPv(void* block) { free(block); }
void _ZdlPvm(void* block, size_t size) { (void)size, free(block); }
void _ZdaPvm(void* block, size_t size) { (void)size, free(block); }
void _ZdlPvSt11align_val_t(void* block, size_t alignment) { (void)alignment, free(block); }
void _ZdaPvSt11align_val_t(void* block, size_t alignment) { (void)alignment, free(block); }
void _ZdlPvmSt11align_val_t(void* block, size_t size, size_t alignment) { (void)size, (void)alignment, free(block); }
void _ZdaPvmSt11align_val_t(void* block, size_t size, size_t alignment) { (void)size, (void)alignment, free(block); }
