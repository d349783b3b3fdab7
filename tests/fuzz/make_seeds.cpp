// Writes the small seed corpora: make_seeds FOLDER makes FOLDER/<target>/* for every target. Run once; the files
// are checked in.
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/formats/hprof_samples.h"
#include "tests/support/core_writer.h"
#include "tests/support/dynamic_process.h"
#include "tests/support/heap_profile_writer.h"
#include "tests/support/heaptrack_writer.h"
#include "tests/support/jfr_writer.h"
#include "tests/support/machine_code_writer.h"
#include "tests/support/malloc_traces.h"
#include "tests/support/memray_writer.h"
#include "tests/support/native_samples.h"
#include "tests/support/perf_texts.h"
#include "tests/support/pprof_samples.h"
#include "tests/support/tracemalloc_writer.h"

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

void write_machine_code(const std::filesystem::path& folder) {
  using M = tests::MachineCode;
  M code;
  const std::uint64_t constructor = code.here();
  code.begin("constructor").address(M::rax, M::data_address + 16).store(M::rdi, 0, M::rax).ret();
  code.begin("make").push(M::rbx).move(M::rdi, 48).call(code.plt("_Znwm")).move(M::rbx, M::rax);
  code.move(M::rdi, M::rax).call(constructor).move(M::rax, M::rbx).pop(M::rbx).ret();
  code.begin("loop").load_from(M::rcx, M::got_address);
  const std::uint64_t head = code.here();
  code.load(M::rax, M::rcx, 16).add(M::rcx, 40).branch(head).store_to(M::bss_address, M::rax).ret();
  write(folder / "symbols", code.elf());
  write(folder / "stripped", code.elf(M::Symbols::eh_frame));
  write(folder / "unknown", code.elf(M::Symbols::none));
}

/// One heap each. Of mimalloc's the segment's first slices; a tcmalloc page map makes a core too large for a fuzzer.
void write_heaps(const std::filesystem::path& folder) {
  constexpr std::size_t few_slices = 160 << 10;
  write(folder / "glibc_core", tests::glibc_sample());
  write(folder / "glibc_2_27_core", tests::glibc_sample(27));
  write(folder / "glibc_2_43_core", tests::glibc_sample(43));
  write(folder / "jemalloc_core", tests::jemalloc_sample());
  write(folder / "jemalloc_older_core", tests::jemalloc_sample(tests::JemallocWriter::older()));
  write(folder / "mimalloc_core", tests::mimalloc_sample().substr(0, few_slices));
}

void write_traces(const std::filesystem::path& folder) {
  write(folder / "heaptrack" / "format_1", tests::small_heaptrack(1));
  write(folder / "heaptrack" / "format_3", tests::small_heaptrack(3));
  write(folder / "malloc_traces" / "mtrace", tests::small_mtrace);
  write(folder / "malloc_traces" / "valgrind", tests::small_valgrind_trace);
  // Of those with single events: the target of whole imports asks for them.
  write(folder / "import" / "heaptrack", tests::small_heaptrack(3));
  write(folder / "import" / "mtrace", tests::small_mtrace);
  write(folder / "import" / "memray", tests::memray_capture(13));
}

void write_perf(const std::filesystem::path& folder) {
  write(folder / "c2c", tests::small_perf_c2c());
  write(folder / "c2c_peer", tests::small_perf_c2c({.is_peer = true, .has_thread = true, .has_callchains = true}));
  tests::PerfC2cWriter::Layout oldest{.has_nodes = false, .has_records = false, .has_short_names = true};
  oldest.has_stores_na = false;
  oldest.nodes_heading = "Node{cpu list}";
  write(folder / "c2c_oldest", tests::small_perf_c2c(oldest));
  write(folder / "mem_dump", tests::small_perf_mem_dump);
  write(folder / "mem_report", tests::small_perf_mem_report);
  write(folder / "script", tests::small_perf_script);
}

void write_pprof(const std::filesystem::path& folder) {
  write(folder / "go_heap", tests::go_heap().bytes());
  write(folder / "no_texts", tests::go_heap().bytes_without_texts());
  tests::PprofWriter sparse;
  sparse.packed = false;
  sparse.first_id = 1'000'000'007;
  sparse.id_step = 97;
  write(folder / "sparse_ids", tests::go_heap(sparse).bytes());
}

void write_heap_profiles(const std::filesystem::path& folder) {
  write(folder / "heap_profile_text" / "gperftools", tests::gperftools_profile());
  write(folder / "heap_profile_text" / "go", tests::go_text_profile());
  write(folder / "heap_profile_text" / "java", tests::java_text_profile());
  write(folder / "heap_profile_text" / "named", tests::with_names(tests::gperftools_profile()));
  write(folder / "heap_profile_text" / "named_jemalloc", tests::with_names(tests::jemalloc_profile()));
  write(folder / "jemalloc_profile" / "plain", tests::jemalloc_profile());
  write(folder / "heapcheck" / "report", tests::heapcheck_report());
}

void write_python_profiles(const std::filesystem::path& folder) {
  for (const int version : {11, 12, 13}) {
    write(folder / "memray" / ("version_" + std::to_string(version)), tests::memray_capture(version));
    write(folder / "memray" / ("aggregated_" + std::to_string(version)), tests::memray_aggregated(version));
  }
  write(folder / "tracemalloc" / "snapshot", tests::tracemalloc_snapshot());
  tests::JfrWriter jfr;
  jfr.allocation("[B", 5000, {{"app\\/Session", "<init>", 10, "Inlined"}, {"app\\/Main", "main", 30}});
  jfr.old_object("[B", 10000, {{"app\\/Session", "<init>", 10}}, tests::JfrWriter::held_by_a_static_map());
  jfr.in_new_tlab("[C", 24, 4000, {{"A", "a", 1}}).heap_summary("After GC", 4096, "2026-11-27T21:13:38Z");
  write(folder / "jfr" / "samples", jfr.text());
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const std::filesystem::path folder = arguments[1];
  write_hprof(folder / "hprof");
  write_cores(folder / "core");
  write_machine_code(folder / "machine_code");
  write_heaps(folder / "import");
  write_traces(folder);
  write_perf(folder / "perf");
  write_pprof(folder / "pprof");
  write_heap_profiles(folder);
  write_python_profiles(folder);
}
