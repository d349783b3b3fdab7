// Files that people hand to a heap analyzer and that heapql does not read: what each is, and what reads it. An answer
// in words is worth more than "not a format heapql knows".
//
// Magics: the minidump format (Microsoft's minidumpapiset.h, Breakpad's minidump_format.h), makedumpfile's
// IMPLEMENTATION file for kdump, Mach-O's loader.h, apport's crash reports.
#pragma once

#include <optional>
#include <string>

#include "formats/bytes.h"

namespace formats {

struct ForeignFile {
  std::string kind;    ///< "a minidump of a Linux process (Breakpad, Crashpad)"
  std::string advice;  ///< what it lacks, what reads it or what to make instead; a clause
};

/// Nothing when the file is of no kind listed here: it may be one that heapql reads. O(1), bounds-checked; the head may
/// be all there is of the file.
[[nodiscard]] std::optional<ForeignFile> recognize_foreign(Bytes head);

}  // namespace formats
