#include "importers/profile_symbols.h"

#include <algorithm>

#include "importers/native_modules.h"

namespace importers {
namespace {

/// "$build/lib/x.so" with "build=/home" → "/home/lib/x.so".
std::string replace_variables(std::string_view path, const formats::profile_text::MappedFiles& files) {
  if (!path.starts_with('$')) return std::string(path);
  for (const auto& [name, value] : files.variables) {
    const std::string_view rest = path.substr(1);
    if (rest.starts_with(name) && (rest.size() == name.size() || rest[name.size()] == '/')) {
      return std::string(value).append(rest.substr(name.size()));
    }
  }
  return std::string(path);
}

formats::elf::Core process_with(const MappedModule& module) {
  formats::elf::Core core;
  core.files.push_back({module.start, module.end, module.offset, module.path, false});
  constexpr std::uint64_t entry = 9;  // AT_ENTRY: lies in the program
  if (module.is_program) core.auxiliary.push_back({entry, module.start});
  return core;
}

}  // namespace

/// The module as the only one of a process without any memory.
struct ProfileSymbols::Opened {
  Opened(const MappedModule& module, const ModulePaths& paths)
      : core(process_with(module)),
        image(core),
        modules(image, native::search_of(paths)),
        session(modules),
        symbols(session),
        unwinder(image, session, symbols) {
    if (modules.all().empty() || !modules.all().front().file) return;
    const std::string& found = modules.all().front().file->build_id();
    is_another_build = !module.build_id.empty() && !found.empty() && found != module.build_id;
    has_file = !is_another_build;
  }

  formats::elf::Core core;
  formats::ProcessImage image;
  formats::Modules modules;
  formats::DebugSession session;
  formats::Symbols symbols;
  formats::Unwinder unwinder;
  bool has_file = false;
  bool is_another_build = false;
};

ProfileSymbols::ProfileSymbols(const ModulePaths& paths)
    : paths_(paths),
      is_asked_(!paths.exe.empty() || !paths.sysroot.empty() || !paths.solib_paths.empty() ||
                !paths.debug_directories.empty()) {}

ProfileSymbols::~ProfileSymbols() = default;

std::vector<formats::Frame> ProfileSymbols::names(const MappedModule& module, std::uint64_t address) {
  if (module.path.empty() || module.end <= module.start) return {};
  std::vector<formats::Frame> found = find(module, address);
  std::erase_if(found, [](const formats::Frame& frame) { return frame.function.empty(); });
  if (found.empty()) ++unnamed_;
  return found;
}

std::vector<formats::Frame> ProfileSymbols::find(const MappedModule& module, std::uint64_t address) {
  if (!is_asked_) return {};
  std::unique_ptr<Opened>& opened = opened_[{module.path, module.start}];
  if (opened == nullptr) opened = std::make_unique<Opened>(module, paths_);
  return opened->has_file ? opened->unwinder.names_at(address) : std::vector<formats::Frame>();
}

std::vector<queries::SiteRow> ProfileSymbols::rows(const MappedModule& module, std::uint64_t address,
                                                   std::uint32_t module_text, queries::SiteTree& sites) {
  std::vector<queries::SiteRow> rows;
  const std::vector<formats::Frame> found = names(module, address);
  for (auto frame = found.rbegin(); frame != found.rend(); ++frame) {
    queries::SiteRow row;
    row.module = module_text;
    row.function = sites.text_number(frame->function);
    row.file = sites.text_number(frame->file);
    row.line = frame->line;
    row.is_inlined = !rows.empty();
    rows.push_back(row);
  }
  return rows;
}

void ProfileSymbols::describe(queries::Snapshot& snapshot) const {
  if (!is_asked_) {
    if (unnamed_ == 0) return;
    snapshot.warnings.push_back(std::to_string(unnamed_) + (unnamed_ == 1 ? " address has" : " addresses have") +
                                " no name in the record: --exe PROGRAM names those of the program, "
                                "--sysroot / those of the libraries of this machine");
    return;
  }
  if (opened_.empty()) return;
  std::size_t found = 0;
  std::size_t others = 0;
  for (const auto& [key, module] : opened_) {
    found += module->has_file ? 1 : 0;
    others += module->is_another_build ? 1 : 0;
  }
  const std::string share = std::to_string(found) + " of " + std::to_string(opened_.size());
  snapshot.meta.emplace_back("symbols.modules", share);
  std::string text = "names come from the files of " + share + " modules as they are here today";
  if (others != 0) text += "; " + std::to_string(others) + " are of another build than the record says, and not used";
  snapshot.warnings.push_back(text + ": what has no build-id in the record may be of another build");
}

MappedModule MappedModules::find(std::uint64_t address) const {
  MappedModule module;
  const formats::profile_text::MappedRange* range = files_.find(address);
  if (range == nullptr) return module;
  module.path = replace_variables(range->path, files_);
  module.start = range->start;
  module.end = range->end;
  module.offset = range->offset;
  module.is_program = range->path == files_.ranges.front().path;
  return module;
}

}  // namespace importers
