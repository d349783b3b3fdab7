#include "formats/elf_core.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <utility>

namespace formats::elf {
namespace {

static_assert(std::endian::native == std::endian::little, "load_le reads the machine's own order");

constexpr std::uint16_t core_type = 4;  // ET_CORE
constexpr std::size_t header_size = 64;
constexpr std::size_t program_header_size = 56;
constexpr std::uint32_t load_header = 1;         // PT_LOAD
constexpr std::uint32_t note_header = 4;         // PT_NOTE
constexpr std::uint16_t many_headers = 0xFFFF;   // PN_XNUM: the count is in section header 0
constexpr std::uint32_t most_headers = 1 << 22;  // the kernel's own limit of mappings is far below

enum NoteType : std::uint32_t {
  prstatus = 1,
  fpregset = 2,
  prpsinfo = 3,
  auxv = 6,
  siginfo = 0x53494749,
  file = 0x46494c45,
  x86_xstate = 0x202,
  arm_tls = 0x401,
};

std::string machine_name(std::uint16_t machine) {
  static constexpr std::pair<std::uint16_t, const char*> names[] = {
      {2, "SPARC"},      {3, "Intel 386"},   {4, "Motorola 68000"}, {8, "MIPS"},      {15, "PA-RISC"},  {20, "PowerPC"},
      {21, "PowerPC64"}, {22, "IBM S/390"},  {40, "ARM"},           {42, "SuperH"},   {43, "SPARC V9"}, {50, "IA-64"},
      {62, "x86-64"},    {93, "ARC"},        {94, "Xtensa"},        {183, "AArch64"}, {195, "ARCv2"},   {243, "RISC-V"},
      {252, "C-SKY"},    {258, "LoongArch"}, {0x9026, "Alpha"},
  };
  for (const auto& [number, name] : names) {
    if (number == machine) return name;
  }
  return "machine " + std::to_string(machine);
}

std::string type_name(std::uint16_t type) {
  switch (type) {
    case 1: return "object file";
    case 2: return "executable";
    case 3: return "shared object or executable";
    case 4: return "core";
    default: return "file of type " + std::to_string(type);
  }
}

/// Fields of both classes and byte orders, for describe().
std::uint16_t load_u16(Bytes head, std::size_t at, bool big) {
  return big ? load_be16(&head[at]) : load_le<std::uint16_t>(&head[at]);
}

/// What the machine's prstatus note holds where. The general registers come last but for a small field.
struct RegisterLayout {
  std::size_t registers_at;
  std::size_t count;
  std::size_t program_counter;
  std::size_t stack_pointer;
  std::int32_t thread_pointer;  ///< -1: in a note of its own
};
constexpr RegisterLayout layout_of(Machine machine) {
  return machine == Machine::x86_64 ? RegisterLayout{112, 27, 16, 19, 21} : RegisterLayout{112, 34, 32, 31, -1};
}

std::string bounded_text(Bytes bytes) {
  const std::string_view text = as_text(bytes);
  return std::string(text.substr(0, text.find('\0')));
}

class NoteReader {
 public:
  NoteReader(Core& core, DamageLog& damage) : core_(core), damage_(damage) {}

  /// One PT_NOTE. `offset`: of its first byte in the file.
  void read(Bytes notes, std::uint64_t offset) {
    std::size_t at = 0;
    while (notes.size() - at >= 12) {
      const auto name_size = load_le<std::uint32_t>(&notes[at]);
      const auto size = load_le<std::uint32_t>(&notes[at + 4]);
      const auto type = load_le<std::uint32_t>(&notes[at + 8]);
      const std::uint64_t body_at = at + 12 + padded(name_size);
      const std::uint64_t end = body_at + padded(size);
      if (body_at + size > notes.size()) {
        damage_.add(offset + at, notes.size() - at, "note runs beyond the notes: cut short");
        return;
      }
      const std::string_view name = bounded(as_text(notes.subspan(at + 12, name_size)));
      note(name, type, notes.subspan(static_cast<std::size_t>(body_at), size), offset + body_at);
      at = static_cast<std::size_t>(std::min<std::uint64_t>(end, notes.size()));
    }
    if (at != notes.size()) damage_.add(offset + at, notes.size() - at, "bytes behind the last note");
  }

 private:
  static std::uint64_t padded(std::uint32_t size) { return (std::uint64_t{size} + 3) & ~std::uint64_t{3}; }
  static std::string_view bounded(std::string_view name) { return name.substr(0, name.find('\0')); }

