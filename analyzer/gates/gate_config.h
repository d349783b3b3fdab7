// The gate file: which limits a heap must keep. INI, values as people write them.
//
//   [gate]      fail_on = error | warning        noise_floor = 256 KiB
//   [suspects]  max_count = 0                    max_retained = 20%          min_retained = 5%
//               ignore_causes = …, ignore_kinds = …, ignore_signatures = …
//   [heap]      max_live = 512 MiB  max_total  max_unreachable  max_unreachable_percent  max_cycle_retained
//               max_duplicate_waste  max_objects  max_damaged  max_leaked  max_leaks
//               max_possibly_leaked  max_possible_leaks (native heaps)
//   [fragmentation] max_external = 50%  max_internal  max_free = 64 MiB  max_cached  max_pinned  max_sparse_pages = 100
//   [layout]    max_waste_percent = 10%  max_waste = 1 MiB  max_straddling = 1000  max_shared_lines = 0
//   [type "acme::*"]  max_size = 64  max_padding = 8: of one object, holes included  max_waste = 1 MiB: of all of them
//   [growth]    max_rate = 50%/h | 1 MiB/h       min_r2 = 0.8    verdict = leaking, step    max_leaking_sites = 0
//   [trace]     max_peak = 64 MiB  max_temporary_percent = 10%  max_leaked = 0  max_allocations = 100000
//   [site "Cache::*"]  max_leaked = 1 KiB  max_live  max_allocations  max_peak: of each call path through such a frame
//   [gate] sampling_error = subtract | ignore: whether a sampled figure fails only when it is above its limit for sure
//   [class "com.acme.*Session"]     max_count = 0   max_shallow = 1 MiB   max_retained = 64 MiB
//   [sql "checks/*.sql"]            a file or a glob, relative to the gate file; rows are findings
// Every section but [gate] also takes `severity = error | warning` and `message = …`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace analyzer {

enum class Severity : std::uint8_t { error, warning };
enum class Unit : std::uint8_t { count, bytes, percent, rows };

/// One limit that is checked and reported on its own.
struct GateRule {
  std::string section;   ///< "suspects", "heap", "fragmentation", "class", "sql"
  std::string selector;  ///< class pattern, or SQL file or glob as written; empty in the other sections
  std::string key;       ///< "max_count"; empty for [sql]
  Unit unit = Unit::count;
  double limit = 0;
  std::string limit_text;  ///< as written
  int line = 0;            ///< in the gate file, 0 = from the command line or built in

  /// "suspects.max_count", "class com.acme.Session max_count", "sql checks/x.sql".
  [[nodiscard]] std::string name() const;
};

/// What a section says about all of its rules.
struct GateSection {
  std::string section;
  std::string selector;
  Severity severity = Severity::error;
  std::string message;
  int line = 0;
};

struct SuspectFilter {
  std::uint64_t min_bytes = 0;
  double min_percent = 0;  ///< of the live heap
  std::vector<std::string> ignore_causes, ignore_kinds, ignore_signatures;
};

struct GateConfig {
  std::string path;    ///< of the gate file, "" = none
  std::string folder;  ///< SQL files are relative to it
  Severity fail_on = Severity::error;
  SuspectFilter filter;
  double min_r2 = 0;                          ///< [growth]: a rate of less is not believed
  std::vector<std::string> refused_verdicts;  ///< [growth] verdict, as the database has them
  bool subtract_sampling_error = true;        ///< a sampled figure fails only beyond its error
  bool is_default = false;                    ///< no rule was given: the built-in one
  std::vector<GateRule> rules;                ///< in the order of the file
  std::vector<GateSection> sections;

  [[nodiscard]] const GateSection* find_section(std::string_view section, std::string_view selector) const;
};

/// Reads the gate file (`path` empty: none), then applies `section.key=value` overrides in order. Without any rule
/// from either, the one built-in rule is suspects.max_count = 0. Unknown sections and keys, and values that do not
/// parse, throw UsageError with place and nearest name.
[[nodiscard]] GateConfig load_gate_config(const std::string& path, const std::vector<std::string>& overrides);

}  // namespace analyzer
