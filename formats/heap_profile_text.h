// Heap profiles as text, in the words of pprof's first version: gperftools (`heap profile: … @ heapprofile`, heapz_v2,
// growthz), Go's debug=1 with its lines of symbols, the JVM's heapz. Figures are as in the file: those of a sampled
// profile are of the samples alone.
//
// Sources: gperftools' pprof, google/pprof profile/legacy_profile.go, Go's runtime/pprof. O(bytes).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/bytes.h"
#include "formats/damage_log.h"
#include "formats/profile_text.h"

namespace formats::heap_profile_text {

/// Accepts the profiles above, and their sisters of other things (contention, threads), which describe_other() names.
[[nodiscard]] bool looks_like(Bytes head);
/// What the profile is of, when it is not memory: "contention", "threads", "goroutines"; "" = memory.
[[nodiscard]] std::string_view other_kind(Bytes head);

enum class Kind : std::uint8_t {
  exact,    ///< every allocation was counted
  heap,     ///< sampled; the interval is half of what the header says (Go, old tcmalloc)
  heap_v2,  ///< sampled; the interval is what the header says
  growth,   ///< what the allocator got from the system, by who made it ask
  java,     ///< heapz of a JVM
};

struct Figures {
  std::int64_t live_count = 0, live_bytes = 0;
  std::int64_t allocation_count = 0, allocated_bytes = 0;
};

struct Header {
  Kind kind = Kind::exact;
  std::string_view type;           ///< "heapprofile", "heap", "heapz_v2", …
  double mean_interval_bytes = 0;  ///< 0 = not sampled
  bool has_allocations = true;     ///< false: only what is live
  Figures total;
};

/// One line of symbols of Go: innermost first, inlined calls are lines of their own.
struct SymbolLine {
  std::string_view function;
  std::string_view file;
  std::int32_t line = 0;
  std::string_view text;  ///< the whole of it without the address: equal lines are equal frames
};

struct Sample {
  std::uint64_t offset = 0;
  Figures figures;
  std::vector<std::uint64_t> addresses;  ///< return addresses, innermost first; ids of `names` in a JVM's
  std::vector<SymbolLine> symbols;       ///< empty where the profile has none
};

class Reader {
 public:
  /// Reads up to the first sample. Lines that make no sense are damage.
  Reader(Bytes file, DamageLog& damage);
  [[nodiscard]] const Header& header() const { return header_; }
  /// false at the end of the samples; the memory of `sample` is used again.
  [[nodiscard]] bool next(Sample& sample);

  // Complete when next() has returned false:
  [[nodiscard]] const profile_text::MappedFiles& mapped_files() const { return mapped_files_; }
  [[nodiscard]] const profile_text::Names& names() const { return names_; }
  /// Go's runtime.MemStats: ("HeapAlloc", "9351984"), …
  [[nodiscard]] const std::vector<std::pair<std::string_view, std::string_view>>& statistics() const {
    return statistics_;
  }

 private:
  bool read_header();
  bool read_java_header();
  bool parse_sample(std::string_view line, Sample& sample) const;
  void read_symbols(Sample& sample);
  void read_statistics();
  void read_java_names();
  void add_damage(std::string_view what);

  TextLines lines_;
  DamageLog& damage_;
  Header header_;
  bool has_line_ = false;  // the current line is still to be read
  profile_text::MappedFiles mapped_files_;
  profile_text::Names names_;
  std::vector<std::pair<std::string_view, std::string_view>> statistics_;
};

}  // namespace formats::heap_profile_text
