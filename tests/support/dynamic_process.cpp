#include "tests/support/dynamic_process.h"

namespace tests {
namespace {

constexpr std::uint64_t header_size = 64;
constexpr std::uint64_t program_header_size = 56;
constexpr std::uint64_t build_id_at = 0x180;

template <typename T>
void set(std::string& page, std::size_t at, T value) {
  std::memcpy(page.data() + at, &value, sizeof value);
}

void add_file(CoreWriter& core, const DynamicProcess& process, std::uint64_t start, bool library,
              const std::string& soname, std::uint64_t debug) {
  const std::uint64_t base = library ? start : 0;
  const std::string page = DynamicProcess::elf_page(process.files_of, start - base, library ? 3 : 2);
  core.partly_dumped(start, process.headers ? page : "", 0x2000, "rx");
  core.partly_dumped(start + 0x3000, std::string(0x500, '\0'), 0x2000, "rw");
  std::uint64_t at = start + 0x3100;
  const auto dynamic = [&](std::uint64_t tag, std::uint64_t value) {
    core.word(at, tag).word(at + 8, value);
    at += 16;
  };
  if (!soname.empty()) {
    core.text(start + 0x3401, soname);
    dynamic(14, 1);
  }
  dynamic(5, start + 0x3400);
  if (!library) dynamic(21, debug);
  dynamic(0, 0);
}

}  // namespace

std::string DynamicProcess::elf_page(CoreWriter::Machine machine, std::uint64_t address, std::uint16_t type) {
  std::string page(0x200, '\0');
  page.replace(0, 7,
               std::string("\x7f"
                           "ELF\x02\x01\x01",
                           7));
  set(page, 16, type == 0 ? std::uint16_t{2} : type);
  set(page, 18, static_cast<std::uint16_t>(machine));
  set(page, 32, header_size);  // e_phoff
  set(page, 54, static_cast<std::uint16_t>(program_header_size));
  std::uint16_t count = 0;
  const auto program_header = [&](std::uint32_t kind, std::uint64_t offset, std::uint64_t at, std::uint64_t file_size,
                                  std::uint64_t size) {
    const std::size_t place = header_size + count++ * program_header_size;
    set(page, place, kind);
    set(page, place + 8, offset);
    set(page, place + 16, address + at);
    set(page, place + 32, file_size);
    set(page, place + 40, size);
  };
  program_header(6, header_size, header_size, 5 * program_header_size, 5 * program_header_size);
  program_header(1, 0, 0, 0x1800, 0x1800);
  program_header(1, 0x2000, 0x3000, 0x800, 0x2000);
  program_header(2, 0x2100, 0x3100, 0x100, 0x100);
  program_header(4, build_id_at, build_id_at, 24, 24);
  set(page, 56, count);
  set(page, build_id_at, std::uint32_t{4});
  set(page, build_id_at + 4, std::uint32_t{8});
  set(page, build_id_at + 8, std::uint32_t{3});
  page.replace(build_id_at + 12, 12, std::string("GNU\0\x00\x01\x02\x03\xde\xad\xbe\xef", 12));
  return page;
}

CoreWriter dynamic_process(const DynamicProcess& process) {
  using P = DynamicProcess;
  CoreWriter core(process.machine);
  core.thread({}).process({.id = 1, .program = "prog", .arguments = "prog"});
  add_file(core, process, P::program, false, "", P::rendezvous);
  add_file(core, process, P::first, true, "libfirst.so.1", 0);
  add_file(core, process, P::second, true, "", 0);
  core.segment(P::linker_data, std::string(0x200, '\0'), "rw");
  core.value_at(P::rendezvous, std::int32_t{1}).word(P::rendezvous + 8, P::program_entry);
  const auto entry = [&](std::uint64_t at, std::uint64_t base, std::uint64_t name, std::uint64_t dynamic,
                         std::uint64_t next, std::uint64_t previous) {
    core.word(at, base).word(at + 8, name).word(at + 16, dynamic).word(at + 24, next).word(at + 32, previous);
  };
  constexpr std::uint64_t texts = P::linker_data + 0x100;
  entry(P::program_entry, 0, texts, P::program + 0x3100, P::first_entry, 0);
  entry(P::first_entry, P::first, texts + 0x10, P::first + 0x3100, P::second_entry, P::program_entry);
  entry(P::second_entry, P::second, texts + 0x40, P::second + 0x3100, 0, P::first_entry);
  core.text(texts + 0x10, "/lib/libfirst.so.1").text(texts + 0x40, "/lib/libsecond.so.2");
  core.text(texts + 0x70, "/bin/program");
  if (process.auxiliary) {
    core.auxiliary(3, P::program + header_size).auxiliary(5, 5).auxiliary(6, 4096).auxiliary(31, texts + 0x70);
  }
  return core;
}

}  // namespace tests
