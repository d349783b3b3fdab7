#include "formats/perf_data_source.h"

namespace formats {

void count_sample(const PerfDataSource& source, std::uint64_t cycles, MemoryAccess& access) {
  const auto say = [&](AccessCount& kind, bool is_it) {
    kind.count = is_it ? 1 : 0;
    if (is_it && source.is_load && cycles != 0) kind.mean_cycles = cycles;
  };
  access.samples = 1;
  say(access.loads, source.is_load);
  say(access.stores, source.is_store);
  say(access.hitm_local, source.is_hitm && !source.is_remote);
  say(access.hitm_remote, source.is_hitm && source.is_remote);
  say(access.peer_local, source.is_peer && !source.is_remote);
  say(access.peer_remote, source.is_peer && source.is_remote);
}

}  // namespace formats