  void note(std::string_view name, std::uint32_t type, Bytes body, std::uint64_t offset) {
    if (name == "CORE") {
      switch (type) {
        case prstatus: return thread(body, offset);
        case prpsinfo: return process(body, offset);
        case fpregset: return floating_point(body);
        case siginfo: return signal(body, offset);
        case auxv: return auxiliary(body);
        case file: return files(body, offset);
        default: return;
      }
    }
    if (name == "VMCOREINFO") {
      throw InputError("the memory of a Linux kernel (vmcore), not of a process: crash or drgn read it");
    }
    if (name == "LINUX" && !core_.threads.empty()) {
      if (type == x86_xstate) core_.threads.back().vector_registers = body;
      if (type == arm_tls && body.size() >= 8)
        core_.threads.back().thread_pointer = load_le<std::uint64_t>(body.data());
    }
  }

  void thread(Bytes body, std::uint64_t offset) {
    const RegisterLayout layout = layout_of(core_.machine);
    Thread thread;
    if (body.size() >= 36) {
      thread.signal = load_le<std::int16_t>(&body[12]);
      thread.os_id = load_le<std::int32_t>(&body[32]);
    }
    if (body.size() >= layout.registers_at + 8 * layout.count) {
      thread.registers.resize(layout.count);
      std::memcpy(thread.registers.data(), &body[layout.registers_at], 8 * layout.count);
      thread.program_counter = thread.registers[layout.program_counter];
      thread.stack_pointer = thread.registers[layout.stack_pointer];
      if (layout.thread_pointer >= 0) {
        thread.thread_pointer = thread.registers[static_cast<std::size_t>(layout.thread_pointer)];
      }
    } else {
      damage_.add(offset, body.size(), "thread status note is too short: registers of a thread are not known");
    }
    core_.threads.push_back(std::move(thread));
  }

  void floating_point(Bytes body) {  // an XSAVE area holds the same and more
    if (!core_.threads.empty() && core_.threads.back().vector_registers.empty()) {
      core_.threads.back().vector_registers = body;
    }
  }

  void process(Bytes body, std::uint64_t offset) {
    if (body.size() < 136) {
      damage_.add(offset, body.size(), "process note is too short");
      return;
    }
    core_.process_id = load_le<std::int32_t>(&body[24]);
    core_.program = bounded_text(body.subspan(40, 16));
    core_.arguments = bounded_text(body.subspan(56, 80));
  }

  void signal(Bytes body, std::uint64_t offset) {
    if (core_.signal) return;  // gdb writes one per thread: the first is of the thread that died
    if (body.size() < 24) {
      damage_.add(offset, body.size(), "signal note is too short");
      return;
    }
    Signal signal;
    signal.number = load_le<std::int32_t>(body.data());
    signal.code = load_le<std::int32_t>(&body[8]);
    constexpr std::array<int, 4> with_address{4, 7, 8, 11};  // SIGILL SIGBUS SIGFPE SIGSEGV
    // A code of 0 or less: a process sent the signal, and its ids stand where the address would.
    if (signal.code > 0 && std::find(with_address.begin(), with_address.end(), signal.number) != with_address.end()) {
      signal.address = load_le<std::uint64_t>(&body[16]);
    }
    core_.signal = signal;
  }

  void auxiliary(Bytes body) {
    for (std::size_t at = 0; at + 16 <= body.size(); at += 16) {
      const auto type = load_le<std::uint64_t>(&body[at]);
      if (type == 0) return;
      core_.auxiliary.push_back({type, load_le<std::uint64_t>(&body[at + 8])});
    }
  }

  /// count, page size, count × {start, end, offset in pages}, count texts. The kernel writes pages of 4096 and offsets
  /// in pages, gdb pages of 1 and bytes: the product is right for both.
  void files(Bytes body, std::uint64_t offset) {
    if (body.size() < 16) return damage_.add(offset, body.size(), "file note is too short");
    const auto count = load_le<std::uint64_t>(body.data());
    const auto page = load_le<std::uint64_t>(&body[8]);
    if (count > (body.size() - 16) / 24) return damage_.add(offset, body.size(), "file note names more files than fit");
    std::string_view texts = as_text(body.subspan(16 + 24 * static_cast<std::size_t>(count)));
    for (std::size_t i = 0; i < count; ++i) {
      const std::byte* at = &body[16 + 24 * i];
      FileMapping mapping;
      mapping.start = load_le<std::uint64_t>(at);
      mapping.end = load_le<std::uint64_t>(at + 8);
      const auto pages = load_le<std::uint64_t>(at + 16);
      const std::size_t end = texts.find('\0');
      if (end == std::string_view::npos) {
        return damage_.add(offset + body.size() - texts.size(), texts.size(), "file note: a path without an end");
      }
      std::string_view path = texts.substr(0, end);
      texts.remove_prefix(end + 1);
      constexpr std::string_view deleted = " (deleted)";
      mapping.deleted = path.ends_with(deleted);
      if (mapping.deleted) path.remove_suffix(deleted.size());
      mapping.path = path;
      if (mapping.start >= mapping.end || (page != 0 && pages > std::numeric_limits<std::uint64_t>::max() / page)) {
        damage_.add(offset + 16 + 24 * i, 24, "file note: a mapping without bytes");
        continue;
      }
      mapping.file_offset = pages * page;
      core_.files.push_back(std::move(mapping));
    }
  }

