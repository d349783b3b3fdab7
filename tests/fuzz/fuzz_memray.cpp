// memray captures: the reader, line tables, and the import, whose profile must not contradict itself.
#include "formats/memray.h"
#include "formats/python_lines.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/importers/imported_profile.h"

void fuzz(formats::Bytes input) {
  for (const std::uint32_t version : {0x03080000u, 0x030A0000u, 0x030D0000u}) {
    (void)formats::python_line(input, 1, 300, version);
  }
  tests::import_profile_or_trap(input, formats::memray::looks_like);
  const auto header = formats::memray::read_header(input);
  if (!header) return;
  formats::DamageLog damage;
  formats::memray::Reader reader(input, *header, damage);
  formats::memray::Record record;
  while (reader.next(record)) {
    if (record.offset > input.size()) __builtin_trap();
  }
  if (damage.bytes() > input.size() || damage.count() > 1) __builtin_trap();
}
