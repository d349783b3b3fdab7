// Preloaded beside libc_malloc_debug.so: a program that never calls mtrace() is traced from its start.
#include <mcheck.h>

__attribute__((constructor)) static void begin(void) { mtrace(); }
