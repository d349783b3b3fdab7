// What both forms of memcheck's report are collected in.
#pragma once

#include <string_view>
#include <unordered_map>

#include "formats/memcheck.h"

namespace formats::memcheck {

class ReportBuilder {
 public:
  /// The process of that id; a new one when it has not been seen, or was finished (ids are used again).
  Process& process(std::uint64_t id);
  /// Keeps a loss of the newest leak search: one whose number is not above the last one's begins another search.
  static void add_loss(Process& process, Loss loss);
  static void add_error(Process& process, std::string_view kind);
  [[nodiscard]] Report take() { return std::move(report_); }
  [[nodiscard]] bool has_processes() const { return !report_.processes.empty(); }

 private:
  Report report_;
  std::unordered_map<std::uint64_t, std::size_t> newest_;  // process by id
};

/// "3,087,976" → 3087976.
[[nodiscard]] std::optional<std::uint64_t> parse_grouped(std::string_view text);

}  // namespace formats::memcheck
