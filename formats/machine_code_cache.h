// Analyses of code kept between runs, one file per build-id: a second core of the same program costs no disassembly.
//
// The folder holds at most 256 MiB; the files that were used longest ago go first. A file appears whole or not at all
// (written beside, then renamed). What is read back is checked as any other input: a file that does not end as it
// should is no file.
#pragma once

#include <optional>
#include <string>

#include "formats/machine_code.h"

namespace formats::machine_code {

/// Raised whenever records or what they mean change: older files are not read.
inline constexpr std::uint32_t analysis_version = 2;

[[nodiscard]] std::string to_bytes(const CodeAnalysis& analysis);
/// Nothing when the bytes are not what to_bytes() makes. O(bytes).
[[nodiscard]] std::optional<CodeAnalysis> from_bytes(Bytes bytes);

class CodeCache {
 public:
  /// `folder` "" = keep nothing. Made when first stored to.
  explicit CodeCache(std::string folder) : folder_(std::move(folder)) {}

  /// Of the file with this build-id (lower-case hexadecimal digits; anything else is not looked for).
  [[nodiscard]] std::optional<CodeAnalysis> load(const std::string& build_id) const;
  /// Failures are silent: the next run analyses again.
  void store(const std::string& build_id, const CodeAnalysis& analysis) const;

 private:
  [[nodiscard]] std::string path_of(const std::string& build_id) const;
  std::string folder_;
};

}  // namespace formats::machine_code
