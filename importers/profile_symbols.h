// Names for the addresses of profiles that came without, from the files of their modules: only where the user says
// where files are (--exe, --sysroot, --solib-path, --debug-dir), as most profiles have no build-ids, and then nothing
// tells whether a file of today is the one that ran.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/profile_text.h"
#include "formats/unwind.h"
#include "importers/import_job.h"
#include "queries/allocation_profile.h"
#include "queries/snapshot.h"

namespace importers {

/// A file, or a part of one, in the memory of the process that was recorded.
struct MappedModule {
  std::string path;  ///< as the process saw it
  std::uint64_t start = 0, end = 0;
  std::uint64_t offset = 0;   ///< in the file, of start
  bool is_program = false;    ///< what --exe stands for
  std::string_view build_id;  ///< hexadecimal; "" = the profile does not say
};

/// Opens a module when its first address is asked for, and keeps it.
class ProfileSymbols {
 public:
  explicit ProfileSymbols(const ModulePaths& paths);
  ~ProfileSymbols();
  ProfileSymbols(const ProfileSymbols&) = delete;
  ProfileSymbols& operator=(const ProfileSymbols&) = delete;

  /// Whether the user said where files are. Without, nothing is opened and nothing has a name.
  [[nodiscard]] bool is_asked() const { return is_asked_; }

  /// The function that `address` lies in and those inlined there, innermost first; what has no name is left out. O(log
  /// symbols) after a module's first. For each address once: what stays without a name is counted, for the hint below.
  [[nodiscard]] std::vector<formats::Frame> names(const MappedModule& module, std::uint64_t address);

  /// The same as frames of a site tree, the outermost first.
  [[nodiscard]] std::vector<queries::SiteRow> rows(const MappedModule& module, std::uint64_t address,
                                                   std::uint32_t module_text, queries::SiteTree& sites);

  /// A warning for a profile that was named so, and a fact: how many modules have a file. Without files, how to get the
  /// names that are missing.
  void describe(queries::Snapshot& snapshot) const;

 private:
  struct Opened;
  [[nodiscard]] std::vector<formats::Frame> find(const MappedModule& module, std::uint64_t address);

  ModulePaths paths_;
  bool is_asked_ = false;
  std::uint64_t unnamed_ = 0;                                                        // addresses in modules
  std::map<std::pair<std::string, std::uint64_t>, std::unique_ptr<Opened>> opened_;  // by path and start
};

/// The modules of a text profile's mapped ranges: the program is what is mapped lowest.
class MappedModules {
 public:
  explicit MappedModules(const formats::profile_text::MappedFiles& files) : files_(files) {}
  /// The one that holds `address`; an empty path = none. The path with the profile's variables replaced.
  [[nodiscard]] MappedModule find(std::uint64_t address) const;

 private:
  const formats::profile_text::MappedFiles& files_;
};

}  // namespace importers
