// Profiles that several tests and the seeds of the fuzzer are made of.
#pragma once

#include <string>

#include "tests/support/pprof_writer.h"

namespace tests {

/// As Go writes a heap: four values, labels, an inlined call, a mapping.
inline PprofWriter go_heap(PprofWriter profile = {}) {
  profile.period("space", "bytes", 524288).sample_type("alloc_objects", "count").sample_type("alloc_space", "bytes");
  profile.sample_type("inuse_objects", "count").sample_type("inuse_space", "bytes").default_sample_type("inuse_space");
  const auto program = profile.mapping("/srv/app");
  const auto main = profile.location({{profile.function("main.main", "main.go"), 20}}, 0x401000, program);
  const auto leak =
      profile.location({{profile.function("main.keep", "main.go"), 7}, {profile.function("main.leak", "main.go"), 9}},
                       0x402000, program);
  const auto plain = profile.location({}, 0x403000, program);
  profile.sample({leak, main}, {10, 5120, 8, 4096}, {{"bytes", 512}});
  profile.sample({leak, main}, {2, 2097152, 1, 1048576}, {{"bytes", 1048576}});
  profile.sample({plain, main}, {3, 48, 0, 0}, {{"bytes", 16}});
  profile.sample({}, {1, 64, 1, 64});
  return profile.time(1'795'378'141'577'701'231).duration(2'500'000'000).comment("made by a test");
}

}  // namespace tests
