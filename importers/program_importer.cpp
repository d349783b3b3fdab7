#include "importers/program_importer.h"

#include "formats/debug_session.h"
#include "formats/debug_types.h"
#include "formats/elf_core.h"
#include "formats/module_file.h"
#include "formats/modules.h"
#include "formats/process_image.h"
#include "importers/native_type_layouts.h"
#include "importers/registry.h"

namespace importers {
namespace {

using formats::Bytes;
using formats::InputError;

constexpr std::uint64_t page = 4096;

/// A process that has just been started: nothing but the file's mappings.
formats::elf::Core mapped(const formats::ModuleHeaders& headers, const std::string& path, Bytes file) {
  formats::elf::Core core;
  core.machine = headers.machine;
  const std::uint64_t bias = headers.position_independent && headers.low() < page ? 0x5555'0000'0000 : 0;
  std::uint64_t last = 0;
  for (const formats::LoadHeader& load : headers.loads) {
    const std::uint64_t start = std::max(last, bias + (load.address & ~(page - 1)));
    const std::uint64_t end = (bias + load.address + load.file_size + page - 1) & ~(page - 1);
    const std::uint64_t offset = (load.file_offset & ~(page - 1)) + (start - (bias + (load.address & ~(page - 1))));
    if (end <= start || offset >= file.size()) continue;
    last = end;
    formats::elf::Segment segment;
    segment.address = start;
    segment.size = end - start;
    segment.bytes = file.subspan(static_cast<std::size_t>(offset))
                        .first(std::min<std::size_t>(static_cast<std::size_t>(end - start),
                                                     file.size() - static_cast<std::size_t>(offset)));
    segment.dumped = segment.bytes.size();
    segment.readable = true;
    segment.writable = load.writable;
    segment.executable = load.executable;
    core.segments.push_back(segment);
    core.files.push_back({start, end, offset, path, false});
  }
  core.auxiliary.push_back({9, bias + headers.entry});  // AT_ENTRY
  return core;
}

}  // namespace

bool looks_like_program(Bytes head) { return formats::parse_module_headers(head).has_value(); }

void import_program(ImportJob& job) {
  const std::string& path = job.input.path();
  const Bytes file = job.input.bytes();
  const auto headers = formats::parse_module_headers(file);
  if (!headers || headers->loads.empty()) throw InputError(path + ": " + formats::elf::describe(file) + ", cut short");
  const formats::elf::Core core = mapped(*headers, path, file);
  const formats::ProcessImage image(core);
  formats::ModuleSearch search;
  search.sysroot = job.options.modules.sysroot;
  search.solib_paths = job.options.modules.solib_paths;
  if (!job.options.modules.debug_directories.empty()) search.debug_directories = job.options.modules.debug_directories;
  search.exe = path;
  const formats::Modules modules(image, search);
  const formats::DebugSession session(modules);
  formats::TypeCatalog catalog(session);
  if (job.progress) job.progress("layouts", 0, 0);
  queries::Snapshot& snapshot = job.snapshot;
  native::describe_program_layouts(catalog, snapshot.layout);
  if (snapshot.layout.types.empty()) {
    throw InputError(path + ": " + formats::elf::describe(file) +
                     " without debugging information: of a program, only the layouts of its types are read. Compile it "
                     "with -g, give --debug-dir, or dump a process of it (the program of a core goes with --exe)");
  }
  snapshot.path = path;
  snapshot.format = "program";
  snapshot.runtime = formats::elf::describe(file);
  snapshot.pointer_size = 8;
  snapshot.meta.emplace_back("kind", "program");
  snapshot.types_only = true;
}

std::vector<std::pair<std::string, std::string>> describe_program(Bytes head) {
  return {{"kind", formats::elf::describe(head)}};
}

}  // namespace importers
