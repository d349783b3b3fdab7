// Names for the addresses of text profiles that came without, from the files that their mapped ranges name: only where
// the user says where files are (--exe, --sysroot, --solib-path, --debug-dir), as a text profile has no build-ids and
// nothing tells whether a file of today is the one that ran.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "formats/profile_text.h"
#include "formats/unwind.h"
#include "importers/import_job.h"
#include "queries/snapshot.h"

namespace importers {

class ProfileSymbols {
 public:
  /// Nothing is opened without an option that says where. `files` may be gone afterwards.
  ProfileSymbols(const formats::profile_text::MappedFiles& files, const ModulePaths& paths);
  ~ProfileSymbols();
  ProfileSymbols(const ProfileSymbols&) = delete;
  ProfileSymbols& operator=(const ProfileSymbols&) = delete;

  /// The function that an address lies in and those inlined there, innermost first; empty = not known. O(log symbols)
  /// after a module's first.
  [[nodiscard]] std::vector<formats::Frame> names(std::uint64_t address) const;
  /// A warning for every profile that was named so, and a fact: how many modules have a file. Empty profile: nothing.
  void describe(queries::Snapshot& snapshot) const;

 private:
  struct Opened;
  std::unique_ptr<Opened> opened_;
};

}  // namespace importers
