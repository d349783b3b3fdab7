#include "analyzer/reports/reports.h"

#include <array>
#include <string>

namespace analyzer {

namespace {

constexpr std::array types{
    ReportType{"leak-suspects", "who holds too much, through what, and why", ReportSubject::heap, build_leak_suspects},
    ReportType{"overview", "what the heap is, in one screen", ReportSubject::any, build_overview},
    ReportType{"histogram", "classes by count and bytes", ReportSubject::heap, build_histogram},
    ReportType{"dominators", "objects that would free most if they went away", ReportSubject::heap, build_dominators},
    ReportType{"top-consumers", "biggest objects, classes, class loaders and packages", ReportSubject::heap,
               build_top_consumers},
    ReportType{"threads", "threads with stacks, locals and what they retain", ReportSubject::heap, build_threads},
    ReportType{"duplicates", "equal strings and arrays, and what they waste", ReportSubject::heap, build_duplicates},
    ReportType{"leaks", "what the program allocated and lost: by leak head (native heaps) or by site (profiles)",
               ReportSubject::any, build_leaks},
    ReportType{"unreachable", "garbage by class", ReportSubject::heap, build_unreachable},
    ReportType{"cycles", "reference cycles, and those that finalizers keep", ReportSubject::heap, build_cycles},
    ReportType{"fragmentation", "free memory: how it lies, what it can serve, which blocks pin it", ReportSubject::heap,
               build_fragmentation},
    ReportType{"layout", "holes, padding, cold members, empty containers, scattered walks, shared cache lines",
               ReportSubject::heap, build_layout},
    ReportType{"growth", "what grows over time, how fast, and whether that is a leak", ReportSubject::any,
               build_growth},
    ReportType{"allocations", "who allocates: sites by count, bytes and peak, with call paths", ReportSubject::profile,
               build_allocations},
    ReportType{"peak", "what was live when the program was at its peak", ReportSubject::profile, build_peak},
    ReportType{"temporary", "blocks freed before the next allocation", ReportSubject::profile, build_temporary},
    ReportType{"lifetimes", "how long blocks live: the share that dies young", ReportSubject::profile, build_lifetimes},
    ReportType{"sizes", "allocations by size, and what rounding to size classes costs", ReportSubject::profile,
               build_sizes},
    ReportType{"timeline", "memory over time", ReportSubject::profile, build_timeline},
    ReportType{"pools", "sites that a memory pool would speed up, and by how much", ReportSubject::profile,
               build_pools},
};

}  // namespace

std::span<const ReportType> report_types() { return types; }

const ReportType* find_report_type(std::string_view name) {
  for (const ReportType& type : types) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

bool is_profile(const queries::Database& database) { return database.meta("kind") == "allocation_profile"; }

bool is_program(const queries::Database& database) { return database.meta("kind") == "program"; }

namespace {

bool is_of(const ReportType& type, const queries::Database& database) {
  if (is_program(database)) return type.build == build_layout;
  return type.subject == ReportSubject::any || (type.subject == ReportSubject::profile) == is_profile(database);
}

}  // namespace

bool suits(const ReportType& type, const queries::Database& database, std::string& why) {
  if (is_of(type, database)) return true;
  why = "report '" + std::string(type.name) + "' is of " +
        (is_program(database) ? "heaps and records; this input is a program, of which only the types' layouts are known"
         : is_profile(database) ? "heap dumps; this input is a record of allocations, without objects and references"
                                : "records of allocations (traces, profiles); this input is a heap dump");
  std::string list;
  for (const ReportType& other : report_types()) {
    if (is_of(other, database)) list += (list.empty() ? "; it has: " : ", ") + std::string(other.name);
  }
  why += list;
  return false;
}

}  // namespace analyzer
