// Writes the small seed corpora: make_seeds FOLDER makes FOLDER/hprof/*, core/*, heaptrack/* and malloc_traces/*. Run
// once; the files are checked in.
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/formats/hprof_samples.h"
#include "tests/support/core_writer.h"
#include "tests/support/dynamic_process.h"
#include "tests/support/heaptrack_writer.h"
#include "tests/support/malloc_traces.h"

namespace {

void write(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

void write_hprof(const std::filesystem::path& folder) {
  write(folder / "jvm_id8", tests::every_jvm_record(8));
  write(folder / "jvm_id4", tests::every_jvm_record(4));
  write(folder / "art", tests::every_art_record());
  write(folder / "list", tests::node_list(40, 12));
  std::string overwritten = tests::node_list(80, 20);
  write(folder / "overwritten", overwritten.replace(700, 900, 900, '!'));
  write(folder / "cut", tests::node_list(30, 30).substr(0, 900));
}

void write_cores(const std::filesystem::path& folder) {
  using tests::CoreWriter;
  write(folder / "dynamic", tests::dynamic_process().bytes());
  write(folder / "dynamic_arm", tests::dynamic_process({.machine = CoreWriter::Machine::aarch64}).bytes());
  write(folder / "no_headers", tests::dynamic_process({.headers = false}).bytes());

  CoreWriter notes;
  notes.segment(0x7f0000000000, std::string(64, 's')).absent(0x602000, 0x1000, "r");
  notes.partly_dumped(0x400000, std::string(32, 'x'), 0x2000, "rx");
  notes.thread({.os_id = 2, .signal = 11, .stack_pointer = 0x7f0000000010, .vector_registers = std::string(64, 'v')});
  notes.thread({.os_id = 3}).process({.id = 2}).signal({.address = 16}).auxiliary(9, 0x400010);
  notes.file(0x400000, 0x402000, 0, "/bin/program").file(0x602000, 0x603000, 0x2000, "/bin/program (deleted)");
  write(folder / "notes", notes.bytes());
  write(folder / "cut", notes.bytes().substr(0, notes.bytes().size() - 40));

  CoreWriter overlapping;
  overlapping.segment(100, std::string(16, 'a')).segment(108, std::string(32, 'b')).partly_dumped(110, "c", 999);
  write(folder / "overlapping", overlapping.count_in_section().bytes());
}

void write_traces(const std::filesystem::path& folder) {
  write(folder / "heaptrack" / "format_1", tests::small_heaptrack(1));
  write(folder / "heaptrack" / "format_3", tests::small_heaptrack(3));
  write(folder / "malloc_traces" / "mtrace", tests::small_mtrace);
  write(folder / "malloc_traces" / "valgrind", tests::small_valgrind_trace);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const std::filesystem::path folder = arguments[1];
  write_hprof(folder / "hprof");
  write_cores(folder / "core");
  write_traces(folder);
}
