#include "importers/native_modules.h"

namespace importers::native {

formats::ModuleSearch search_of(const ModulePaths& paths) {
  formats::ModuleSearch search;
  search.exe = paths.exe;
  search.sysroot = paths.sysroot;
  search.solib_paths = paths.solib_paths;
  if (!paths.debug_directories.empty()) search.debug_directories = paths.debug_directories;
  return search;
}

Process::Process(formats::elf::Core read, const ModulePaths& paths)
    : core(std::move(read)),
      image(core),
      modules(image, search_of(paths)),
      filled_bytes(formats::fill(image, modules)),
      session(modules),
      symbols(session) {}

std::string SymbolNames::symbol(std::uint64_t address) const {
  const auto symbol = symbols_.find(address);
  return symbol ? symbol->name : std::string();
}

std::vector<formats::CallStack> call_stacks(const Process& process) {
  const formats::Unwinder unwinder(process.image, process.session, process.symbols);
  std::vector<formats::CallStack> stacks;
  for (std::size_t i = 0; i < process.core.threads.size(); ++i) stacks.push_back(unwinder.unwind(i));
  return stacks;
}

std::vector<std::size_t> make_frames(const std::vector<formats::CallStack>& stacks, queries::Snapshot& snapshot) {
  std::vector<std::size_t> first;
  for (std::size_t stack = 0; stack < stacks.size(); ++stack) {
    first.push_back(snapshot.frames.size());
    std::uint32_t depth = 0;
    for (const formats::Frame& frame : stacks[stack].frames) {
      queries::FrameRow row;
      row.stack = static_cast<std::int64_t>(stack);
      row.depth = depth++;
      row.address = frame.program_counter;
      row.function = frame.function;
      if (row.function.empty()) {
        char text[24];
        std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(frame.program_counter));
        row.function = text;
      }
      row.file = frame.file;
      row.line = frame.line;
      if (frame.module != nullptr) row.module = frame.module->name();
      snapshot.frames.push_back(std::move(row));
    }
  }
  return first;
}

void describe_modules(const Process& process, queries::Snapshot& snapshot) {
  std::string lost;
  std::size_t count = 0;
  for (const formats::Module& module : process.modules.all()) {
    snapshot.meta.emplace_back("module." + module.path,
                               std::string(formats::to_text(module.status)) +
                                   (module.found_path.empty() ? "" : ": " + module.found_path) +
                                   (module.build_id.empty() ? "" : ", build-id " + module.build_id));
    if (module.status == formats::ModuleStatus::found || module.status == formats::ModuleStatus::unverified) continue;
    constexpr std::size_t named = 5;
    if (++count <= named) {
      lost += (lost.empty() ? "" : "; ") + module.name() + " (" + std::string(formats::to_text(module.status)) +
              "): " + module.cost;
    }
    if (count == named + 1) lost += "; …";
  }
  snapshot.meta.emplace_back("core.filled_bytes", std::to_string(process.filled_bytes));
  if (count == 0) return;
  snapshot.warnings.push_back(std::to_string(count) + " of " + std::to_string(process.modules.all().size()) +
                              " modules could not be read: " + lost + " (--exe, --sysroot, --solib-path, --debug-dir)");
}

}  // namespace importers::native
