// Reports of gperftools' leak checker: the reader, and the import, whose profile must not contradict itself.
#include "formats/heapcheck.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/importers/imported_profile.h"

void fuzz(formats::Bytes input) {
  formats::DamageLog damage;
  const formats::heapcheck::Report report = formats::heapcheck::read(input, damage);
  if (report.leaks.size() > input.size() || damage.bytes() > input.size()) __builtin_trap();
  tests::import_profile_or_trap(input, formats::heapcheck::looks_like);
}
