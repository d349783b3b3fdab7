// Addresses of a process as names: functions and variables of its modules, from .symtab (of the file or of its separate
// debug file), else .dynsym, through elfutils.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "formats/debug_session.h"

namespace formats {

struct Symbol {
  std::string name;           ///< demangled
  std::uint64_t address = 0;  ///< in the process
  std::uint64_t size = 0;     ///< bytes; 0 = the file does not say
  bool is_function = false;   ///< else a variable (or table) in data
  const Module* module = nullptr;
};

/// Looked-up tables are kept: not for use by several threads.
class Symbols {
 public:
  /// Borrows the session.
  explicit Symbols(const DebugSession& session) : session_(session) {}

  /// The symbol whose bytes hold `address`; one without a size reaches to the next symbol, at most 4 KiB. O(log
  /// symbols) after a module's first, which is O(symbols log symbols).
  [[nodiscard]] std::optional<Symbol> find(std::uint64_t address) const;
  /// "operator new(unsigned long)+0x1c (libstdc++.so.6)"; "libfoo.so.1+0x1234" where only the module is known; "" when
  /// the address is in no module.
  [[nodiscard]] std::string describe(std::uint64_t address) const;
  /// Variables of a module, by address. Thread-local ones have no address and are not here.
  [[nodiscard]] std::vector<Symbol> variables(const Module& module) const;

 private:
  struct Entry {
    std::uint64_t address = 0;
    std::uint64_t size = 0;
    const char* name = nullptr;  // in the file's string table
    std::uint8_t rank = 0;       // of several at one address the lowest is taken
    bool is_function = false;
  };
  using Table = std::vector<Entry>;  // by address, one per address
  const Table& table(const Module& module) const;
  static Symbol to_symbol(const Entry& entry, const Module& module);

  const DebugSession& session_;
  mutable std::unordered_map<const Module*, Table> tables_;
};

}  // namespace formats
