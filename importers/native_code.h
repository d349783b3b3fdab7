// What the machine code of a core's modules says about its heap: sizes that classes were allocated with, who allocates
// what, who touches which variable, which fields methods use. Only files of the same build are read (their build-id is
// the core's), only x86-64.
//
// `automatic` reads the program and libraries outside of the distribution's folders, 32 MiB of code at most: about 0.25
// CPU seconds per MiB the first time, next to nothing when the analysis is in the cache.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "formats/machine_code.h"
#include "importers/import_job.h"
#include "importers/native_blocks.h"
#include "importers/native_heap.h"
#include "importers/native_modules.h"
#include "importers/native_types.h"
#include "queries/snapshot.h"

namespace importers::native {

class NativeCode {
 public:
  /// Reads the code. Borrows all of it. O(code), or O(records) from the cache.
  NativeCode(const Process& process, const NativeHeap& heap, const ImportOptions& options);

  [[nodiscard]] bool empty() const { return modules_.empty(); }

  /// Blocks of which nothing but the size is known, where one call alone in all the code that was read asks for a
  /// constant size that becomes this one: "allocated by acme::load (200 bytes)". glibc's malloc only, whose rounding is
  /// one formula. Returns how many blocks were typed. O(blocks + sites).
  std::uint64_t type_blocks(TypedBlocks& typed, const Blocks& blocks) const;

  /// Class sizes: sets ClassRow::requested_size of classes that code allocates with one size, when the size of every
  /// block of the class agrees. Fills rows of allocation_site_code. O(blocks + sites).
  void describe_sites(const TypedBlocks& typed, const Blocks& blocks, queries::Snapshot& snapshot) const;
  /// A function of the code that was read.
  struct FunctionAt {
    std::uint32_t module = 0;
    std::uint32_t function = 0;  ///< index into CodeAnalysis::functions
    friend bool operator<(const FunctionAt& a, const FunctionAt& b) {
      return a.module != b.module ? a.module < b.module : a.function < b.function;
    }
  };
  /// The one that holds an address of the process. O(log functions).
  [[nodiscard]] std::optional<FunctionAt> function_at(std::uint64_t address) const;
  /// What it does with what its first argument points to. O(log uses).
  [[nodiscard]] std::span<const formats::machine_code::FieldAccess> field_uses(FunctionAt at) const;
  /// Its instructions with addresses of data. O(log references).
  [[nodiscard]] std::span<const formats::machine_code::CodeReference> references(FunctionAt at) const;
  /// Functions of the same module that it calls. O(log calls).
  [[nodiscard]] std::span<const formats::machine_code::Call> calls(FunctionAt at) const;
  /// Where a reference leads in the process; 0 = not known.
  [[nodiscard]] std::uint64_t target_of(FunctionAt at, const formats::machine_code::CodeReference& reference) const;
  [[nodiscard]] std::string name_of(FunctionAt at) const { return function_name(modules_[at.module], at.function); }
  /// "registry", "counters+0x8": the variable at an address; else module+offset.
  [[nodiscard]] std::string variable_at(std::uint64_t address) const;

  /// Rows of the other tables, and what was read as meta; after the roots.
  void describe_code(const std::vector<formats::CallStack>& stacks, queries::Snapshot& snapshot) const;

 private:
  struct Analysed {
    const formats::Module* module = nullptr;
    formats::machine_code::CodeAnalysis code;
    bool from_cache = false;
  };
  using Site = formats::machine_code::AllocationSite;

  void read(const formats::Module& module, const ImportOptions& options);
  [[nodiscard]] bool is_wanted(const formats::Module& module, CodeModules which);
  /// The class built at a site, by its vtable; "" = none.
  [[nodiscard]] std::string class_of(const Analysed& from, const Site& site) const;
  [[nodiscard]] std::uint64_t address_of(const Analysed& from, const formats::machine_code::StoredAddress& at) const;
  /// Whether an allocator makes blocks of `usable` bytes of a request for `size`.
  [[nodiscard]] bool fits(std::uint64_t size, std::uint64_t usable) const;
  [[nodiscard]] std::uint64_t target_of(const Analysed& from, const formats::machine_code::CodeReference& one) const;
  [[nodiscard]] std::string function_name(const Analysed& from, std::uint32_t function) const;
  [[nodiscard]] std::string place_name(std::uint64_t address) const;

  void describe_references(queries::Snapshot& snapshot) const;
  void describe_fields(queries::Snapshot& snapshot) const;
  void describe_loops(queries::Snapshot& snapshot) const;
  void describe_functions(const std::vector<formats::CallStack>& stacks, queries::Snapshot& snapshot) const;
  struct Method;
  /// Functions that use what their first argument points to, by module and start.
  [[nodiscard]] std::vector<Method> methods() const;
  /// The function that holds an address, without names; size 0 = not known.
  [[nodiscard]] queries::CodeFunctionRow function_around(std::uint64_t address) const;
  [[nodiscard]] std::unordered_map<std::uint64_t, std::vector<std::string>> virtual_functions() const;

  const Process& process_;
  SymbolNames names_;
  bool is_glibc_ = false;
  std::vector<Analysed> modules_;                           ///< by base
  std::vector<std::pair<std::string, std::string>> notes_;  ///< meta rows
  std::uint64_t bytes_read_ = 0;
};

}  // namespace importers::native
