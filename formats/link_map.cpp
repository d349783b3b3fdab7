#include "formats/link_map.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

namespace formats {
namespace {

constexpr std::size_t most_objects = 16384;
constexpr std::uint16_t most_program_headers = 64;  // real files have a dozen
constexpr std::size_t most_dynamic_entries = 512;   // real ones have thirty
constexpr std::size_t most_namespaces = 64;         // dlmopen() gives 16
constexpr std::size_t program_header_size = 56;

enum AuxiliaryType : std::uint64_t { at_phdr = 3, at_phnum = 5, at_page_size = 6, at_execfn = 31, at_vdso = 33 };
enum HeaderType : std::uint32_t { pt_load = 1, pt_dynamic = 2, pt_note = 4, pt_phdr = 6 };
enum DynamicTag : std::uint64_t { dt_null = 0, dt_strtab = 5, dt_soname = 14, dt_debug = 21 };

struct ProgramHeader {
  std::uint32_t type = 0;
  std::uint64_t offset = 0;
  std::uint64_t address = 0;
  std::uint64_t file_size = 0;
  std::uint64_t size = 0;
};

/// An ELF file in memory: its program headers and what was added to their addresses.
struct Module {
  std::uint64_t start = 0;  ///< of its ELF header
  std::uint64_t base = 0;   ///< may wrap: only sums with it are addresses
  std::vector<ProgramHeader> headers;

  [[nodiscard]] const ProgramHeader* header(std::uint32_t type) const {
    for (const ProgramHeader& header : headers) {
      if (header.type == type) return &header;
    }
    return nullptr;
  }
  [[nodiscard]] std::uint64_t dynamic() const {
    const ProgramHeader* header = this->header(pt_dynamic);
    return header == nullptr ? 0 : base + header->address;
  }
};

/// Nothing when one of them is absent.
std::vector<ProgramHeader> read_program_headers(const ProcessImage& image, std::uint64_t at, std::uint64_t count) {
  std::array<std::byte, program_header_size> raw;
  std::vector<ProgramHeader> headers;
  if (count > most_program_headers) return {};
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!image.read(at + i * program_header_size, raw.data(), raw.size())) return {};
    headers.push_back({load_le<std::uint32_t>(raw.data()), load_le<std::uint64_t>(&raw[8]),
                       load_le<std::uint64_t>(&raw[16]), load_le<std::uint64_t>(&raw[32]),
                       load_le<std::uint64_t>(&raw[40])});
  }
  return headers;
}

/// The file whose ELF header is at `start`, if all that it says to be loaded lies in mappings: a copy of a file that
/// was only read does not pass.
std::optional<Module> read_module(const ProcessImage& image, std::uint64_t start) {
  std::array<std::byte, 64> raw;
  if (!image.read(start, raw.data(), raw.size()) || !elf::is_elf(raw)) return std::nullopt;
  const auto type = load_le<std::uint16_t>(&raw[16]);
  const bool is_64_le = load_u8(&raw[4]) == 2 && load_u8(&raw[5]) == 1;
  const bool program_or_library = type == 2 || type == 3;
  if (!is_64_le || !program_or_library || elf::Machine{load_le<std::uint16_t>(&raw[18])} != image.core().machine ||
      load_le<std::uint16_t>(&raw[54]) != program_header_size) {
    return std::nullopt;
  }
  Module module;
  module.start = start;
  module.headers =
      read_program_headers(image, start + load_le<std::uint64_t>(&raw[32]), load_le<std::uint16_t>(&raw[56]));
  const ProgramHeader* first = module.header(pt_load);
  if (first == nullptr || first->offset > first->address) return std::nullopt;
  module.base = start - (first->address - first->offset);
  for (const ProgramHeader& header : module.headers) {
    if (header.type == pt_load && header.file_size != 0 && image.find(module.base + header.address) == nullptr) {
      return std::nullopt;
    }
  }
  return module;
}

/// Files whose header is at the start of a segment, without the vDSO.
std::vector<Module> scan_modules(const ProcessImage& image) {
  const std::uint64_t vdso = image.core().auxiliary_value(at_vdso).value_or(0);
  std::vector<Module> modules;
  for (const elf::Segment& segment : image.core().segments) {
    if (segment.bytes.size() < 64 || segment.address == vdso || !elf::is_elf(segment.bytes)) continue;
    if (std::optional<Module> module = read_module(image, segment.address)) modules.push_back(std::move(*module));
    if (modules.size() == most_objects) break;
  }
  return modules;
}

