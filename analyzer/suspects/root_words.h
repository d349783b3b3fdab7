// Roots in words: what a reader can look for in the program.
#pragma once

#include <string>

#include "queries/snapshot.h"

namespace analyzer {

/// "static acme::registry", "stack sp+0x40 in worker(int) of thread 4711": kind, place, frame and thread, as far as
/// known.
[[nodiscard]] std::string root_title(const queries::Snapshot& snapshot, const queries::RootRow& root);

/// Of several roots of an object, the one that says most: one without a doubt before a doubtful one, then a named place
/// in the program before a word of some stack. nullptr when it is no root. O(roots).
[[nodiscard]] const queries::RootRow* telling_root(const queries::Snapshot& snapshot, queries::ObjectId object);

}  // namespace analyzer
