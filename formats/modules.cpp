#include "formats/modules.h"

#include <algorithm>

namespace formats {
namespace {

using Range = ProcessImage::Range;

constexpr std::uint64_t page = 4096;
constexpr std::size_t most_modules = 4096;
constexpr std::size_t most_notes = 64 << 10;  // of one PT_NOTE: build-ids take 36 bytes
constexpr std::size_t most_fills = 16 << 10;  // each walks every range of the image
constexpr std::uint64_t at_phdr = 3, at_entry = 9, at_sysinfo_ehdr = 33;

std::string file_name(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

/// What the process's memory says of the module whose ELF header is at `base`.
struct InMemory {
  ModuleHeaders headers;
  std::uint64_t bias = 0;
  std::string build_id;
};

std::optional<InMemory> read_headers(const ProcessImage& image, std::uint64_t base) {
  const Bytes head = image.at(base);
  std::optional<ModuleHeaders> headers = parse_module_headers(head);
  if (!headers || headers->machine != image.core().machine) return std::nullopt;
  InMemory found;
  found.bias = base - headers->low();
  for (const ModuleHeaders::Notes& notes : headers->notes) {
    std::vector<std::byte> bytes(std::min<std::uint64_t>(notes.size, most_notes));
    if (!image.read(found.bias + notes.address, bytes.data(), bytes.size())) continue;
    found.build_id = find_build_id(bytes);
    if (!found.build_id.empty()) break;
  }
  found.headers = std::move(*headers);
  return found;
}

/// A module before its file is looked for.
struct Mapped {
  Module module;
  std::optional<InMemory> memory;
  bool deleted = false;
  std::vector<elf::FileMapping> mappings;
};

class Finder {
 public:
  explicit Finder(const ProcessImage& image) : image_(image), core_(image.core()) {}

  std::vector<Mapped> run() {
    mapped_files();
    vdso();
    std::sort(found_.begin(), found_.end(),
              [](const Mapped& a, const Mapped& b) { return a.module.base < b.module.base; });
    std::uint64_t end = 0;
    std::erase_if(found_, [&](const Mapped& mapped) {
      if (mapped.module.base < end || mapped.module.base >= mapped.module.end) return true;
      end = mapped.module.end;
      return false;
    });
    return std::move(found_);
  }

 private:
  /// Whether code of the process runs from there: a program that only reads an ELF file maps it too.
  [[nodiscard]] bool is_executable(std::uint64_t start, std::uint64_t end) const {
    const auto ranges = image_.ranges();
    auto range = std::upper_bound(ranges.begin(), ranges.end(), start,
                                  [](std::uint64_t wanted, const Range& one) { return wanted < one.end; });
    for (; range != ranges.end() && range->start < end; ++range) {
      if (range->executable) return true;
    }
    return false;
  }

  [[nodiscard]] bool is_program(const Module& module) const {
    const auto entry = core_.auxiliary_value(at_entry);
    const auto headers = core_.auxiliary_value(at_phdr);
    const auto holds = [&](std::uint64_t at) { return module.base <= at && at < module.end; };
    return (entry && holds(*entry)) || (headers && holds(*headers));
  }

  void add(Mapped mapped) {
    if (found_.size() >= most_modules) return;
    mapped.module.is_program = is_program(mapped.module);
    found_.push_back(std::move(mapped));
  }

  /// Mappings of one path, from the one of the file's first byte on as far as its program headers reach.
  void mapped_files() {
    const auto& files = core_.files;
    for (std::size_t i = 0; i < files.size();) {
      Mapped mapped;
      mapped.memory = files[i].file_offset == 0 ? read_headers(image_, files[i].start) : std::nullopt;
      std::uint64_t reach = 0;
      if (mapped.memory) reach = mapped.memory->bias + mapped.memory->headers.high();
      std::size_t next = i;
      for (; next < files.size() && (next == i || files[next].path == files[i].path); ++next) {
        if (next != i && (reach != 0 ? files[next].start >= reach : starts_again(files[next]))) break;
        mapped.mappings.push_back(files[next]);
      }
      Module& module = mapped.module;
      module.path = files[i].path;
      module.base = files[i].start;
      module.end = std::max(reach, files[next - 1].end);
      if (mapped.memory) {
        module.bias = mapped.memory->bias;
        module.build_id = mapped.memory->build_id;
      }
      mapped.deleted = files[i].deleted;
      i = next;
      if (files[i - 1].end > module.base && is_executable(module.base, files[i - 1].end)) add(std::move(mapped));
    }
  }

  /// The file's first byte once more, not as the writable copy that small libraries have of their only page.
  [[nodiscard]] bool starts_again(const elf::FileMapping& mapping) const {
    const Range* range = image_.find(mapping.start);
    return mapping.file_offset == 0 && (range == nullptr || !range->writable);
  }

  void vdso() {
    const auto at = core_.auxiliary_value(at_sysinfo_ehdr);
    if (!at) return;
    Mapped mapped;
    mapped.memory = read_headers(image_, *at);
    if (!mapped.memory) return;
    Module& module = mapped.module;
    constexpr std::size_t most = 64 << 10;  // two pages today
    const Bytes bytes = image_.at(*at);
    module.path = "[vdso]";
    module.base = *at;
    module.bias = mapped.memory->bias;
    module.in_core = bytes.first(std::min(bytes.size(), most));
    module.end = std::min(module.bias + mapped.memory->headers.high(), *at + module.in_core.size());
    module.build_id = mapped.memory->build_id;
    module.status = ModuleStatus::found;
    add(std::move(mapped));
  }

  const ProcessImage& image_;
  const elf::Core& core_;
  std::vector<Mapped> found_;
};

/// Address in the process − address in the file's headers, by the module's lowest mapping. Profiles may list no other
/// than the code's; and pages at the edge of two segments are in both: then the size decides.
std::uint64_t bias_of(const ModuleHeaders& headers, const Mapped& mapped) {
  const auto page_of = [](std::uint64_t at) { return at & ~(page - 1); };
  const elf::FileMapping& lowest = mapped.mappings.front();
  std::optional<std::uint64_t> found;
  for (const LoadHeader& load : headers.loads) {
    const std::uint64_t first = page_of(load.file_offset);
    if (lowest.file_offset < first || lowest.file_offset >= load.file_offset + load.file_size) continue;
    const std::uint64_t bias = lowest.start - (page_of(load.address) + (lowest.file_offset - first));
    if (!found) found = bias;
    if (lowest.end - bias == page_of(load.address + load.file_size + page - 1)) return bias;
  }
  return found.value_or(mapped.module.base - headers.low());
}

/// Whether each mapping of the module shows a part of the file where the file's headers want it.
bool fits(const ModuleFile& file, const Mapped& mapped) {
  const ModuleHeaders& headers = file.headers();
  const std::uint64_t bias = bias_of(headers, mapped);
  if (!headers.position_independent && bias != 0) return false;
  return std::all_of(mapped.mappings.begin(), mapped.mappings.end(), [&](const elf::FileMapping& mapping) {
    if (mapping.file_offset >= file.bytes().size()) return false;
    return std::any_of(headers.loads.begin(), headers.loads.end(), [&](const LoadHeader& load) {
      const std::uint64_t start = bias + (load.address & ~(page - 1));
      return mapping.start >= start && mapping.start < bias + load.address + load.memory_size &&
             mapping.start - start == mapping.file_offset - (load.file_offset & ~(page - 1));
    });
  });
}

/// Whether the file's front is what the core has of the module's front: headers and all, as far as both go.
bool same_front(const ModuleFile& file, Bytes front) {
  const std::size_t size = std::min({front.size(), file.bytes().size(), std::size_t{page}});
  return std::equal(front.begin(), front.begin() + static_cast<std::ptrdiff_t>(size), file.bytes().begin());
}

class Search {
 public:
  Search(const ProcessImage& image, const ModuleSearch& search) : image_(image), search_(search) {}

  void run(Mapped& mapped) const {
    Module& module = mapped.module;
    if (!module.in_core.empty()) return;
    if (module.is_program && !search_.exe.empty()) try_file(mapped, "", search_.exe);
    if (!module.path.empty() && module.path.front() == '/' && !mapped.deleted) {
      try_file(mapped, search_.sysroot, module.path);
    }
    const std::string name = module.name();
    for (const std::string& folder : search_.solib_paths) {
      if (!name.empty() && name != "." && name != "..") try_file(mapped, "", folder + "/" + name);
    }
    for (const std::string& folder : search_.debug_directories) {
      if (!module.build_id.empty()) try_file(mapped, "", by_build_id(folder, module.build_id));
    }
    const std::string& id = module.file ? module.file->build_id() : module.build_id;
    for (const std::string& folder : search_.debug_directories) {
      if (id.empty() || !module.debug_path.empty()) break;
      const auto debug = ModuleFile::open("", by_build_id(folder, id) + ".debug");
      if (debug && debug->build_id() == id) module.debug_path = debug->path();
    }
    if (module.file) module.bias = bias_of(module.file->headers(), mapped);
    module.cost = cost(module);
  }

 private:
  static std::string by_build_id(const std::string& folder, const std::string& id) {
    return folder + "/.build-id/" + id.substr(0, 2) + "/" + id.substr(2);
  }

  void try_file(Mapped& mapped, const std::string& root, const std::string& path) const {
    Module& module = mapped.module;
    if (module.status == ModuleStatus::found) return;
    std::optional<ModuleFile> file = ModuleFile::open(root, path);
    if (!file) return;
    const ModuleStatus status = judge(*file, mapped);
    if (status >= module.status) return;
    module.status = status;
    module.found_path = file->path();
    if (status == ModuleStatus::mismatch) {
      module.file.reset();
    } else {
      module.file = std::move(file);
    }
  }

  [[nodiscard]] ModuleStatus judge(const ModuleFile& file, const Mapped& mapped) const {
    const Module& module = mapped.module;
    if (file.headers().machine != image_.core().machine) return ModuleStatus::mismatch;
    if (!module.build_id.empty()) {
      return file.build_id() == module.build_id ? ModuleStatus::found : ModuleStatus::mismatch;
    }
    return fits(file, mapped) && same_front(file, image_.at(module.base)) ? ModuleStatus::unverified
                                                                          : ModuleStatus::mismatch;
  }

  static std::string cost(const Module& module) {
    switch (module.status) {
      case ModuleStatus::found: return {};
      case ModuleStatus::unverified:
        return "names of its classes and functions come from " + module.found_path +
               ", but core and file have no build-id in common that shows it to be the same build";
      case ModuleStatus::mismatch:
      case ModuleStatus::missing: break;
    }
    const std::string lost =
        module.debug_path.empty()
            ? "type names of its classes and the names of its functions are not known, and stacks "
              "through it may end early"
            : "type names of its classes are not known (the names of its functions are: " + module.debug_path + ")";
    return module.status == ModuleStatus::mismatch ? module.found_path + " is another build and is not used: " + lost
                                                   : lost;
  }

  const ProcessImage& image_;
  const ModuleSearch& search_;
};

/// Absent, read-only, of the module's file: runs of [start, end) inside the window.
std::vector<std::pair<std::uint64_t, std::uint64_t>> gaps(const ProcessImage& image, std::uint64_t start,
                                                          std::uint64_t end, std::uint64_t file_offset,
                                                          const std::string& path) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> runs;
  const auto ranges = image.ranges();
  const auto& files = image.core().files;
  auto range = std::upper_bound(ranges.begin(), ranges.end(), start,
                                [](std::uint64_t wanted, const Range& one) { return wanted < one.end; });
  for (; range != ranges.end() && range->start < end; ++range) {
    if (range->present() || range->writable) continue;
    if (range->file < 0) continue;
    const elf::FileMapping& mapping = files[static_cast<std::size_t>(range->file)];
    if (mapping.path != path || mapping.file_offset - mapping.start != file_offset - start) continue;
    const std::uint64_t from = std::max(start, range->start);
    const std::uint64_t to = std::min(end, range->end);
    if (!runs.empty() && runs.back().second == from) {
      runs.back().second = to;
    } else {
      runs.emplace_back(from, to);
    }
  }
  return runs;
}

}  // namespace

std::string_view to_text(ModuleStatus status) {
  switch (status) {
    case ModuleStatus::found: return "found";
    case ModuleStatus::unverified: return "not verified";
    case ModuleStatus::mismatch: return "another build";
    case ModuleStatus::missing: break;
  }
  return "missing";
}

std::string Module::name() const { return file_name(path); }

Modules::Modules(const ProcessImage& image, ModuleSearch search) : search_(std::move(search)) {
  const Search finder(image, search_);
  for (Mapped& mapped : Finder(image).run()) {
    finder.run(mapped);
    modules_.push_back(std::move(mapped.module));
  }
}

const Module* Modules::find(std::uint64_t address) const {
  const auto next = std::upper_bound(modules_.begin(), modules_.end(), address,
                                     [](std::uint64_t wanted, const Module& module) { return wanted < module.base; });
  if (next == modules_.begin()) return nullptr;
  const Module& module = *std::prev(next);
  return address < module.end ? &module : nullptr;
}

std::uint64_t fill(ProcessImage& image, const Modules& modules) {
  std::uint64_t filled = 0;
  std::size_t fills = 0;
  for (const Module& module : modules.all()) {
    if (!module.file) continue;
    const Bytes bytes = module.file->bytes();
    for (const LoadHeader& load : module.file->headers().loads) {
      // What is mapped are whole pages of the file, also where they hold the end of one PT_LOAD and the start of
      // another. Nothing beyond the end of the file.
      const std::uint64_t offset = load.file_offset & ~(page - 1);
      const std::uint64_t last =
          std::min<std::uint64_t>((load.file_offset + load.file_size + page - 1) & ~(page - 1), bytes.size());
      if (load.writable || offset >= last) continue;
      const std::uint64_t start = module.bias + (load.address & ~(page - 1));
      for (const auto& [from, to] : gaps(image, start, start + (last - offset), offset, module.path)) {
        if (++fills > most_fills) return filled;
        filled += image.fill(from, bytes.subspan(static_cast<std::size_t>(offset + (from - start)),
                                                 static_cast<std::size_t>(to - from)));
      }
    }
  }
  return filled;
}

}  // namespace formats
