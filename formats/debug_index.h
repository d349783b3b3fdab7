// One walk over a module's debugging information: where its types, variables and code are. What a TypeCatalog
// (debug_types.h) is built on; of no use to others.
//
// Entries (DIEs) know their children, not what they lie in: the index keeps that for what can be part of a name.
#pragma once

#include <elfutils/libdw.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "formats/modules.h"

namespace formats {

/// A hash of a qualified name that can be continued: of "a::b" from that of "a". Spaces do not count, nor do suffixes
/// of numbers ("array<int, 4ul>" is "array<int, 4>"): compilers and demanglers differ in them.
class NameHash {
 public:
  NameHash() = default;
  explicit NameHash(std::string_view text) { add(text); }
  void add(std::string_view text);
  /// Appends the characters of `text` that count.
  static void normalize(std::string_view text, std::string& to);
  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xCBF2'9CE4'8422'2325;
};

class DebugIndex {
 public:
  /// A class, struct, union, enumeration, namespace, or a function that has such in it.
  struct Scope {
    Dwarf_Die die{};
    const void* parent = nullptr;  ///< address of the entry that it lies in; nullptr = the unit
    NameHash name;                 ///< of the qualified name
    bool is_local = false;         ///< in a function or an unnamed namespace: of its unit only
    bool is_definition = false;    ///< of a type that has a name
  };
  struct Variable {
    Dwarf_Die die{};
    const void* parent = nullptr;
    std::uint64_t address = 0;  ///< in the process; of a thread-local one: the offset in the module's block
    bool is_thread_local = false;
  };
  /// Code of a unit, in the process.
  struct UnitRange {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    Dwarf_Die unit{};
  };

  /// O(bytes of debugging information).
  DebugIndex(const Module& module, Dwarf* dwarf, std::uint64_t bias);

  [[nodiscard]] const Module& module() const { return *module_; }
  [[nodiscard]] Dwarf* dwarf() const { return dwarf_; }
  [[nodiscard]] std::uint64_t bias() const { return bias_; }
  [[nodiscard]] const std::vector<Scope>& scopes() const { return scopes_; }           ///< by address of the entry
  [[nodiscard]] const std::vector<Variable>& variables() const { return variables_; }  ///< in the order of the file
  /// What was recorded of the entry at that address; nullptr = nothing.
  [[nodiscard]] const Scope* find(const void* entry) const;
  /// The first definition of that name.
  [[nodiscard]] const Scope* definition(const NameHash& name) const;
  [[nodiscard]] bool is_base(const NameHash& name) const { return bases_.count(name.value()) != 0; }
  /// The unit whose code holds `address`.
  [[nodiscard]] const UnitRange* unit_at(std::uint64_t address) const;
  /// "acme::Cache<int>::Entry", "main::Local"; the entry at `entry` has been recorded, or "" comes back.
  [[nodiscard]] std::string qualified_name(const void* entry) const;
  [[nodiscard]] std::string variable_name(const Variable& variable) const;
  /// What an entry called `name` inside of `parent` (nullptr = the unit) is called.
  [[nodiscard]] std::string qualify(const void* parent, const std::string& name) const;

 private:
  struct Level;
  void walk_units(Dwarf* dwarf);
  void walk(Dwarf_Die& unit);
  bool enter(Dwarf_Die& die, int tag, Level& in, Level& inner);
  const void* scope_of(Level& level);
  void add_variable(Dwarf_Die& die, Level& in);
  void add_declaration(Dwarf_Die& die, Level& in);
  [[nodiscard]] const void* parent_of(Dwarf_Die die, const void* otherwise) const;
  [[nodiscard]] std::string function_name(Dwarf_Die die, const void* parent) const;
  void add_ranges(Dwarf_Die& unit);
  void finish();

  const Module* module_;
  Dwarf* dwarf_;
  std::uint64_t bias_;
  std::uint64_t budget_ = 0;  ///< entries that may still be looked at
  std::vector<Scope> scopes_;
  std::vector<Variable> variables_;
  std::vector<UnitRange> ranges_;
  std::vector<const void*> base_entries_;
  /// What declarations of variables and functions without a mangled name lie in: their definitions lie elsewhere.
  std::unordered_map<const void*, const void*> declared_in_;
  std::unordered_set<std::uint64_t> bases_;
  std::unordered_map<std::uint64_t, std::uint32_t> definitions_;
};

/// The name in an entry, cut to what people can read; "" = none.
[[nodiscard]] std::string name_in(Dwarf_Die& die);
/// An attribute that is a number; `fallback` when it is absent, or none.
[[nodiscard]] std::uint64_t number_in(Dwarf_Die& die, unsigned attribute, std::uint64_t fallback);
[[nodiscard]] bool has_attribute(Dwarf_Die& die, unsigned attribute);
/// The type that the entry refers to, also through what it is an instance of. False when there is none.
[[nodiscard]] bool type_of(Dwarf_Die& die, Dwarf_Die& type);

}  // namespace formats
