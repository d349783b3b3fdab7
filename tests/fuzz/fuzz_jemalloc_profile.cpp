// The import of these profiles, whole: what comes out must not contradict itself, and damage is no more than the input.
#include "formats/jemalloc_profile.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/importers/imported_profile.h"

void fuzz(formats::Bytes input) {
  formats::DamageLog damage;
  formats::jemalloc_profile::Reader reader(input, damage);
  for (formats::jemalloc_profile::Sample sample; reader.next(sample);) {
    if (sample.offset > input.size()) __builtin_trap();
  }
  if (damage.bytes() > input.size()) __builtin_trap();
  tests::import_profile_or_trap(input, formats::jemalloc_profile::looks_like);
}