  Core& core_;
  DamageLog& damage_;
};

/// Moves the start up to `address`; nothing may be left.
void cut_head(Segment& segment, std::uint64_t address) {
  if (segment.address >= address) return;
  const std::uint64_t cut = std::min(segment.size, address - segment.address);
  segment.address += cut;
  segment.size -= cut;
  segment.file_offset += cut;
  segment.dumped -= std::min(segment.dumped, cut);
  segment.bytes = segment.bytes.subspan(static_cast<std::size_t>(std::min<std::uint64_t>(segment.bytes.size(), cut)));
}

/// Sorts by address and resolves overlaps, which only a damaged core has. The first of two keeps what was dumped of it;
/// its absent tail gives way, so that one wrong size does not hide all that follows. Returns how many segments lie on
/// others. O(n log n).
std::size_t make_disjoint(std::vector<Segment>& segments) {
  std::stable_sort(segments.begin(), segments.end(),
                   [](const Segment& a, const Segment& b) { return a.address < b.address; });
  std::vector<Segment> kept;
  kept.reserve(segments.size());
  std::size_t clashes = 0;
  for (Segment segment : segments) {
    if (!kept.empty() && segment.address < kept.back().address + kept.back().size) {
      ++clashes;
      Segment& before = kept.back();
      cut_head(segment, before.address);  // where it lost its own head to one further before
      if (segment.size != 0) before.size = std::max(before.dumped, segment.address - before.address);
      cut_head(segment, before.address + before.size);
      if (before.size == 0) kept.pop_back();
    }
    if (segment.size != 0) kept.push_back(segment);
  }
  segments = std::move(kept);
  return clashes;
}

/// The same for mapped files: the later start is the end of the one before.
std::size_t make_disjoint(std::vector<FileMapping>& files) {
  std::stable_sort(files.begin(), files.end(),
                   [](const FileMapping& a, const FileMapping& b) { return a.start < b.start; });
  std::size_t changed = 0;
  for (std::size_t i = 0; i + 1 < files.size(); ++i) {
    if (files[i].end <= files[i + 1].start) continue;
    files[i].end = files[i + 1].start;
    ++changed;
  }
  std::erase_if(files, [](const FileMapping& file) { return file.start >= file.end; });
  return changed;
}

/// How many program headers there are; the kernel writes the section header that has a large number last.
std::uint32_t count_program_headers(Bytes data, std::uint64_t headers_at, DamageLog& damage) {
  const auto count = load_le<std::uint16_t>(&data[56]);
  if (count != many_headers) return count;
  const auto sections_at = load_le<std::uint64_t>(&data[40]);
  if (sections_at <= data.size() && data.size() - sections_at >= 64) {
    return load_le<std::uint32_t>(&data[static_cast<std::size_t>(sections_at) + 44]);  // sh_info
  }
  // Cut off. The notes come first and begin where the program headers end.
  damage.add(data.size(), 64, "the number of program headers is beyond the end of the file");
  if (data.size() - headers_at < program_header_size) return 0;
  const std::byte* first = &data[static_cast<std::size_t>(headers_at)];
  const auto notes_at = load_le<std::uint64_t>(first + 8);
  if (load_le<std::uint32_t>(first) != note_header || notes_at < headers_at) return many_headers;
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>((notes_at - headers_at) / program_header_size, most_headers));
}

}  // namespace

std::optional<std::uint64_t> Core::auxiliary_value(std::uint64_t type) const {
  for (const AuxiliaryValue& entry : auxiliary) {
    if (entry.type == type) return entry.value;
  }
  return std::nullopt;
}

bool looks_like_core(Bytes head) {
  if (!is_elf(head)) return false;
  return load_u16(head, 16, load_u8(&head[5]) == 2) == core_type;
}

bool is_elf(Bytes head) {
  constexpr std::string_view magic{
      "\x7f"
      "ELF"};
  return head.size() >= 20 && as_text(head).starts_with(magic);
}

std::string describe(Bytes head) {
  if (!is_elf(head)) return "not an ELF file";
  const unsigned elf_class = load_u8(&head[4]);
  const unsigned order = load_u8(&head[5]);
  if ((elf_class != 1 && elf_class != 2) || (order != 1 && order != 2)) return "ELF file of unknown class";
  const bool big = order == 2;
  std::string text = elf_class == 2 ? "64-bit " : "32-bit ";
  text += big ? "big-endian " : "little-endian ";
  return text + machine_name(load_u16(head, 18, big)) + " " + type_name(load_u16(head, 16, big));
}

