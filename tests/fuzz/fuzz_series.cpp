// Memory over time: /proc texts, monitors' tables, malloc_info, jemalloc_stats, tcmalloc_stats. No reader may lose more
// bytes than there are.
#include "formats/jemalloc_stats.h"
#include "formats/malloc_info.h"
#include "formats/proc_memory.h"
#include "formats/series_table.h"
#include "formats/tcmalloc_stats.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

template <typename Reader>
void read_all(formats::Bytes input) {
  formats::DamageLog damage;
  Reader reader(input, damage);
  while (reader.next()) {
  }
  if (damage.bytes() > input.size()) __builtin_trap();
}

}  // namespace

void fuzz(formats::Bytes input) {
  if (formats::proc_memory::looks_like(input)) read_all<formats::proc_memory::Reader>(input);
  if (formats::series_table::looks_like(input)) read_all<formats::series_table::Reader>(input);
  read_all<formats::malloc_info::Reader>(input);
  read_all<formats::jemalloc_stats::Reader>(input);
  read_all<formats::tcmalloc_stats::Reader>(input);
}
