// What a recorder of memory accesses says of one place in memory: the record of perf_c2c, perf_mem and perf_script.
// It is one sample, or the samples that the recorder has added up. Samples are a few of all accesses: numbers compare
// places with each other, they are no numbers of executed instructions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace formats {

/// Samples of one kind. Nothing = not said, or not known from what is said; 0 = none.
struct AccessCount {
  std::optional<std::uint64_t> count;
  std::optional<std::uint64_t> mean_cycles;  ///< from the issue of the load to its data; stores have none
};

/// Texts are windows of the input, "" where it says nothing or "[unknown]", "??:0", "N/A".
struct MemoryAccess {
  std::uint64_t offset = 0;  ///< of its line in the input
  /// What it was recorded for: "cpu/mem-loads,ldlat=30/P". Arm SPE's accesses come once for each of several events
  /// (l1d-access, tlb-access, memory): whoever counts them takes one.
  std::string_view event;
  /// In the process that was recorded. Nothing: the recorder names a variable instead, or knows none.
  std::optional<std::uint64_t> address;
  /// `address` is where a cache line begins, and the counts are of all of it. The accesses that make it up may follow:
  /// do not add up both.
  bool address_is_line_only = false;
  std::optional<std::uint64_t> line;  ///< perf c2c's number of the cache line: of the line and of its accesses
  std::string_view variable;          ///< perf mem: "counters+0x8"
  std::string_view variable_module;   ///< "[heap]", "[stack]", "libx.so"

  std::int64_t process_id = -1;  ///< -1 = not said
  std::int64_t thread_id = -1;
  std::string_view thread_name;
  std::optional<std::uint64_t> code_address;
  std::string_view function, module;
  std::string_view source;        ///< "file.c:12"
  bool texts_may_be_cut = false;  ///< perf c2c cuts functions and sources at 30 bytes without --full-symbols

  std::optional<std::uint64_t> samples;
  AccessCount loads;  ///< mean_cycles: perf c2c's leaves out those of the four kinds below
  AccessCount stores;
  AccessCount hitm_local;   ///< loads of a line that another core had modified, of the same node
  AccessCount hitm_remote;  ///< … of another node: the most costly ones
  AccessCount peer_local;   ///< AArch64: loads that another core's cache has answered, whether modified or not
  AccessCount peer_remote;
  /// The counts but `samples` are rounded percentages, with two decimals, of the totals of the cache line: each is
  /// wrong by up to total / 20 000.
  bool counts_are_estimates = false;

  std::string_view memory_level;           ///< perf mem: where the data was, "L1 hit", in perf's words
  std::string_view data_nodes;             ///< NUMA nodes of the data: "0", "0-1"
  std::optional<std::uint64_t> cpu_count;  ///< CPUs that accessed it
  std::string_view cpu_nodes;              ///< their NUMA nodes, and with -N more: "0{0-1,4}  1{24}"
};

}  // namespace formats