Core read_core(Bytes data, DamageLog& damage) {
  if (!is_elf(data)) throw InputError("not an ELF file");
  const std::string what = describe(data);
  const bool is_64_le = load_u8(&data[4]) == 2 && load_u8(&data[5]) == 1;
  if (is_64_le && data.size() < header_size) throw InputError("offset 0: an ELF header cut short");
  const std::uint16_t type = load_u16(data, 16, load_u8(&data[5]) == 2);
  if (type != core_type) {
    throw InputError("a " + what + ", not a core: give the core file (a program goes with --exe)");
  }
  const auto machine = is_64_le ? load_le<std::uint16_t>(&data[18]) : std::uint16_t{0};
  if (!is_64_le || (machine != 62 && machine != 183)) {
    throw InputError("a " + what + ": heapql reads 64-bit little-endian cores of x86-64 and AArch64");
  }

  Core core;
  core.machine = Machine{machine};
  const auto headers_at = load_le<std::uint64_t>(&data[32]);
  const auto entry_size = load_le<std::uint16_t>(&data[54]);
  if (entry_size != program_header_size || headers_at > data.size()) {
    throw InputError("offset 32: program headers of an unknown size, or beyond the end of the file");
  }
  std::uint32_t count = count_program_headers(data, headers_at, damage);
  const std::size_t fitting = (data.size() - static_cast<std::size_t>(headers_at)) / program_header_size;
  if (const std::size_t usable = std::min<std::size_t>(fitting, most_headers); count > usable) {
    damage.add(headers_at, (count - usable) * program_header_size, "program headers cut short");
    count = static_cast<std::uint32_t>(usable);
  }

  NoteReader notes(core, damage);
  // Headers that share their bytes would make every walk quadratic. Twice the file leaves room for one wrong size.
  std::uint64_t notes_left = data.size();
  std::uint64_t bytes_left = 2 * std::uint64_t{data.size()};
  std::uint64_t first_missing = std::numeric_limits<std::uint64_t>::max();
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint64_t header_at = headers_at + i * program_header_size;
    const std::byte* at = &data[static_cast<std::size_t>(header_at)];
    const auto kind = load_le<std::uint32_t>(at);
    if (kind != load_header && kind != note_header) continue;
    const auto flags = load_le<std::uint32_t>(at + 4);
    const auto offset = load_le<std::uint64_t>(at + 8);
    const auto address = load_le<std::uint64_t>(at + 16);
    const auto file_size = load_le<std::uint64_t>(at + 32);
    const auto size = load_le<std::uint64_t>(at + 40);
    const std::uint64_t here = offset >= data.size() ? 0 : std::min<std::uint64_t>(file_size, data.size() - offset);
    const Bytes bytes =
        here == 0 ? Bytes{} : data.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(here));
    if (kind == note_header) {
      if (here < file_size) damage.add(data.size(), file_size - here, "notes cut short");
      if (here > notes_left) {
        damage.add(header_at, program_header_size, "more notes than the file has bytes");
        continue;
      }
      notes_left -= here;
      notes.read(bytes, offset);
      continue;
    }
    if (size == 0 && file_size == 0) continue;
    if (address > ~std::uint64_t{0} - size || file_size > size) {
      damage.add(header_at, program_header_size, "program header contradicts itself");
      continue;
    }
    if (here > bytes_left) {
      damage.add(header_at, program_header_size, "more segment bytes than the file has");
      continue;
    }
    bytes_left -= here;
    if (here < file_size) first_missing = std::min(first_missing, std::min<std::uint64_t>(offset + here, data.size()));
    core.segments.push_back(
        {address, size, bytes, offset, file_size, (flags & 4) != 0, (flags & 2) != 0, (flags & 1) != 0});
  }
  if (const std::size_t changed = make_disjoint(core.segments) + make_disjoint(core.files); changed != 0) {
    damage.add(headers_at, 0, std::to_string(changed) + " segments or mapped files overlap others: cut or left out");
  }
  for (const Segment& segment : core.segments) {  // disjoint, so the sum cannot overflow
    core.missing_bytes += segment.dumped - segment.bytes.size();
  }
  if (core.missing_bytes != 0) {
    damage.add(first_missing, core.missing_bytes,
               "the core ends before its segments do (cut short: disk full or a size limit?)");
  }
  if (!core.signal && !core.threads.empty() && core.threads[0].signal != 0) {
    core.signal = Signal{core.threads[0].signal, 0, 0};  // old kernels write no signal note
  }
  if (core.segments.empty()) throw InputError("a " + what + " without memory: it holds no segment");
  return core;
}

}  // namespace formats::elf
