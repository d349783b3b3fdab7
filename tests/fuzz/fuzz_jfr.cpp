// JFR's events as JSON: the reader, and the import, whose profile must not contradict itself.
#include "formats/jfr_json.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/importers/imported_profile.h"

void fuzz(formats::Bytes input) {
  formats::DamageLog damage;
  formats::jfr_json::Reader reader(input, damage);
  std::uint64_t last = 0;
  for (formats::jfr_json::Event event; reader.next(event); last = event.offset) {
    if (event.offset > input.size() || event.offset < last) __builtin_trap();
  }
  if (damage.bytes() > input.size()) __builtin_trap();
  tests::import_profile_or_trap(input, formats::jfr_json::looks_like);
}
