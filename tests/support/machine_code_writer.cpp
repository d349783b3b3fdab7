#include "tests/support/machine_code_writer.h"

#include <algorithm>

namespace tests {
namespace {

template <typename T>
void put(std::string& to, T value) {
  for (std::size_t i = 0; i < sizeof value; ++i) {
    to += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i) & 0xff);
  }
}

constexpr std::size_t plt_entry_size = 16;

struct Section {
  std::string name;
  std::uint32_t type = 1;
  std::uint64_t flags = 0;
  std::uint64_t address = 0;
  std::string bytes;
  std::uint64_t size = 0;  // of sections without bytes
  std::uint32_t link = 0;
};

void put_symbol(std::string& to, std::string& strings, const std::string& name, std::uint16_t section,
                std::uint64_t address, std::uint64_t size) {
  put(to, static_cast<std::uint32_t>(strings.size()));
  strings += name + '\0';
  put<std::uint8_t>(to, 0x12);  // global function
  put<std::uint8_t>(to, 0);
  put(to, section);
  put(to, address);
  put(to, size);
}

/// Section headers come first: a cut file still has them.
std::string file_of(std::vector<Section> sections) {
  constexpr std::size_t header_size = 64;
  sections.push_back({".shstrtab", 3, 0, 0, {}, 0, 0});
  std::string names(1, '\0');
  std::vector<std::uint32_t> name_offsets;
  for (const Section& section : sections) {
    name_offsets.push_back(static_cast<std::uint32_t>(names.size()));
    names += section.name + '\0';
  }
  sections.back().bytes = names;

  std::string file = std::string("\x7f\x45LF\x02\x01\x01", 7) + std::string(9, '\0');
  put<std::uint16_t>(file, 3);   // ET_DYN
  put<std::uint16_t>(file, 62);  // x86-64
  put<std::uint32_t>(file, 1);
  put<std::uint64_t>(file, MachineCode::text_address);
  put<std::uint64_t>(file, 0);  // no program headers
  put<std::uint64_t>(file, header_size);
  put<std::uint32_t>(file, 0);
  put<std::uint16_t>(file, header_size);
  put<std::uint16_t>(file, 56);
  put<std::uint16_t>(file, 0);
  put<std::uint16_t>(file, header_size);
  put<std::uint16_t>(file, static_cast<std::uint16_t>(sections.size() + 1));
  put<std::uint16_t>(file, static_cast<std::uint16_t>(sections.size()));

  file += std::string(header_size, '\0');  // of section 0
  std::string bodies;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    const Section& section = sections[i];
    put(file, name_offsets[i]);
    put(file, section.type);
    put(file, section.flags);
    put(file, section.address);
    put<std::uint64_t>(file, header_size * (sections.size() + 2) + bodies.size());
    put(file, std::max<std::uint64_t>(section.size, section.bytes.size()));
    put(file, section.link);
    put<std::uint32_t>(file, 0);
    put<std::uint64_t>(file, 8);
    put<std::uint64_t>(file, 0);
    bodies += section.bytes;
  }
  return file + bodies;
}

}  // namespace

MachineCode& MachineCode::begin(std::string name) {
  functions_.emplace_back(std::move(name), here());
  return *this;
}

MachineCode& MachineCode::raw(std::initializer_list<unsigned> bytes) {
  for (const unsigned byte : bytes) text_ += static_cast<char>(byte);
  return *this;
}

MachineCode& MachineCode::relative(std::initializer_list<unsigned> code, std::uint64_t target) {
  raw(code);
  put(text_, static_cast<std::uint32_t>(target - (here() + 4)));
  return *this;
}

