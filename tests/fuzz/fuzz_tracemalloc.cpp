// tracemalloc's pickles: the machine, and the import, whose profile must not contradict itself.
#include "formats/tracemalloc_snapshot.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/importers/imported_profile.h"

void fuzz(formats::Bytes input) {
  formats::DamageLog damage;
  const formats::tracemalloc_snapshot::Snapshot snapshot = formats::tracemalloc_snapshot::read(input, damage);
  if (snapshot.traces.size() > input.size() || damage.bytes() > input.size()) __builtin_trap();
  for (const auto& trace : snapshot.traces) {
    if (trace.traceback >= snapshot.tracebacks.size()) __builtin_trap();
  }
  tests::import_profile_or_trap(input, formats::tracemalloc_snapshot::looks_like);
}
