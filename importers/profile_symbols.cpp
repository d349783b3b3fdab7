#include "importers/profile_symbols.h"

#include <algorithm>
#include <string>

namespace importers {

/// The mapped files as those of a process without any memory.
struct ProfileSymbols::Opened {
  Opened(formats::elf::Core read, const formats::ModuleSearch& search)
      : core(std::move(read)),
        image(core),
        modules(image, search),
        session(modules),
        symbols(session),
        unwinder(image, session, symbols) {}

  formats::elf::Core core;
  formats::ProcessImage image;
  formats::Modules modules;
  formats::DebugSession session;
  formats::Symbols symbols;
  formats::Unwinder unwinder;
};

ProfileSymbols::ProfileSymbols(const formats::profile_text::MappedFiles& files, const ModulePaths& paths) {
  const bool is_asked =
      !paths.exe.empty() || !paths.sysroot.empty() || !paths.solib_paths.empty() || !paths.debug_directories.empty();
  if (!is_asked || files.ranges.empty()) return;
  formats::elf::Core core;
  std::uint64_t last = 0;
  for (const formats::profile_text::MappedRange& range : files.ranges) {
    if (range.start < last || range.end <= range.start) continue;
    core.files.push_back({range.start, range.end, range.offset, std::string(range.path), false});
    last = range.end;
  }
  if (core.files.empty()) return;
  constexpr std::uint64_t entry = 9;  // AT_ENTRY: the program is what is mapped lowest
  core.auxiliary.push_back({entry, core.files.front().start});
  formats::ModuleSearch search;
  search.exe = paths.exe;
  search.sysroot = paths.sysroot;
  search.solib_paths = paths.solib_paths;
  if (!paths.debug_directories.empty()) search.debug_directories = paths.debug_directories;
  opened_ = std::make_unique<Opened>(std::move(core), search);
}

ProfileSymbols::~ProfileSymbols() = default;

std::vector<formats::Frame> ProfileSymbols::names(std::uint64_t address) const {
  return opened_ == nullptr ? std::vector<formats::Frame>() : opened_->unwinder.names_at(address);
}

void ProfileSymbols::describe(queries::Snapshot& snapshot) const {
  if (opened_ == nullptr) return;
  const auto& all = opened_->modules.all();
  const auto found = std::count_if(all.begin(), all.end(), [](const auto& module) { return module.file.has_value(); });
  snapshot.meta.emplace_back("symbols.modules", std::to_string(found) + " of " + std::to_string(all.size()));
  snapshot.warnings.push_back("names come from the files of " + std::to_string(found) + " of " +
                              std::to_string(all.size()) +
                              " modules as they are here today: the profile does not say of which build its addresses "
                              "are");
}

}  // namespace importers
