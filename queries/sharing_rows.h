// Cache lines that threads share without sharing what is in them: rows of shared_line and shared_line_use.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "queries/ids.h"

namespace queries {

/// Who uses what of a line.
struct SharedLineUse {
  std::uint64_t address = 0;
  std::uint32_t size = 0;    ///< 0 = not known
  std::int64_t thread = -1;  ///< index into Snapshot::threads, -1 = not known
  std::string function;      ///< "" = not known
  std::string access;        ///< "write", "read", "pointer": something points there, no more is known
  std::string member;        ///< "consumed", "[3]", a variable's name
  std::string evidence;      ///< "code and stack", "code", "stack", "perf c2c", "perf mem"
  bool is_locked = false;
  std::uint32_t loop_depth = 0;
  std::uint64_t samples = 0;  ///< of a measurement
};

struct SharedLineRow {
  std::uint64_t address = 0;  ///< of the line
  std::string kind;           ///< "members", "slots" of an array, "neighbours": blocks, "variables"
  std::string confidence;     ///< "measured", "high", "medium", "low"
  std::string place;          ///< type of the block, or the variables' module
  ObjectId object = no_object;
  std::uint64_t samples = 0;        ///< of a measurement
  std::vector<SharedLineUse> uses;  ///< by address, thread
};

/// Accesses of one place that perf sampled. What is -1 is not known.
struct MemorySampleRow {
  std::uint64_t address = 0;
  bool is_line = false;  ///< the figures are of all of the cache line at `address`; its places may have rows as well
  ObjectId object = no_object;
  std::string place;         ///< type of the block
  std::string member;        ///< as SharedLineUse::member
  std::int64_t thread = -1;  ///< index into Snapshot::threads
  std::int64_t thread_os_id = -1;
  std::string function, module, source;  ///< of the code; "file.c:12"
  std::string event;                     ///< "cpu/mem-loads/P"
  std::string evidence;                  ///< "perf c2c", "perf mem", "perf script"
  std::int64_t samples = -1, loads = -1, stores = -1;
  std::int64_t hitm_local = -1, hitm_remote = -1;  ///< loads of a line that another core had modified
  std::int64_t mean_cycles = -1;
};

}  // namespace queries
