// profile.proto: the reader, and the import, whose profile must not contradict itself.
#include "formats/pprof.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/importers/imported_profile.h"

void fuzz(formats::Bytes input) {
  formats::DamageLog damage;
  const formats::pprof::Profile profile = formats::pprof::read(input, damage);
  if (damage.bytes() > input.size()) __builtin_trap();
  formats::pprof::Sample sample;
  for (const formats::Bytes body : profile.samples) (void)parse_sample(body, sample);
  tests::import_profile_or_trap(input, formats::pprof::looks_like);
}
