// Suppressions of leaks in LeakSanitizer's syntax: files of `leak:PATTERN` lines and comments (`#`), as LeakSanitizer
// and heaptrack read them. A pattern is found anywhere in the text; `*` stands for anything, `^` and `$` tie it to the
// beginning and the end. It is compared with function, file and module of every frame of a call path, inlined ones
// included; the first one that matches hides the leak.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "queries/allocation_profile.h"

namespace analyzer {

struct SuppressionOptions {
  std::vector<std::string> files;
  bool embedded = true;  ///< those that came with the record
  bool built_in = true;  ///< what glibc, the loader and GLib keep for good
};

[[nodiscard]] bool matches_suppression(std::string_view pattern, std::string_view text);

/// Patterns of the text of a suppression file. Lines for other checkers ("thread:…", "vptr:…") are none of ours and
/// skipped. Throws UsageError with name and line for what is no suppression at all.
[[nodiscard]] std::vector<std::string> parse_suppressions(std::string_view text, const std::string& name);

/// Marks SiteLeakRow::suppression of every record and fills AllocationProfile::suppression_rows. A profile without leak
/// rows is left as it is, but for the list. Throws UsageError when a file cannot be read. O(frames · patterns).
void apply_suppressions(const SuppressionOptions& options, queries::AllocationProfile& profile);

}  // namespace analyzer
