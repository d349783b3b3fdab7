// Memcheck's reports, as XML (docs/internals/xml-output-protocol4.txt and 5) and as text (memcheck/mc_leakcheck.c,
// pp_LossRecord and print_results): loss records with their stacks, other errors, sums, used suppressions. A file may
// hold several processes (--trace-children=yes), and end anywhere (a killed process).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/bytes.h"
#include "formats/damage_log.h"

namespace formats::memcheck {

[[nodiscard]] bool looks_like_xml(Bytes head);   ///< <valgrindoutput> of the tool memcheck
[[nodiscard]] bool looks_like_text(Bytes head);  ///< "==PID== Memcheck, a memory error detector", any text before it

[[nodiscard]] inline bool looks_like(Bytes head) { return looks_like_xml(head) || looks_like_text(head); }

enum class LossKind : std::uint8_t { definite, indirect, possible, reachable };

struct Frame {
  std::string address;   ///< "0x109208"
  std::string function;  ///< "" = not known
  std::string file;      ///< with its directory where the report has one
  std::int32_t line = 0;
  std::string module;
};

/// "10,000 (9,000 direct, 1,000 indirect) bytes in 50 blocks are definitely lost in loss record 1 of 3". Indirectly
/// lost blocks have records of their own.
struct Loss {
  LossKind kind = LossKind::definite;
  std::uint64_t bytes = 0;  ///< direct ones
  std::uint64_t blocks = 0;
  std::uint64_t number = 0;    ///< of the record in its leak search, 0 = not given
  std::vector<Frame> stack{};  ///< innermost first
};

struct Sum {
  std::uint64_t bytes = 0, blocks = 0;
};
struct Suppression {
  std::string name;
  std::uint64_t count = 0;
  std::optional<Sum> leaked;  ///< text of -s only
};

struct Process {
  std::uint64_t id = 0;
  std::string command;
  bool is_finished = false;
  std::vector<Loss> losses;  ///< of its last leak search
  std::uint64_t leak_searches = 0;
  bool finds_no_leaks = false;   ///< it has looked, and nothing is lost
  bool tells_reachable = false;  ///< XML: --show-leak-kinds=all, what is still reachable is among the losses
  std::optional<Sum> in_use;     ///< at exit; text only, as all below
  std::optional<std::uint64_t> allocation_count, allocated_bytes;
  std::optional<Sum> sums[4];  ///< LEAK SUMMARY, by LossKind
  std::optional<Sum> suppressed;
  std::vector<std::pair<std::string, std::uint64_t>>
      errors;  ///< kinds that are no leaks: contexts of each, as first seen
  std::vector<Suppression> suppressions;
};

struct Report {
  std::vector<Process> processes;  ///< as they appear
};

/// Memory: the losses of the last search of each process. Linear.
[[nodiscard]] Report read_xml(Bytes bytes, DamageLog& damage);
[[nodiscard]] Report read_text(Bytes bytes, DamageLog& damage);

/// The sentence of a loss record, in text and in XML's <text>.
[[nodiscard]] std::optional<Loss> parse_loss(std::string_view text);

}  // namespace formats::memcheck