/// The value of a tag in a dynamic section.
std::optional<std::uint64_t> dynamic_value(const ProcessImage& image, std::uint64_t dynamic, std::uint64_t tag) {
  if (dynamic == 0) return std::nullopt;
  for (std::size_t i = 0; i < most_dynamic_entries; ++i, dynamic += 16) {
    const std::optional<std::uint64_t> found = image.word(dynamic);
    if (!found || *found == dt_null) return std::nullopt;
    if (*found == tag) return image.word(dynamic + 8);
  }
  return std::nullopt;
}

struct LinkMap {
  std::uint64_t base = 0, name = 0, dynamic = 0, next = 0, previous = 0;
};
std::optional<LinkMap> read_entry(const ProcessImage& image, std::uint64_t at) {
  std::array<std::uint64_t, 5> words;
  if (at == 0 || at % 8 != 0 || !image.read(at, words.data(), sizeof words)) return std::nullopt;
  return LinkMap{words[0], words[1], words[2], words[3], words[4]};
}

struct Rendezvous {  // struct r_debug
  std::int32_t version = 0;
  std::uint64_t first = 0;  ///< struct link_map
  std::uint64_t next = 0;   ///< r_debug of the next namespace, from version 2
};
/// Nothing when `at` does not look like one: a version, a state of 0 to 2, a list that begins here.
std::optional<Rendezvous> read_rendezvous(const ProcessImage& image, std::uint64_t at) {
  std::array<std::byte, 40> raw;
  if (at == 0 || at % 8 != 0 || !image.read(at, raw.data(), raw.size())) return std::nullopt;
  Rendezvous found;
  found.version = load_le<std::int32_t>(raw.data());
  found.first = load_le<std::uint64_t>(&raw[8]);
  const auto state = load_le<std::uint32_t>(&raw[24]);
  const std::optional<LinkMap> first = read_entry(image, found.first);
  if (found.version < 1 || found.version > 15 || state > 2 || !first || first->previous != 0) return std::nullopt;
  if (found.version >= 2) found.next = image.word(at + 40).value_or(0);
  return found;
}

std::optional<Rendezvous> rendezvous_of(const ProcessImage& image, std::uint64_t dynamic) {
  const std::optional<std::uint64_t> at = dynamic_value(image, dynamic, dt_debug);
  return at ? read_rendezvous(image, *at) : std::nullopt;
}

/// The program's own headers, where the kernel says they are.
std::optional<Module> read_program(const ProcessImage& image) {
  const std::uint64_t at = image.core().auxiliary_value(at_phdr).value_or(0);
  if (at == 0) return std::nullopt;
  Module program;
  program.headers = read_program_headers(image, at, image.core().auxiliary_value(at_phnum).value_or(0));
  const ProgramHeader* self = program.header(pt_phdr);
  if (self == nullptr) return std::nullopt;  // a static program: nothing is listed
  program.base = at - self->address;
  program.start = at - self->offset;
  return program;
}

/// DT_DEBUG is a word of 21 with the address of r_debug behind it; only the program's is filled in. Where the program
/// was linked with RELRO its dynamic section is not writable any more: every range is searched.
std::optional<Rendezvous> search_rendezvous(const ProcessImage& image) {
  for (const ProcessImage::Range& range : image.ranges()) {
    const Bytes bytes = range.bytes();
    for (std::size_t at = (8 - range.start % 8) % 8; at + 16 <= bytes.size(); at += 8) {
      if (load_le<std::uint64_t>(&bytes[at]) != dt_debug) continue;
      const std::optional<Rendezvous> found = read_rendezvous(image, load_le<std::uint64_t>(&bytes[at + 8]));
      if (!found) continue;
      // A stray 21 is not unlikely; that the program's l_ld lies in the same range is.
      const std::optional<LinkMap> first = read_entry(image, found->first);
      if (first && first->dynamic >= range.start && first->dynamic <= range.start + at) return found;
    }
  }
  return std::nullopt;
}

std::optional<Rendezvous> find_rendezvous(const ProcessImage& image, const std::vector<Module>& modules) {
  if (const std::optional<Module> program = read_program(image)) {
    if (std::optional<Rendezvous> found = rendezvous_of(image, program->dynamic())) return found;
  }
  for (const Module& module : modules) {
    if (std::optional<Rendezvous> found = rendezvous_of(image, module.dynamic())) return found;
  }
  return search_rendezvous(image);
}

