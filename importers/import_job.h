// The one argument of every importer: where to read, where to put what was read, and how to say what happens.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "formats/input.h"
#include "queries/object_details.h"
#include "queries/row_sink.h"
#include "queries/snapshot.h"

namespace importers {

/// `--sizes`: how shallow sizes are found where the dump does not say.
enum class SizeRule : std::uint8_t {
  automatic,  ///< as the running VM laid objects out: inferred from address gaps, else from the layout rules
  mat,        ///< Eclipse MAT's formula, for comparison
};

/// `--values`: which primitive fields become rows of `value`.
enum class ValueRows : std::uint8_t { automatic, all, none };

/// `--code`: the machine code of which of a core's modules is read (native_code.h).
enum class CodeModules : std::uint8_t {
  automatic,  ///< the program's and that of libraries outside of the distribution's folders, up to 32 MiB of it
  none,
  all,
};

/// Where the files of a core's modules are (formats/modules.h).
struct ModulePaths {
  std::string exe;
  std::string sysroot;
  std::vector<std::string> solib_paths;
  std::vector<std::string> debug_directories;  ///< empty: the usual one
};

struct ImportOptions {
  SizeRule sizes = SizeRule::automatic;
  ValueRows values = ValueRows::automatic;  ///< automatic: all of a dump with at most 2 million objects, else none
  std::size_t string_limit = 1000;          ///< bytes of UTF-8 kept per string
  bool strings = true;                      ///< rows of `string`
  bool content_hashes = true;               ///< what the duplicates pass needs
  std::uint32_t dump_index = 0;             ///< `--dump`: which heap dump of a file that holds several
  unsigned threads = 1;
  ModulePaths modules{};
  CodeModules code = CodeModules::automatic;
  std::vector<std::string> memory_samples{};  ///< cores: texts of perf c2c, perf mem, perf script
  bool events = false;          ///< rows of `event`, where there is a sink for them; NoEvents where there are none
  std::string code_cache{};     ///< folder for analyses of code, "" = keep none
  bool histogram_only = false;  ///< class_of, sizes, counts by class; no references: only Snapshot::histogram
};

/// `--events` of an input without single events. The message says what it has instead: "sums by call path".
struct NoEvents : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// phase: "scan", "references", …; done/total in bytes or objects, total 0 = unknown. Called often: cheap, or filtered.
using Progress = std::function<void(std::string_view phase, std::uint64_t done, std::uint64_t total)>;

struct ImportJob {
  const formats::Input& input;
  ImportOptions options;
  queries::Snapshot& snapshot;                                 ///< out
  queries::RowSink* rows = nullptr;                            ///< nullptr: no rows are wanted (analyze without -o)
  std::unique_ptr<queries::ObjectDetails>* details = nullptr;  ///< out, if asked for; borrows input and snapshot
  Progress progress;                                           ///< may be empty
};

}  // namespace importers
