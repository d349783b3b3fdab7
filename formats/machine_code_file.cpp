#include "formats/machine_code_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string>

#include "formats/module_file.h"

namespace formats::machine_code {
namespace {

constexpr std::uint64_t highest = std::uint64_t{1} << 47;  // user space: sums of two cannot wrap
constexpr std::size_t section_header_size = 64;
constexpr std::size_t symbol_size = 24;
constexpr std::size_t rela_size = 24;
constexpr std::size_t longest_name = 16 << 10;
constexpr std::uint64_t largest_piece = std::uint64_t{1}
                                        << 20;  // of code without functions: bounds what is decoded at once

constexpr std::uint32_t sht_symtab = 2;
constexpr std::uint32_t sht_rela = 4;
constexpr std::uint32_t sht_nobits = 8;
constexpr std::uint32_t sht_dynsym = 11;

bool starts_with(std::string_view text, std::string_view what) { return text.substr(0, what.size()) == what; }

std::string_view text_at(Bytes strings, std::uint64_t offset) {
  if (offset >= strings.size()) return {};
  const Bytes rest = strings.subspan(static_cast<std::size_t>(offset));
  const auto* begin = reinterpret_cast<const char*>(rest.data());
  return {begin, strnlen(begin, std::min(rest.size(), longest_name))};
}

/// Relocated once, before the program starts, then read-only; or never written at all.
bool is_constant_section(std::string_view name) {
  constexpr std::array<std::string_view, 5> constant{".rodata", ".data.rel.ro", ".got", ".init_array", ".lrodata"};
  return std::any_of(constant.begin(), constant.end(), [&](std::string_view one) { return starts_with(name, one); });
}

}  // namespace

struct CodeFile::Headers {
  struct Header {
    std::string_view name;
    std::uint32_t type = 0;
    std::uint64_t flags = 0;
    std::uint64_t address = 0;
    std::uint64_t size = 0;
    std::uint32_t link = 0;
    Bytes bytes;
  };
  std::vector<Header> all;

  explicit Headers(Bytes file) {
    if (file.size() < 64 || !elf::is_elf(file) || load_u8(&file[4]) != 2 || load_u8(&file[5]) != 1) return;
    const auto at = load_le<std::uint64_t>(&file[40]);
    const std::size_t count = load_le<std::uint16_t>(&file[60]);
    const std::size_t names = load_le<std::uint16_t>(&file[62]);
    if (load_le<std::uint16_t>(&file[58]) != section_header_size || at > file.size() ||
        (file.size() - at) / section_header_size < count) {
      return;
    }
    std::vector<std::uint32_t> name_offsets;
    for (std::size_t i = 0; i < count; ++i) {
      const std::byte* from = &file[static_cast<std::size_t>(at) + i * section_header_size];
      Header header;
      name_offsets.push_back(load_le<std::uint32_t>(from));
      header.type = load_le<std::uint32_t>(from + 4);
      header.flags = load_le<std::uint64_t>(from + 8);
      header.address = load_le<std::uint64_t>(from + 16);
      const auto offset = load_le<std::uint64_t>(from + 24);
      header.size = load_le<std::uint64_t>(from + 32);
      header.link = load_le<std::uint32_t>(from + 40);
      if (header.type != sht_nobits && offset < file.size()) {
        const std::uint64_t size = std::min<std::uint64_t>(header.size, file.size() - offset);
        header.bytes = file.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
      }
      all.push_back(header);
    }
    if (names >= all.size()) return;
    for (std::size_t i = 0; i < all.size(); ++i) all[i].name = text_at(all[names].bytes, name_offsets[i]);
  }

