// Snapshots of Python's tracemalloc, as Snapshot.dump() writes them: a pickle (protocol 4 or 5) of what was live, by
// traceback. The pickle is read as data: nothing in it is ever called, and the only classes it may name are
// tracemalloc's own two.
//
// Sources: CPython's Lib/tracemalloc.py and Lib/pickletools.py. O(bytes); at most about 60 bytes of memory per byte.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/bytes.h"
#include "formats/damage_log.h"

namespace formats::tracemalloc_snapshot {

/// Accepts pickles whose first class is tracemalloc's Snapshot.
[[nodiscard]] bool looks_like(Bytes head);

struct Frame {
  std::string_view file;
  std::int64_t line = 0;
};

struct Trace {
  std::int64_t domain = 0;         ///< 0 = Python's own allocators; extensions have others
  std::int64_t size = 0;           ///< bytes
  std::uint32_t traceback = 0;     ///< index into Snapshot::tracebacks
  std::int64_t total_frames = -1;  ///< how deep the stack was, -1 = not known (Python up to 3.8)
};

/// Frames of Snapshot::frames, most recent first. Traces share them.
struct Traceback {
  std::size_t first = 0;
  std::size_t count = 0;
};

struct Snapshot {
  std::vector<Trace> traces;
  std::vector<Traceback> tracebacks;
  std::vector<Frame> frames;
  std::int64_t traceback_limit = -1;  ///< frames kept of a stack, -1 = not known
  /// Not empty: the pickle does what a snapshot does not (names another class, calls something), and is not read.
  std::string refusal;
};

/// Traces before the place where a pickle breaks off are kept; the rest is damage.
[[nodiscard]] Snapshot read(Bytes file, DamageLog& damage);

}  // namespace formats::tracemalloc_snapshot
