#include "importers/registry.h"

#include "formats/dhat.h"
#include "formats/elf_core.h"
#include "formats/foreign_files.h"
#include "formats/heap_profile_text.h"
#include "formats/heapcheck.h"
#include "formats/heaptrack.h"
#include "formats/hprof.h"
#include "formats/jemalloc_profile.h"
#include "formats/jemalloc_stats.h"
#include "formats/jfr_json.h"
#include "formats/malloc_info.h"
#include "formats/massif.h"
#include "formats/memcheck.h"
#include "formats/memleak.h"
#include "formats/memray.h"
#include "formats/mtrace.h"
#include "formats/pprof.h"
#include "formats/proc_memory.h"
#include "formats/sanitizer.h"
#include "formats/series_table.h"
#include "formats/tcmalloc_stats.h"
#include "formats/tracemalloc_snapshot.h"
#include "formats/valgrind_trace.h"
#include "formats/xtree.h"
#include "importers/core_importer.h"
#include "importers/dhat_importer.h"
#include "importers/heap_profile_text_importer.h"
#include "importers/heapcheck_importer.h"
#include "importers/heaptrack_importer.h"
#include "importers/hprof_description.h"
#include "importers/hprof_importer.h"
#include "importers/jemalloc_profile_importer.h"
#include "importers/jfr_importer.h"
#include "importers/malloc_trace_importer.h"
#include "importers/massif_importer.h"
#include "importers/memcheck_importer.h"
#include "importers/memleak_importer.h"
#include "importers/memray_importer.h"
#include "importers/pprof_importer.h"
#include "importers/program_importer.h"
#include "importers/sanitizer_importer.h"
#include "importers/series_importer.h"
#include "importers/tracemalloc_importer.h"
#include "importers/xtree_importer.h"

