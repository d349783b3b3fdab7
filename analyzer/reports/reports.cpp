#include "analyzer/reports/reports.h"

#include <array>

namespace analyzer {

namespace {

constexpr std::array types{
    ReportType{"leak-suspects", "who holds too much, through what, and why", build_leak_suspects},
    ReportType{"overview", "what the heap is, in one screen", build_overview},
    ReportType{"histogram", "classes by count and bytes", build_histogram},
    ReportType{"dominators", "objects that would free most if they went away", build_dominators},
    ReportType{"top-consumers", "biggest objects, classes, class loaders and packages", build_top_consumers},
    ReportType{"threads", "threads with stacks, locals and what they retain", build_threads},
    ReportType{"duplicates", "equal strings and arrays, and what they waste", build_duplicates},
    ReportType{"leaks", "what the program allocated and lost, by leak head (native heaps)", build_leaks},
    ReportType{"unreachable", "garbage by class", build_unreachable},
    ReportType{"cycles", "reference cycles, and those that finalizers keep", build_cycles},
    ReportType{"fragmentation", "free memory: how it lies, what it can serve, which blocks pin it",
               build_fragmentation},
    ReportType{"growth", "what grows over time, how fast, and whether that is a leak", build_growth},
};

}  // namespace

std::span<const ReportType> report_types() { return types; }

const ReportType* find_report_type(std::string_view name) {
  for (const ReportType& type : types) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

}  // namespace analyzer
