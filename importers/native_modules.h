// The files of a core's modules at work: names for addresses, call stacks as rows, and what is missing in words.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "formats/debug_session.h"
#include "formats/modules.h"
#include "formats/symbols.h"
#include "formats/unwind.h"
#include "importers/import_job.h"
#include "importers/native_types.h"
#include "queries/snapshot.h"

namespace importers::native {

[[nodiscard]] formats::ModuleSearch search_of(const ModulePaths& paths);

/// A process with everything that could be found of it. Not movable: its parts borrow each other.
struct Process {
  Process(formats::elf::Core read, const ModulePaths& paths);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  formats::elf::Core core;
  formats::ProcessImage image;
  formats::Modules modules;
  std::uint64_t filled_bytes;  ///< of the image, from the modules' files
  formats::DebugSession session;
  formats::Symbols symbols;
};

class SymbolNames final : public NameSource {
 public:
  explicit SymbolNames(const formats::Symbols& symbols) : symbols_(symbols) {}
  [[nodiscard]] std::string symbol(std::uint64_t address) const override;

 private:
  const formats::Symbols& symbols_;
};

/// The stack of every thread, in the order of Core::threads.
[[nodiscard]] std::vector<formats::CallStack> call_stacks(const Process& process);
/// Rows of `frame`; stack_id = index of the thread. The index of the first row of each stack.
std::vector<std::size_t> make_frames(const std::vector<formats::CallStack>& stacks, queries::Snapshot& snapshot);
/// meta rows and warnings: which modules' files were found, and what the others cost.
void describe_modules(const Process& process, queries::Snapshot& snapshot);

}  // namespace importers::native