  [[nodiscard]] const Header* linked(const Header& header) const {
    return header.link < all.size() ? &all[header.link] : nullptr;
  }
};

CodeFile::CodeFile(Bytes file, Bytes debug) {
  const Headers headers(file);
  if (file.size() >= 64) is_fixed_ = load_le<std::uint16_t>(&file[16]) == 2;
  read_sections(headers);
  if (sections_.empty()) read_segments(file);
  read_symbols(headers);
  if (!debug.empty()) read_symbols(Headers(debug));
  read_relocations(headers);
  read_frames(headers);
  make_functions();
  symbol_ranges_ = {};
  frame_ranges_ = {};
}

void CodeFile::read_sections(const Headers& headers) {
  for (const Headers::Header& header : headers.all) {
    constexpr std::uint64_t allocated = 2;
    constexpr std::uint64_t thread_local_data = 0x400;
    if ((header.flags & allocated) == 0 || (header.flags & thread_local_data) != 0 || header.size == 0) continue;
    if (header.address == 0 || header.address > highest || header.size > highest) continue;
    Section section;
    section.address = header.address;
    section.size = header.size;
    section.bytes = header.bytes;
    section.is_writable = (header.flags & 1) != 0;
    section.is_executable = (header.flags & 4) != 0;
    section.is_constant = !section.is_executable && is_constant_section(header.name);
    sections_.push_back(section);
  }
  std::stable_sort(sections_.begin(), sections_.end(),
                   [](const Section& a, const Section& b) { return a.address < b.address; });
  std::uint64_t end = 0;
  std::erase_if(sections_, [&](const Section& section) {
    if (section.address < end) return true;
    end = section.address + section.size;
    return false;
  });
}

/// Files can do without section headers.
void CodeFile::read_segments(Bytes file) {
  const auto headers = parse_module_headers(file);
  if (!headers) return;
  std::uint64_t end = 0;
  for (const LoadHeader& load : headers->loads) {
    if (load.address < end || load.file_offset > file.size()) continue;
    end = load.address + load.memory_size;
    Section section;
    section.address = load.address;
    section.size = load.memory_size;
    section.bytes = file.subspan(static_cast<std::size_t>(load.file_offset));
    section.bytes = section.bytes.first(std::min<std::uint64_t>(section.bytes.size(), load.file_size));
    section.is_writable = load.writable;
    section.is_executable = load.executable;
    section.is_constant = !load.writable && !load.executable;
    sections_.push_back(section);
  }
}

void CodeFile::read_symbols(const Headers& headers) {
  for (const Headers::Header& header : headers.all) {
    if (header.type != sht_symtab && header.type != sht_dynsym) continue;
    const Headers::Header* strings = headers.linked(header);
    for (std::size_t at = 0; header.bytes.size() - at >= symbol_size; at += symbol_size) {
      const std::byte* symbol = &header.bytes[at];
      const unsigned type = load_u8(symbol + 4) & 15u;
      constexpr unsigned function = 2;
      constexpr unsigned indirect_function = 10;
      const auto defined_in = load_le<std::uint16_t>(symbol + 6);
      const auto address = load_le<std::uint64_t>(symbol + 8);
      if ((type != function && type != indirect_function) || defined_in == 0) continue;
      const Section* section = this->section(address);
      if (section == nullptr || !section->is_executable) continue;
      symbol_ranges_.emplace_back(address, load_le<std::uint64_t>(symbol + 16));
      const std::string_view name =
          strings == nullptr ? std::string_view() : text_at(strings->bytes, load_le<std::uint32_t>(symbol));
      if (name.empty()) continue;
      std::string_view& known = names_[address];
      // Of several names the shortest, then the first in order: not what the order of the table makes of it.
      if (known.empty() || name.size() < known.size() || (name.size() == known.size() && name < known)) known = name;
    }
  }
}

void CodeFile::read_relocations(const Headers& headers) {
  for (const Headers::Header& header : headers.all) {
    constexpr std::uint64_t allocated = 2;
    if (header.type != sht_rela || (header.flags & allocated) == 0) continue;
    const Headers::Header* symbols = headers.linked(header);
    if (symbols == nullptr || symbols->type != sht_dynsym) continue;
    const Headers::Header* strings = headers.linked(*symbols);
    for (std::size_t at = 0; header.bytes.size() - at >= rela_size; at += rela_size) {
      const std::byte* relocation = &header.bytes[at];
      const auto type = load_le<std::uint32_t>(relocation + 8);
      const std::size_t symbol = load_le<std::uint32_t>(relocation + 12);
      constexpr std::uint32_t address_of_symbol = 1;  // R_X86_64_64
      constexpr std::uint32_t data_slot = 6;          // R_X86_64_GLOB_DAT
      constexpr std::uint32_t call_slot = 7;          // R_X86_64_JUMP_SLOT
      if (type != address_of_symbol && type != data_slot && type != call_slot) continue;
      if (load_le<std::int64_t>(relocation + 16) != 0 || symbol >= symbols->bytes.size() / symbol_size) continue;
      const std::byte* entry = &symbols->bytes[symbol * symbol_size];
      ImportSlot slot;
      if (strings != nullptr) slot.name = text_at(strings->bytes, load_le<std::uint32_t>(entry));
      if (load_le<std::uint16_t>(entry + 6) != 0) slot.address = load_le<std::uint64_t>(entry + 8);
      slots_.emplace(load_le<std::uint64_t>(relocation), slot);
    }
  }
}

namespace {

/// A pointer as .eh_frame encodes it: relative to its own place or absolute, 4 or 8 bytes; others are not in use.
std::optional<std::uint64_t> encoded_pointer(Bytes section, std::uint64_t at, std::uint64_t section_address,
                                             std::uint8_t encoding, bool is_length, std::size_t& size) {
  const unsigned format = encoding & 15u;
  size = format == 0 || format == 4 || format == 12 ? 8 : format == 3 || format == 11 ? 4 : 0;
  if (size == 0 || at > section.size() || section.size() - at < size) return std::nullopt;
  const std::byte* from = &section[static_cast<std::size_t>(at)];
  std::uint64_t value = 0;
  if (size == 8) {
    value = load_le<std::uint64_t>(from);
  } else if (format == 11) {
    value = static_cast<std::uint64_t>(std::int64_t{load_le<std::int32_t>(from)});
  } else {
    value = load_le<std::uint32_t>(from);
  }
  if (is_length) return size == 4 ? value & 0xffff'ffffu : value;
  const unsigned base = encoding & 0x70u;
  if (base == 0x10) value += section_address + at;  // DW_EH_PE_pcrel
  if (base != 0 && base != 0x10) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> leb128(Bytes bytes, std::size_t& at) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; at < bytes.size() && shift < 64; shift += 7) {
    const std::uint8_t byte = load_u8(&bytes[at++]);
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if ((byte & 0x80u) == 0) return value;
  }
  return std::nullopt;
}

/// How a common information entry says that its functions' addresses are encoded. `body`: behind its id.
std::uint8_t pointer_encoding(Bytes body) {
  constexpr std::uint8_t absolute = 0;
  if (body.size() < 2) return absolute;
  const std::string_view text = as_text(body.subspan(1));
  const std::size_t end = text.find('\0');
  if (end == std::string_view::npos || end == 0 || text[0] != 'z') return absolute;
  std::size_t at = 1 + end + 1;
  if (!leb128(body, at) || !leb128(body, at)) return absolute;  // alignments of code and data
  if (load_u8(body.data()) == 1) {
    ++at;  // return address register: a byte in version 1
  } else if (!leb128(body, at)) {
    return absolute;
  }
  if (!leb128(body, at)) return absolute;  // size of what follows
  for (const char letter : text.substr(1, end - 1)) {
    if (at >= body.size()) return absolute;
    const std::uint8_t byte = load_u8(&body[at]);
    if (letter == 'R') return byte;
    if (letter == 'L') at += 1;
    if (letter == 'P') at += 1u + ((byte & 15u) == 3 || (byte & 15u) == 11 ? 4u : 8u);
    if (letter != 'L' && letter != 'P' && letter != 'S' && letter != 'B') return absolute;
  }
  return absolute;
}

}  // namespace

