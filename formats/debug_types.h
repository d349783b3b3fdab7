// The types in a process's debugging information (DWARF 2 to 5) as plain records: sizes, members, base classes, element
// types, under qualified names. Read through elfutils' libdw: several units, partial units and dwz's common file, type
// units, split units where their .dwo is there, compressed sections.
//
//   TypeCatalog catalog(session);
//   if (const auto id = catalog.find("acme::Session")) {
//     const DebugType& session = catalog.type(*id);   // members, bases, size …
//     const TypeLayout layout = layout_of(catalog, *id);  // holes and padding: formats/type_layout.h
//   }
//   for (const DebugVariable& global : catalog.variables()) …  // address and type of each
//
// Typedefs and const, volatile, restrict, _Atomic are looked through everywhere. A declaration stands for the
// definition of the same qualified name, wherever in the process that is; equal definitions in several units are one
// type.
//
// Cost. Nothing until something is asked for. Then one walk over the entries of each module that has debugging
// information (some 0.2 CPU seconds per 10 MB of it; about 60 bytes per class, namespace or variable entry); a type's
// record is made when it is first asked for (about 200 bytes and 64 per member, and their names). Hostile input is
// bounded by budgets in proportion to its size; what cannot be read is `unknown` or left out.
//
// Sources: the DWARF 5 standard, chapters 2, 3 and 5; elfutils' libdw.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/debug_session.h"

namespace formats {

struct Frame;

/// A type of a TypeCatalog. Dense from 0, in the order in which types are met: not stable from run to run of another
/// order of questions.
enum class TypeId : std::uint32_t {};
inline constexpr TypeId no_type{0xFFFF'FFFF};
/// What void is, and what is not understood. Size 0.
inline constexpr TypeId void_type{0};

enum class TypeKind : std::uint8_t {
  unknown,         ///< void, decltype(nullptr), what is not understood
  scalar,          ///< integers, floating point, bool, characters
  enumeration,     ///< target: what it is stored as, where the debugging information says
  pointer,         ///< target: what it points to
  reference,       ///< target
  structure,       ///< struct and class
  union_type,      ///< the members lie on top of each other
  array,           ///< target: the element; several dimensions are one
  function,        ///< what function pointers point to
  member_pointer,  ///< pointer to member: an offset, or two words for functions
};

/// What the bits of a scalar or enumeration mean.
enum class Encoding : std::uint8_t { unsigned_integer, signed_integer, floating, boolean };

/// A data member that lies in the object. Static members are variables.
struct DebugMember {
  std::string name;  ///< "" = an anonymous struct or union, or a bit-field that only fills
  TypeId type = void_type;
  std::uint64_t offset = 0;    ///< bytes from the start of the object; of a bit-field: of the unit that it is stored in
  std::uint64_t size = 0;      ///< bytes; of a bit-field: of the unit that it is stored in
  std::uint32_t bit_size = 0;  ///< 0 = no bit-field
  std::uint64_t bit_offset = 0;  ///< of a bit-field: bits from the start of the object, lowest address and bit first
  bool is_artificial = false;    ///< the compiler's: the vtable pointer
};

struct DebugBase {
  TypeId type = void_type;
  std::uint64_t offset = 0;  ///< 0 and meaningless for a virtual base: only the vtable knows
  std::uint64_t size = 0;    ///< bytes of the base's type; the deriving class may use its tail padding
  bool is_virtual = false;
};

struct DebugType {
  TypeKind kind = TypeKind::unknown;
  std::string
      name;  ///< "std::vector<int, std::allocator<int> >", "(anonymous namespace)::Job", "acme::Node*", "int [4]"
  std::uint64_t size = 0;                          ///< bytes
  bool is_complete = true;                         ///< false: only declared, everywhere in the process
  Encoding encoding = Encoding::unsigned_integer;  ///< of scalars and enumerations
  bool is_character = false;                       ///< of scalars: char, signed char, unsigned char, char8_t …
  bool has_vtable_pointer =
      false;  ///< the class has a vtable pointer of its own: it is polymorphic and its first base is not
  std::uint32_t alignment = 0;       ///< bytes, where alignas() gave one; 0 = not said
  TypeId target = no_type;           ///< see TypeKind; no_type = none
  std::uint64_t count = 0;           ///< of an array: elements; 0 = not known (a flexible last member), or none
  std::vector<DebugMember> members;  ///< in the order of declaration
  std::vector<DebugBase> bases;      ///< in the order of declaration
  std::vector<TypeId> arguments;     ///< template arguments that are types, in order
  const Module* module = nullptr;    ///< whose debugging information says so
  std::uint64_t entry_offset = 0;    ///< of its entry in .debug_info: what readelf and pahole -I show
};

/// A global or static variable: also static members and static locals.
struct DebugVariable {
  std::string name;  ///< "acme::registry", "Server::accept(int)::counter"
  TypeId type = void_type;
  std::uint64_t address = 0;  ///< in the process; of a thread-local one: the offset in its module's block
  bool is_thread_local = false;
  const Module* module = nullptr;
};

/// Part of a local variable's value.
struct ValuePiece {
  std::uint64_t offset = 0;  ///< in the variable
  std::uint64_t size = 0;    ///< bytes
  bool in_memory = false;
  std::uint64_t value = 0;  ///< the address where it lies, else the bytes themselves (a register's), lowest first
};

/// A parameter or local variable of a function that is being executed.
struct FrameVariable {
  std::string name;
  TypeId type = void_type;
  std::vector<ValuePiece> pieces;  ///< what is known; a variable that lies in memory is one piece
};

class DebugIndex;

/// Keeps what was read: not for use by several threads.
class TypeCatalog {
 public:
  /// Borrows the session.
  explicit TypeCatalog(const DebugSession& session);
  TypeCatalog(const TypeCatalog&) = delete;
  TypeCatalog& operator=(const TypeCatalog&) = delete;
  ~TypeCatalog();

  /// Whether no module has debugging information. Looks for it in all of them (files are opened, nothing is walked).
  [[nodiscard]] bool empty();

  /// The record; valid as long as the catalog. O(members) the first time.
  [[nodiscard]] const DebugType& type(TypeId id);
  /// The definition of that class, struct, union or enumeration, by its qualified name as a demangler writes it (spaces
  /// and suffixes of numbers do not matter): "acme::Cache<4>", "(anonymous namespace)::Job". Nothing when there is
  /// none. O(length).
  [[nodiscard]] std::optional<TypeId> find(std::string_view qualified_name);
  /// The type whose entry lies at that offset of .debug_info.
  [[nodiscard]] std::optional<TypeId> find(const Module& module, std::uint64_t entry_offset);
  /// Every class, struct and union that is defined in one of the modules, each qualified name once; by module and
  /// place. Of unnamed ones those that a typedef names are not here. O(all of them).
  [[nodiscard]] std::vector<TypeId> structures();
  /// Whether another class derives from it: a pointer to it may point to something larger.
  [[nodiscard]] bool is_base(TypeId id);
  /// By module and address. O(variables).
  [[nodiscard]] std::vector<DebugVariable> variables();
  /// Parameters and locals that are in scope where the frame stands, also those of the functions inlined there, whose
  /// value can be found: in memory, in a register that is known, as a constant. `is_innermost`: the frame stands at an
  /// instruction that is yet to be executed, not behind a call. At most 10,000. O(entries of the unit), then of the
  /// function.
  [[nodiscard]] std::vector<FrameVariable> locals(const ProcessImage& image, const Frame& frame, bool is_innermost);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace formats
