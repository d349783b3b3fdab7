// perf's texts of memory accesses: c2c, mem, script. Traps when an access lies outside the input or before the last
// one, when parts are more than their whole, or when more bytes are damaged than there are.
#include "formats/perf_c2c.h"
#include "formats/perf_mem.h"
#include "formats/perf_script.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

template <typename Reader>
void read_all(formats::Bytes input) {
  formats::DamageLog damage;
  Reader reader(input, damage);
  std::uint64_t next_offset = 0;
  while (const auto access = reader.next()) {
    if (access->offset < next_offset || access->offset >= input.size()) __builtin_trap();
    next_offset = access->offset + 1;
    if (access->address_is_line_only && !access->address) __builtin_trap();
    // What a table of lines says is not checked against itself; what is counted here has to fit.
    const bool is_counted_here = !access->address_is_line_only && access->samples;
    if (is_counted_here && access->loads.count.value_or(0) > *access->samples) __builtin_trap();
  }
  if (damage.bytes() > input.size()) __builtin_trap();
}

}  // namespace

void fuzz(formats::Bytes input) {
  (void)formats::perf_c2c::looks_like(input);
  (void)formats::perf_mem::looks_like(input);
  const bool has_samples = formats::perf_script::looks_like(input);
  read_all<formats::perf_c2c::Reader>(input);
  read_all<formats::perf_mem::Reader>(input);
  if (has_samples) read_all<formats::perf_script::Reader>(input);
}