std::vector<LoadedObject> read_list(const ProcessImage& image, const std::vector<Module>& modules) {
  std::vector<LoadedObject> objects;
  std::optional<Rendezvous> space = find_rendezvous(image, modules);
  for (std::size_t i = 0; space && i < most_namespaces; ++i) {
    std::uint64_t previous = 0;
    std::uint64_t at = space->first;
    while (objects.size() < most_objects) {
      const std::optional<LinkMap> entry = read_entry(image, at);
      // An entry has one predecessor, the first has none: a list that passes this test cannot be cyclic.
      if (!entry || entry->previous != previous) break;
      objects.push_back({entry->base, entry->dynamic, image.text(entry->name).value_or("")});
      previous = at;
      at = entry->next;
    }
    if (space->next == 0) break;
    space = read_rendezvous(image, space->next);
  }
  return objects;
}

std::uint64_t page_size(const elf::Core& core) {
  const std::uint64_t size = core.auxiliary_value(at_page_size).value_or(4096);
  const bool sound = size >= 4096 && size <= 65536 && (size & (size - 1)) == 0;
  return sound ? size : 4096;
}

std::string hexadecimal(std::uint64_t value) {
  std::string text;
  for (; value != 0 || text.empty(); value >>= 4) text.insert(text.begin(), "0123456789abcdef"[value & 15]);
  return text;
}

/// The build id in the module's notes, in hexadecimal; "" when there is none or it is absent.
std::string build_id(const ProcessImage& image, const Module& module) {
  for (const ProgramHeader& header : module.headers) {
    if (header.type != pt_note || header.size > 4096) continue;
    std::vector<std::byte> notes(static_cast<std::size_t>(header.size));
    if (!image.read(module.base + header.address, notes.data(), notes.size())) continue;
    for (std::size_t at = 0; notes.size() - at >= 16;) {
      const std::uint64_t name_size = load_le<std::uint32_t>(&notes[at]);
      const std::uint64_t size = load_le<std::uint32_t>(&notes[at + 4]);
      const std::uint64_t body = at + 12 + ((name_size + 3) & ~std::uint64_t{3});
      const std::uint64_t end = body + ((size + 3) & ~std::uint64_t{3});
      if (end > notes.size()) break;
      constexpr std::uint32_t gnu_build_id = 3;
      if (load_le<std::uint32_t>(&notes[at + 8]) == gnu_build_id && name_size == 4 &&
          as_text(Bytes(notes).subspan(at + 12, 4)) == std::string_view("GNU\0", 4)) {
        std::string text;
        for (std::uint64_t i = body; i < body + size; ++i) {
          const auto byte = load_u8(&notes[static_cast<std::size_t>(i)]);
          text += {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
        }
        return text;
      }
      at = static_cast<std::size_t>(end);
    }
  }
  return "";
}

/// The DT_SONAME of a module. The dynamic linker has made DT_STRTAB an address, or has left it relative to the base.
std::string soname(const ProcessImage& image, const Module& module) {
  const std::optional<std::uint64_t> offset = dynamic_value(image, module.dynamic(), dt_soname);
  const std::optional<std::uint64_t> table = dynamic_value(image, module.dynamic(), dt_strtab);
  if (!offset || !table) return "";
  const std::uint64_t at = *table >= module.start ? *table : module.base + *table;
  return image.text(at + *offset, 256).value_or("");
}

std::string name_of(const ProcessImage& image, const Module& module) {
  if (std::string name = soname(image, module); !name.empty()) return name;
  if (const std::string id = build_id(image, module); !id.empty()) return "[build-id " + id + "]";
  return "[elf 0x" + hexadecimal(module.start) + "]";
}

/// What the process was started as.
std::string program_path(const ProcessImage& image) {
  const elf::Core& core = image.core();
  if (const std::optional<std::uint64_t> at = core.auxiliary_value(at_execfn)) {
    if (std::optional<std::string> path = image.text(*at); path && !path->empty()) return *path;
  }
  const std::string first = core.arguments.substr(0, core.arguments.find(' '));
  return first.starts_with('/') ? first : core.program;
}

const elf::Segment* segment_of(const elf::Core& core, std::uint64_t address) {
  const auto next =
      std::upper_bound(core.segments.begin(), core.segments.end(), address,
                       [](std::uint64_t wanted, const elf::Segment& segment) { return wanted < segment.address; });
  if (next == core.segments.begin()) return nullptr;
  const elf::Segment& segment = *std::prev(next);
  return address - segment.address < segment.size ? &segment : nullptr;
}

/// Mappings by start; one that overlaps an earlier one is left out.
class Mappings {
 public:
  void add(std::uint64_t start, std::uint64_t end, std::uint64_t offset, const std::string& path) {
    if (start >= end) return;
    const auto next = by_start_.lower_bound(start);
    if (next != by_start_.end() && next->first < end) return;
    if (next != by_start_.begin() && std::prev(next)->second.end > start) return;
    by_start_.emplace(start, elf::FileMapping{start, end, offset, path, false});
  }
  /// As the dynamic linker or the kernel maps it: whole pages of file.
  void add(const Module& module, std::uint64_t page, const std::string& path) {
    for (const ProgramHeader& header : module.headers) {
      if (header.type != pt_load || header.file_size == 0) continue;
      const std::uint64_t start = module.base + header.address;
      if (header.file_size > ~std::uint64_t{0} - page - start) continue;
      const std::uint64_t end = start + header.file_size;
      add(start & ~(page - 1), (end + page - 1) & ~(page - 1), header.offset & ~(page - 1), path);
    }
  }
  /// An object without headers that begins at `start` (0 = not known): the segment there, that of its dynamic section
  /// and, where that was made read-only behind relocation (RELRO), the data that follow it.
  void add(const elf::Core& core, std::uint64_t start, std::uint64_t dynamic_section, const std::string& path) {
    const auto put = [&](const elf::Segment* segment) {
      if (segment == nullptr || segment->address < start) return;
      add(segment->address, segment->address + segment->size, segment->address - start, path);
    };
    if (start != 0) put(segment_of(core, start));
    const elf::Segment* dynamic = segment_of(core, dynamic_section);
    if (dynamic == nullptr) return;
    put(dynamic);
    const elf::Segment* data = segment_of(core, dynamic->address + dynamic->size);
    if (!dynamic->writable && data != nullptr && data->writable) put(data);
  }
  [[nodiscard]] std::vector<elf::FileMapping> take() {
    std::vector<elf::FileMapping> all;
    for (auto& [start, mapping] : by_start_) all.push_back(std::move(mapping));
    return all;
  }

 private:
  std::map<std::uint64_t, elf::FileMapping> by_start_;
};

}  // namespace

