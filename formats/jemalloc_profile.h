// jemalloc's heap profiles, `heap_v2/INTERVAL`: what a sampled program had live, and with prof_accum what it ever
// allocated, by call path and thread. Bytes are what the allocator gave (size classes). Figures are of the samples;
// INTERVAL is the mean number of bytes between two.
//
// Source: jemalloc's prof_data.c (prof_dump_*), jeprof. O(bytes).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "formats/bytes.h"
#include "formats/damage_log.h"
#include "formats/profile_text.h"

namespace formats::jemalloc_profile {

[[nodiscard]] bool looks_like(Bytes head);
/// Does a section of names (`--- symbol`) stand in front of such a profile? O(bytes of the section).
[[nodiscard]] bool follows_names(Bytes file);

struct Figures {
  std::int64_t live_count = 0, live_bytes = 0;
  std::int64_t allocation_count = 0, allocated_bytes = 0;  ///< 0 without prof_accum
};

struct Thread {
  std::uint64_t id = 0;
  std::string_view name;
  Figures figures;
};

struct Header {
  double mean_interval_bytes = 0;
  Figures total;  ///< of the samples
  bool has_allocations = false;
  std::vector<Thread> threads;
};

struct Sample {
  std::uint64_t offset = 0;
  std::vector<std::uint64_t> addresses;  ///< return addresses, innermost (in jemalloc itself) first
  Figures figures;                       ///< of all threads
};

class Reader {
 public:
  /// Reads up to the first call path. Lines that make no sense are damage.
  Reader(Bytes file, DamageLog& damage);
  [[nodiscard]] const Header& header() const { return header_; }
  /// false at the end of the samples; the memory of `sample` is used again. A call path whose line of figures is cut
  /// off is damage.
  [[nodiscard]] bool next(Sample& sample);

  [[nodiscard]] const profile_text::Names& names() const { return names_; }
  /// Complete when next() has returned false.
  [[nodiscard]] const profile_text::MappedFiles& mapped_files() const { return mapped_files_; }

 private:
  void read_header();
  bool read_figures(Sample& sample);
  void add_damage(std::string_view what);

  TextLines lines_;
  DamageLog& damage_;
  Header header_;
  bool has_line_ = false;  // the current line is still to be read
  profile_text::Names names_;
  profile_text::MappedFiles mapped_files_;
};

}  // namespace formats::jemalloc_profile
