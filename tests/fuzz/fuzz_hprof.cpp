// HPROF: everything formats/hprof.h reads. Every byte must be used or counted as damage.
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/hprof_walk.h"

void fuzz(formats::Bytes input) {
  const tests::HprofWalk walk = tests::walk_hprof(input);
  if (walk.has_header && walk.used_bytes + walk.damage.bytes() != input.size()) __builtin_trap();
}
