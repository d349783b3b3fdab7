// An allocation profile in other tools' formats, for `heapql export`.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "analyzer/passes/site_figures.h"

namespace analyzer {

struct ExportValue {
  std::string_view name;    ///< --value
  std::string_view figure;  ///< bytes
  std::string_view count;   ///< the blocks they are
};
[[nodiscard]] std::span<const ExportValue> export_values();

/// "main;serve;open 10000" a line, callers first: flamegraph.pl, inferno, speedscope. Sorted by text. Names keep what
/// they are but for ';' and line ends, which would split them.
[[nodiscard]] std::string export_folded(const ProfileFigures& figures, const ExportValue& value);
/// https://www.speedscope.app/file-format-schema.json: one sampled profile in bytes.
[[nodiscard]] std::string export_speedscope(const ProfileFigures& figures, const ExportValue& value);
/// pprof's profile.proto, gzip-compressed: sample types of all figures that are known, `value` the default one.
[[nodiscard]] std::string export_pprof(const ProfileFigures& figures, const ExportValue& value);

struct ExportFormat {
  std::string_view name, summary;
  std::string (*render)(const ProfileFigures&, const ExportValue&);
  bool is_binary;
};
[[nodiscard]] std::span<const ExportFormat> export_formats();

}  // namespace analyzer
