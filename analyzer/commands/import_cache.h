// Where imports of raw dumps are kept: $XDG_CACHE_HOME/heapql/KEY.db, KEY = what the content is, not how it is called.
#pragma once

#include <string>

namespace analyzer {

/// Path of the database for this input and these import options; its folder exists. "" when there can be no cache:
/// standard input, not a regular file, no home directory, folder not writable.
///
/// The key is made of size, time of modification, and a hash over the first and last MiB and 16 blocks of 64 KiB
/// between them: a dump of 100 GB costs 3 MiB of reading, and a file that was overwritten in place does not pass for
/// the old one. The version of heapql and of the schema are part of it.
[[nodiscard]] std::string cache_path(const std::string& input, const std::string& options);

/// Folder of the analyses of machine code (formats/machine_code_cache.h); "" when there can be no cache.
[[nodiscard]] std::string code_cache_path();

}  // namespace analyzer
