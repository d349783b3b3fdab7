// Where the parameters and local variables of a frame are: location expressions and lists, as they hold at its program
// counter, evaluated with its registers. What TypeCatalog::locals() (debug_types.h) is built on.
//
// Sources: the DWARF 5 standard, sections 2.5, 2.6 and 3.3; elfutils' libdw.h.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "formats/debug_index.h"
#include "formats/debug_types.h"
#include "formats/process_image.h"
#include "formats/unwind.h"

namespace formats {

/// Remembers the scopes at each program counter: recursion asks again and again.
class LocalFinder {
 public:
  struct Local {
    Dwarf_Die die{};
    std::vector<ValuePiece> pieces;  ///< of a variable that is one piece, the size is 0: that of its type
  };
  [[nodiscard]] std::vector<Local> find(const DebugIndex& index, const ProcessImage& image, const Frame& frame,
                                        bool is_innermost);

 private:
  /// Of one program counter: the function's entry, and the variables in scope.
  struct Scopes {
    bool found = false;
    Dwarf_Die function{};
    std::vector<Dwarf_Die> variables;
  };
  const Scopes& scopes_at(const DebugIndex& index, std::uint64_t pc);

  std::unordered_map<std::uint64_t, Scopes> known_;
};

}  // namespace formats