std::vector<LoadedObject> read_link_map(const ProcessImage& image) { return read_list(image, scan_modules(image)); }

std::vector<elf::FileMapping> find_mapped_files(const ProcessImage& image) {
  const std::vector<Module> modules = scan_modules(image);
  const std::uint64_t page = page_size(image.core());
  std::map<std::uint64_t, const Module*> by_dynamic;
  for (const Module& module : modules) {
    if (module.dynamic() != 0) by_dynamic.emplace(module.dynamic(), &module);
  }
  const std::uint64_t vdso = image.core().auxiliary_value(at_vdso).value_or(0);
  const std::uint64_t headers_at = image.core().auxiliary_value(at_phdr).value_or(0);
  const std::optional<Module> program = read_program(image);
  Mappings mappings;
  const std::vector<LoadedObject> objects = read_list(image, modules);
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const LoadedObject& object = objects[i];
    if ((vdso != 0 && object.base == vdso) || object.name == "linux-vdso.so.1") continue;
    const auto found = by_dynamic.find(object.dynamic);
    const Module* module = found != by_dynamic.end()                         ? found->second
                           : program && program->dynamic() == object.dynamic ? &*program
                                                                             : nullptr;
    std::string path = object.name;  // may lie in the program's read-only part and so be absent
    if (path.empty() && i == 0) path = program_path(image);
    if (path.empty() && module != nullptr) path = name_of(image, *module);
    if (path.empty()) path = "[elf 0x" + hexadecimal(object.base != 0 ? object.base : object.dynamic) + "]";
    if (module != nullptr) {
      mappings.add(*module, page, path);
    } else {
      // What is loaded where it was linked to run has a base of 0: a program that is no PIE, whose program headers are
      // on its first page, or a prelinked library, of which nothing tells where it begins.
      const std::uint64_t program_start = i == 0 ? headers_at & ~(page - 1) : 0;
      mappings.add(image.core(), object.base != 0 ? object.base : program_start, object.dynamic, path);
    }
  }
  for (const Module& module : modules) {
    const bool is_program = program && program->start == module.start;
    mappings.add(module, page, is_program ? program_path(image) : name_of(image, module));
  }
  return mappings.take();
}

bool complete_files(elf::Core& core) {
  if (!core.files.empty()) return false;
  core.files = find_mapped_files(ProcessImage(core));
  return !core.files.empty();
}

}  // namespace formats
