// A program's file as the module of a synthetic core, with what libdwfl knows of it: its types are read without running
// it.
#pragma once

#include <optional>
#include <string>

#include "formats/debug_session.h"
#include "tests/support/own_process.h"

namespace tests {

class ProgramSession {
 public:
  /// Memory can be put into `core` before open().
  CoreWriter core;
  std::uint64_t bias = 0;

  /// False when there is no such program. Programs that are linked to run at an address want bias 0.
  bool open(const std::string& path) {
    const auto file = formats::ModuleFile::open("", path);
    if (!file || file->headers().loads.empty()) return false;
    for (const formats::LoadHeader& load : file->headers().loads) {
      if (load.file_size > file->bytes().size()) return false;
    }
    bias = file->headers().loads.front().address == 0 ? 0x5555'0000'0000 : 0;
    std::string page(4096, '\0');
    std::ifstream(path, std::ios::binary).read(page.data(), static_cast<std::streamsize>(page.size()));
    add_module(core, file->headers(), bias, path, page);
    bytes_ = core.bytes();
    parsed_ = formats::elf::read_core({reinterpret_cast<const std::byte*>(bytes_.data()), bytes_.size()}, damage_);
    image.emplace(parsed_);
    modules.emplace(*image, formats::ModuleSearch{});
    session.emplace(*modules);
    return true;
  }

  std::optional<formats::ProcessImage> image;
  std::optional<formats::Modules> modules;
  std::optional<formats::DebugSession> session;

 private:
  std::string bytes_;
  formats::DamageLog damage_;
  formats::elf::Core parsed_;
};

}  // namespace tests
