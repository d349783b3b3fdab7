// What the code of an executable or library says about the heap, found without running it: which instructions touch
// which global, where objects are allocated and as what, which fields methods use, and which loops stride over arrays.
//
// Code is read function by function and every function once, in the order of its instructions. Values are followed
// through registers and the function's own stack, along forward jumps; what loops change is forgotten at their heads.
// Code is not run: counts and loop depths here are of instructions, hints at best, never measurements.
//
// Addresses are the file's own; add Module::bias for those of a process. x86-64 only.
//
// Time: linear in the code, 0.6 million instructions per CPU second and more (Capstone takes most of it). Memory: the
// records, 16 to 40 bytes each, and 160 bytes per instruction of the largest function.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "formats/bytes.h"
#include "formats/machine_code_file.h"

namespace formats::machine_code {

/// Of a function that nothing is known of.
inline constexpr std::uint32_t no_function = 0xFFFF'FFFF;

enum class Access : std::uint8_t {
  read = 1,
  write = 2,
  read_write = 3,
  address_taken = 4,  ///< lea, or an immediate that is an address: read or written through a pointer, perhaps elsewhere
};
[[nodiscard]] std::string_view to_text(Access);  ///< "read", "write", "read and write", "address taken"

/// An instruction with the address of data, or of code that it does not call or jump to.
struct CodeReference {
  enum class Via : std::uint8_t {
    operand,   ///< the address is in the instruction: exact, as the linker put it there
    reg,       ///< the address came out of an earlier instruction of the function
    contents,  ///< `target` is a word (mostly of the global offset table) that holds the address; `addend` is to be
               ///< added
  };
  std::uint64_t instruction = 0;  ///< address
  std::uint64_t target = 0;
  std::int32_t addend = 0;     ///< of Via::contents only
  std::uint32_t function = 0;  ///< index into CodeAnalysis::functions
  Access access = Access::read;
  Via via = Via::operand;
  std::uint8_t size = 0;        ///< bytes accessed, 0 = not known
  std::uint8_t operand_at = 0;  ///< Via::operand: offset of the address's 4 or 8 bytes in the instruction
};

/// A vtable's address as code stores it: `address`, or (loaded) the word at `address` + `addend`.
struct StoredAddress {
  std::uint64_t address = 0;
  std::int32_t addend = 0;
  bool is_loaded = false;

  friend bool operator==(const StoredAddress&, const StoredAddress&) = default;
};

/// A call of operator new, malloc, calloc, … .
struct AllocationSite {
  std::uint64_t instruction = 0;   ///< address of the call
  std::uint64_t size = 0;          ///< bytes asked for, 0 = not a constant
  std::uint32_t function = 0;      ///< index into CodeAnalysis::functions
  std::uint32_t first_vtable = 0;  ///< index into CodeAnalysis::vtables
  std::uint8_t vtable_count = 0;   ///< 0 = none is stored at offset 0: no polymorphic type, or it is built elsewhere
  std::uint8_t allocator = 0;      ///< index into allocator_names
};
inline constexpr std::string_view allocator_names[] = {"operator new", "operator new[]", "malloc",
                                                       "calloc",       "aligned_alloc",  "realloc"};

/// Use of what the first argument points to at entry: in a method, a field of *this. Equal uses of one function are one
/// record.
struct FieldAccess {
  std::uint32_t function = 0;  ///< index into CodeAnalysis::functions
  std::int32_t offset = 0;     ///< bytes from the first argument
  std::uint16_t size = 0;      ///< bytes; 0 with Access::address_taken
  Access access = Access::read;
  std::uint8_t loop_depth = 0;  ///< of the innermost such instruction; 0 = in no loop
  bool is_locked = false;       ///< lock prefix or xchg; or a mutex or spin lock that the function locks
  bool is_indexed = false;      ///< an element of an array that begins at `offset`
  std::uint16_t count = 0;      ///< instructions
};

/// A direct call or tail call of another function of the file; each pair is one record.
struct Call {
  std::uint32_t function = 0;  ///< index into CodeAnalysis::functions: the caller
  std::uint32_t callee = 0;
};

/// A loop that goes over memory in equal steps: over an array of structs, mostly.
struct StrideLoop {
  std::uint64_t start = 0;     ///< address of the loop's first instruction
  std::uint64_t end = 0;       ///< behind its last
  std::uint32_t function = 0;  ///< index into CodeAnalysis::functions
  std::uint32_t stride = 0;    ///< bytes from one element to the next
  std::uint32_t touched = 0;   ///< different bytes of an element that are read or written
  std::uint8_t depth = 0;      ///< 1 = in no other loop
  bool writes = false;
  bool is_vectorised = false;  ///< accesses of 16 bytes and more: they load whole elements, `touched` says nothing
};

struct CodeAnalysis {
  std::vector<Function> functions;        ///< as CodeFile::functions()
  std::vector<CodeReference> references;  ///< by instruction
  std::vector<AllocationSite> sites;      ///< by instruction
  std::vector<StoredAddress> vtables;     ///< of sites: those stored at offset 0, in the order of the stores, each once
  std::vector<FieldAccess> fields;        ///< by function, offset, size, access
  std::vector<StrideLoop> loops;          ///< by start
  std::vector<Call> calls;                ///< by caller and callee
  std::uint64_t instruction_count = 0;
  std::uint64_t undecodable_bytes = 0;
};

/// Everything above, of one file. The bytes come from a file whose build-id was checked (modules.h). O(code).
[[nodiscard]] CodeAnalysis analyse_code(const CodeFile& file);

}  // namespace formats::machine_code