namespace importers {
namespace {

constexpr Importer importers_by_magic[] = {
    {"hprof", "JVM and Android heap dumps (JAVA PROFILE 1.0.1, 1.0.2, 1.0.3)", formats::hprof::looks_like, import_hprof,
     describe_hprof, false, "a heap of one moment"},
    {"program", "ELF programs and libraries with debugging information: the layouts of their types", looks_like_program,
     import_program, describe_program, false, "a program, which allocates nothing"},
    {"core", "ELF cores of native processes (64-bit x86-64, AArch64): glibc malloc, jemalloc, tcmalloc, mimalloc",
     formats::elf::is_elf, import_core, describe_core, false, "a heap of one moment"},
    {"heaptrack", "heaptrack's recordings, interpreted and raw (file formats 0 to 3)", formats::heaptrack::looks_like,
     import_heaptrack, describe_heaptrack},
    {"mtrace", "glibc's mtrace", formats::mtrace::looks_like, import_mtrace, describe_malloc_trace},
    {"valgrind_trace", "valgrind --trace-malloc=yes", formats::valgrind_trace::looks_like, import_valgrind_trace,
     describe_malloc_trace},
    {"massif",
     "Valgrind massif output: heap over time and its peak's sites; also of heaptrack_print -M and xtrees (.ms)",
     formats::massif::looks_like, import_massif, describe_massif, true, "sums by call path"},
    {"dhat", "DHAT profiles, version 2 (Valgrind, the Rust crate dhat): heap, copy and ad-hoc",
     formats::dhat::looks_like, import_dhat, describe_dhat, true, "sums by call path"},
    {"memcheck", "Valgrind memcheck reports, XML and text: leaks by kind and site", formats::memcheck::looks_like,
     import_memcheck, describe_memcheck, true, "leaks by call path"},
    {"xtree", "Valgrind xtrees in callgrind format (.kcg): allocated, live and leaked bytes by path",
     formats::xtree::looks_like, import_xtree, describe_xtree, true, "sums by call path"},
    {"sanitizer", "LeakSanitizer and AddressSanitizer reports (GCC, Clang): leaks by site",
     formats::sanitizer::looks_like, import_sanitizer, describe_sanitizer, true, "leaks by call path"},
    {"memleak", "bcc memleak: outstanding allocations by stack, over time", formats::memleak::looks_like,
     import_memleak, describe_memleak, true, "outstanding blocks by call path"},
    {"bpftrace", "bpftrace maps of stacks (@name[ustack]: count)", formats::bpftrace::looks_like, import_bpftrace,
     describe_bpftrace, true, "sums by call path"},
    {"malloc_info", "glibc's malloc_info(3), once or as a series", formats::malloc_info::looks_like, import_malloc_info,
     describe_malloc_info, true, "figures over time"},
    {"proc", "/proc/PID/status, smaps, smaps_rollup, once or as a series", formats::proc_memory::looks_like,
     import_proc_memory, describe_proc_memory, true, "figures over time"},
    {"jemalloc_stats", "jemalloc's malloc_stats_print, JSON or text, once or as a series",
     formats::jemalloc_stats::looks_like, import_jemalloc_stats, describe_jemalloc_stats, true, "figures over time"},
    {"tcmalloc_stats", "tcmalloc's statistics (MALLOCSTATS=1, GetStats), once or as a series",
     formats::tcmalloc_stats::looks_like, import_tcmalloc_stats, describe_tcmalloc_stats, true, "figures over time"},
    {"jfr", "JDK Flight Recorder, as `jfr print --json` prints it: allocation samples, old objects, heap sizes",
     formats::jfr_json::looks_like, import_jfr, describe_jfr, true, "samples of allocations"},
    {"memray", "memray captures of Python programs, versions 11 to 13", formats::memray::looks_like, import_memray,
     describe_memray},
    {"tracemalloc", "snapshots of Python's tracemalloc", formats::tracemalloc_snapshot::looks_like, import_tracemalloc,
     describe_tracemalloc, true, "live blocks by call path"},
    {"jemalloc_profile", "heap profiles of jemalloc (heap_v2)", formats::jemalloc_profile::looks_like,
     import_jemalloc_profile, describe_jemalloc_profile, true, "sums of samples by call path"},
    {"heap_profile_text", "heap profiles as text: gperftools, Go's debug=1, a JVM's heapz, symbolised by jeprof --raw",
     formats::heap_profile_text::looks_like, import_heap_profile_text, describe_heap_profile_text, true,
     "sums of samples by call path"},
    {"heapcheck", "reports of gperftools' heap leak checker", formats::heapcheck::looks_like, import_heapcheck,
     describe_heapcheck, true, "leaks by call path"},
    {"pprof", "heap profiles in pprof's protobuf: Go, Rust, Node, converted gperftools", formats::pprof::looks_like,
     import_pprof, describe_pprof, true, "sums by call path"},
    {"memory_table", "memory over time: CSV or TSV with a header (psutil), psrecord, pidstat -r",
     formats::series_table::looks_like, import_series_table, describe_series_table, true, "figures over time"},
};

}  // namespace

std::span<const Importer> all_importers() { return importers_by_magic; }

const Importer* find_importer(formats::Bytes head) {
  for (const Importer& importer : importers_by_magic) {
    if (importer.looks_like(head)) return &importer;
  }
  return nullptr;
}

std::optional<std::vector<std::pair<std::string, std::string>>> describe_foreign(formats::Bytes head) {
  const auto foreign = formats::recognize_foreign(head);
  if (!foreign) return std::nullopt;
  return std::vector<std::pair<std::string, std::string>>{{"kind", foreign->kind},
                                                          {std::string(cannot_be_read), foreign->advice}};
}

std::string refusal(formats::Bytes head) {
  if (const auto foreign = formats::recognize_foreign(head)) {
    return "is " + foreign->kind + ", which heapql does not read: " + foreign->advice;
  }
  return "not a format heapql knows (`heapql formats` lists them)";
}

}  // namespace importers