MachineCode& MachineCode::move(Register to, std::uint32_t value) {
  raw({0xb8u + to});
  put(text_, value);
  return *this;
}
MachineCode& MachineCode::move(Register to, Register from) { return raw({0x48, 0x89, 0xc0u | from << 3 | to}); }
MachineCode& MachineCode::address(Register to, std::uint64_t of) {
  return relative({0x48, 0x8d, 0x05u | static_cast<unsigned>(to << 3)}, of);
}
MachineCode& MachineCode::load_from(Register to, std::uint64_t address) {
  return relative({0x48, 0x8b, 0x05u | static_cast<unsigned>(to << 3)}, address);
}
MachineCode& MachineCode::store_to(std::uint64_t address, Register from) {
  return relative({0x48, 0x89, 0x05u | static_cast<unsigned>(from << 3)}, address);
}
MachineCode& MachineCode::load(Register to, Register base, std::int32_t at) {
  raw({0x48, 0x8b, 0x80u | to << 3 | base});
  put(text_, at);
  return *this;
}
MachineCode& MachineCode::store(Register base, std::int32_t at, Register from) {
  raw({0x48, 0x89, 0x80u | from << 3 | base});
  put(text_, at);
  return *this;
}
MachineCode& MachineCode::add(Register to, std::int32_t value) {
  raw({0x48, 0x81, 0xc0u | to});
  put(text_, value);
  return *this;
}

std::uint64_t MachineCode::plt(const std::string& name) {
  auto known = std::find(imports_.begin(), imports_.end(), name);
  if (known == imports_.end()) known = imports_.insert(known, name);
  return plt_address + plt_entry_size * static_cast<std::uint64_t>(known - imports_.begin());
}

std::string MachineCode::elf(Symbols symbols) const {
  std::string plt;
  std::string dynamic_symbols(24, '\0');
  std::string dynamic_strings(1, '\0');
  std::string relocations;
  for (std::size_t i = 0; i < imports_.size(); ++i) {
    const std::uint64_t slot = got_address + 8 * i;
    plt += "\xff\x25";
    put(plt, static_cast<std::uint32_t>(slot - (plt_address + plt_entry_size * i + 6)));
    plt += std::string(plt_entry_size - 6, '\x90');
    put_symbol(dynamic_symbols, dynamic_strings, imports_[i], 0, 0, 0);
    put(relocations, slot);
    put<std::uint64_t>(relocations, (i + 1) << 32 | 7);  // R_X86_64_JUMP_SLOT
    put<std::uint64_t>(relocations, 0);
  }
  std::string symbol_table(24, '\0');
  std::string strings(1, '\0');
  std::string frames;
  put<std::uint32_t>(frames, 20);
  put<std::uint32_t>(frames, 0);
  frames += std::string("\x01zR\0\x01\x78\x10\x01\x1b\x0c\x07\x08\x90\x01\0\0", 16);
  constexpr std::uint64_t frames_address = 0xd000;
  for (std::size_t i = 0; i < functions_.size(); ++i) {
    const std::uint64_t start = functions_[i].second;
    const std::uint64_t end = i + 1 < functions_.size() ? functions_[i + 1].second : here();
    put_symbol(symbol_table, strings, functions_[i].first, 1, start, end - start);
    put<std::uint32_t>(frames, 16);
    put(frames, static_cast<std::uint32_t>(frames.size()));
    put(frames, static_cast<std::uint32_t>(start - (frames_address + frames.size())));
    put(frames, static_cast<std::uint32_t>(end - start));
    frames += std::string(4, '\0');
  }
  put<std::uint32_t>(frames, 0);

  std::vector<Section> sections{
      {".text", 1, 6, text_address, text_, 0, 0},
      {".plt", 1, 6, plt_address, plt, 0, 0},
      {".data.rel.ro", 1, 3, data_address, std::string(data_size, '\0'), 0, 0},
      {".bss", 8, 3, bss_address, {}, 256, 0},
      {".got", 1, 3, got_address, std::string(8 * imports_.size() + 8, '\0'), 0, 0},
      {".dynsym", 11, 2, 0x200, dynamic_symbols, 0, 7},
      {".dynstr", 3, 2, 0x600, dynamic_strings, 0, 0},
      {".rela.plt", 4, 2, 0x800, relocations, 0, 6},
  };
  if (symbols == Symbols::symtab) {
    sections.push_back({".symtab", 2, 0, 0, symbol_table, 0, 10});
    sections.push_back({".strtab", 3, 0, 0, strings, 0, 0});
  } else if (symbols == Symbols::eh_frame) {
    sections.push_back({".eh_frame", 1, 2, frames_address, frames, 0, 0});
  }
  return file_of(std::move(sections));
}

}  // namespace tests