void CodeFile::read_frames(const Headers& headers) {
  for (const Headers::Header& header : headers.all) {
    if (header.name != ".eh_frame") continue;
    const Bytes section = header.bytes;
    std::unordered_map<std::uint64_t, std::uint8_t> encodings;  // by offset of the common entry
    for (std::size_t at = 0; section.size() - at >= 8;) {
      const auto length = load_le<std::uint32_t>(&section[at]);
      if (length == 0 || length == 0xffff'ffffu || length < 4 || length > section.size() - at - 4) break;
      const std::size_t body = at + 4;
      const auto id = load_le<std::uint32_t>(&section[body]);
      if (id == 0) {
        encodings[at] = pointer_encoding(section.subspan(body + 4, length - 4));
      } else if (id <= body) {
        const auto common = encodings.find(body - id);
        if (common != encodings.end()) {
          std::size_t size = 0;
          const auto start = encoded_pointer(section, body + 4, header.address, common->second, false, size);
          const auto extent = encoded_pointer(section, body + 4 + size, header.address, common->second, true, size);
          if (start && extent && *extent != 0 && *extent <= highest && *start <= highest) {
            frame_ranges_.emplace_back(*start, *start + *extent);
          }
        }
      }
      at = body + length;
    }
  }
}

void CodeFile::make_functions() {
  // Starts first: every piece ends where the next begins at the latest.
  std::unordered_map<std::uint64_t, std::uint64_t> ends;
  for (const auto& [start, end] : frame_ranges_) ends[start] = std::max(ends[start], end);
  for (const auto& [start, size] : symbol_ranges_) {
    std::uint64_t& end = ends[start];
    if (end == 0 && size <= highest) end = start + size;
  }
  std::vector<std::pair<std::uint64_t, std::uint64_t>> starts(ends.begin(), ends.end());
  std::sort(starts.begin(), starts.end());

  const auto add = [&](std::uint64_t start, std::uint64_t end, bool is_known) {
    for (; start < end; start += largest_piece, is_known = false) {
      functions_.push_back({start, std::min(end, start + largest_piece), is_known});
    }
  };
  for (const Section& section : sections_) {
    if (!section.is_executable) continue;
    const std::uint64_t section_end = section.address + section.bytes.size();
    std::uint64_t done = section.address;
    auto at = std::lower_bound(starts.begin(), starts.end(), std::pair{section.address, std::uint64_t{0}});
    for (; at != starts.end() && at->first < section_end; ++at) {
      const auto next = std::next(at);
      std::uint64_t end = next == starts.end() ? section_end : std::min(section_end, next->first);
      if (at->second > at->first) end = std::min(end, at->second);  // without a size: as far as the next
      add(done, at->first, false);
      add(at->first, end, true);
      done = std::max(done, end);
    }
    add(done, section_end, false);
  }
}

const Section* CodeFile::section(std::uint64_t address) const {
  auto next = std::upper_bound(sections_.begin(), sections_.end(), address,
                               [](std::uint64_t wanted, const Section& one) { return wanted < one.address; });
  if (next == sections_.begin()) return nullptr;
  const Section& found = *std::prev(next);
  return found.holds(address) ? &found : nullptr;
}

Bytes CodeFile::bytes(std::uint64_t address, std::uint64_t size) const {
  const Section* found = section(address);
  if (found == nullptr || address - found->address >= found->bytes.size()) return {};
  const Bytes rest = found->bytes.subspan(static_cast<std::size_t>(address - found->address));
  return rest.first(std::min<std::uint64_t>(rest.size(), size));
}

std::optional<std::uint32_t> CodeFile::function_at(std::uint64_t address) const {
  const auto next = std::upper_bound(functions_.begin(), functions_.end(), address,
                                     [](std::uint64_t wanted, const Function& one) { return wanted < one.start; });
  if (next == functions_.begin() || address >= std::prev(next)->end) return std::nullopt;
  return static_cast<std::uint32_t>(std::prev(next) - functions_.begin());
}

std::string_view CodeFile::name_of(std::uint64_t address) const {
  const auto known = names_.find(address);
  return known == names_.end() ? std::string_view() : known->second;
}

ImportSlot CodeFile::callee(std::uint64_t address) const {
  if (const std::string_view name = name_of(address); !name.empty()) return {name, address};
  // A PLT entry: [endbr64] [bnd] jmp *slot(%rip).
  const Bytes code = bytes(address, 16);
  std::size_t at = 0;
  constexpr std::array<unsigned char, 4> endbr64{0xf3, 0x0f, 0x1e, 0xfa};
  if (code.size() >= 4 && std::memcmp(code.data(), endbr64.data(), endbr64.size()) == 0) at = endbr64.size();
  if (code.size() > at && load_u8(&code[at]) == 0xf2) ++at;
  if (code.size() - at < 6 || load_u8(&code[at]) != 0xff || load_u8(&code[at + 1]) != 0x25) return {{}, address};
  const auto displacement = std::int64_t{load_le<std::int32_t>(&code[at + 2])};
  const auto slot = slots_.find(address + at + 6 + static_cast<std::uint64_t>(displacement));
  return slot == slots_.end() ? ImportSlot{{}, address} : slot->second;
}

}  // namespace formats::machine_code
