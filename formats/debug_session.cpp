#include "formats/debug_session.h"

#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <isa-l/crc.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace formats {

/// What the callbacks need of a module.
struct DebugSession::Reported {
  const Module* module = nullptr;
  const ModuleSearch* search = nullptr;
  Dwfl_Module* handle = nullptr;
  std::unique_ptr<ModuleFile> symbols_only;  ///< the separate debug file, where the module's own is missing
  std::vector<char> copy;                    ///< of a module that is in the core only, a NUL behind it

  [[nodiscard]] const ModuleFile* file() const { return module->file ? &*module->file : symbols_only.get(); }

  static const Reported* of(void** userdata) {
    return userdata == nullptr ? nullptr : static_cast<const Reported*>(*userdata);
  }
  static int find_elf(Dwfl_Module*, void** userdata, const char*, Dwarf_Addr, char**, Elf** elf) {
    const Reported* reported = of(userdata);
    if (reported == nullptr) return -1;
    if (!reported->copy.empty()) {
      *elf = elf_memory(const_cast<char*>(reported->copy.data()), reported->copy.size() - 1);
    } else if (reported->file() != nullptr) {
      const Bytes bytes = reported->file()->bytes();  // libelf may write to section headers: a private copy
      *elf = elf_memory(const_cast<char*>(as_text(bytes).data()), bytes.size());
    }
    return -1;  // no descriptor: the bytes are at hand
  }
  static int find_debuginfo(Dwfl_Module*, void** userdata, const char*, Dwarf_Addr, const char*, const char* link,
                            GElf_Word crc, char** found) {
    const Reported* reported = of(userdata);
    return reported == nullptr || reported->file() == nullptr ? -1 : reported->open_debug_file(link, crc, found);
  }

  /// A descriptor that libdwfl will close, and its path by malloc().
  int open_debug_file(const char* link, std::uint32_t crc, char** found) const {
    const std::string name = link == nullptr ? "" : link;
    const bool is_common_file = !name.empty() && crc == 0;  // libdwfl asks for dwz's with this call too
    if (!is_common_file && !module->debug_path.empty() && accept(module->debug_path, {}, 0, found) >= 0) {
      return accepted_;
    }
    if (name.empty()) return -1;
    const std::string& beside = file()->path();
    const std::string folder = beside.substr(0, beside.find_last_of('/') + 1);
    std::vector<std::string> candidates;
    if (name.front() == '/') {
      candidates.push_back(name);
    } else {
      candidates = {folder + name, folder + ".debug/" + name};
      for (const std::string& debug : search->debug_directories) candidates.push_back(debug + "/" + folder + name);
      const std::string& debug = module->debug_path;
      if (!debug.empty()) candidates.push_back(debug.substr(0, debug.find_last_of('/') + 1) + name);
    }
    for (const std::string& candidate : candidates) {
      if (candidate != beside && accept(candidate, name, crc, found) >= 0) return accepted_;
    }
    return -1;
  }

  /// The same build-id; where the module has none, the checksum of its .gnu_debuglink. dwz's common file has an id of
  /// its own, which stands behind its name in .gnu_debugaltlink of the file that needs it.
  int accept(const std::string& path, const std::string& link, std::uint32_t crc, char** found) const {
    accepted_ = -1;
    const std::optional<ModuleFile> debug = ModuleFile::open("", path, ModuleFile::Kind::debug_file);
    if (!debug) return -1;
    const Bytes bytes = debug->bytes();
    const bool same =
        !file()->build_id().empty()
            ? debug->build_id() == file()->build_id()
            : crc != 0 && crc32_gzip_refl(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()) == crc;
    if (!same && (link.empty() || crc != 0 || !names_common_file(link, debug->build_id()))) return -1;
    const std::optional<RegularFile> opened = RegularFile::open("", path);
    if (!opened) return -1;
    accepted_ = fcntl(opened->descriptor(), F_DUPFD_CLOEXEC, 0);
    if (accepted_ >= 0) *found = strdup(path.c_str());
    return accepted_;
  }

  /// O(bytes of the module's debug file), once a module.
  [[nodiscard]] bool names_common_file(const std::string& link, const std::string& build_id) const {
    if (build_id.empty()) return false;
    std::string wanted = link + '\0';
    for (std::size_t i = 0; i + 1 < build_id.size(); i += 2) {
      wanted += static_cast<char>(std::stoi(build_id.substr(i, 2), nullptr, 16));
    }
    if (as_text(file()->bytes()).find(wanted) != std::string_view::npos) return true;
    const auto debug = module->debug_path.empty() ? std::nullopt : ModuleFile::open("", module->debug_path);
    return debug && as_text(debug->bytes()).find(wanted) != std::string_view::npos;
  }

 private:
  mutable int accepted_ = -1;
};

namespace {

/// Where libdwfl thinks the module starts: it aligns by the first PT_LOAD, not by pages.
std::uint64_t start_of(const Module& module, const ModuleHeaders& headers) {
  const LoadHeader& first = headers.loads.front();
  const bool sound = first.alignment > 1 && (first.alignment & (first.alignment - 1)) == 0;
  return module.bias + (first.address & ~((sound ? first.alignment : 1) - 1));
}

}  // namespace

DebugSession::DebugSession(const Modules& modules) : modules_(modules) {
  static const Dwfl_Callbacks callbacks{&Reported::find_elf, &Reported::find_debuginfo, &dwfl_offline_section_address,
                                        nullptr};
  reported_.resize(modules.all().size());
  elf_version(EV_CURRENT);
  dwfl_ = dwfl_begin(&callbacks);
  if (dwfl_ == nullptr) return;
  dwfl_report_begin(dwfl_);
  for (std::size_t i = 0; i < reported_.size(); ++i) {
    const Module& module = modules.all()[i];
    auto reported = std::make_unique<Reported>();
    reported->module = &module;
    reported->search = &modules.search();
    std::optional<ModuleHeaders> headers;
    if (!module.in_core.empty()) {
      const std::string_view bytes = as_text(module.in_core);
      reported->copy.assign(bytes.begin(), bytes.end());
      reported->copy.push_back('\0');
      headers = parse_module_headers(module.in_core);
    } else {
      if (!module.file && !module.debug_path.empty()) {
        if (auto debug = ModuleFile::open("", module.debug_path)) {
          reported->symbols_only = std::make_unique<ModuleFile>(std::move(*debug));
        }
      }
      if (reported->file() != nullptr) headers = reported->file()->headers();
    }
    if (!headers) continue;
    const std::string name = module.path.empty() ? "module " + std::to_string(i) : module.path;
    reported->handle =
        dwfl_report_module(dwfl_, name.c_str(), std::min(start_of(module, *headers), module.base), module.end);
    if (reported->handle == nullptr) continue;
    void** userdata = nullptr;
    dwfl_module_info(reported->handle, &userdata, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
    *userdata = reported.get();
    reported_[i] = std::move(reported);
  }
  dwfl_report_end(dwfl_, nullptr, nullptr);
}

DebugSession::~DebugSession() {
  if (dwfl_ != nullptr) dwfl_end(dwfl_);
}

Dwfl_Module* DebugSession::find(const Module& module) const {
  const Module* first = modules_.all().data();
  if (&module < first || &module >= first + reported_.size()) return nullptr;
  const auto& reported = reported_[static_cast<std::size_t>(&module - first)];
  return reported == nullptr ? nullptr : reported->handle;
}

}  // namespace formats
