// The members of a type down to scalars, pointers and classes of the standard library, each with its place in the
// object.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/debug_types.h"

namespace importers::native {

/// A member that is not looked into any further. Bases and structs are, classes of the standard library (which nobody
/// knows the insides of) are not; of a union and of an array, the whole.
struct Field {
  std::string name;  ///< "next", "position.x"; "" = an anonymous union, or a bit-field that only fills
  formats::TypeId type = formats::void_type;
  std::uint64_t offset = 0;      ///< bytes from the start of the object
  std::uint64_t size = 0;        ///< bytes
  std::uint64_t bit_offset = 0;  ///< of bit-fields: from the start of the object
  std::uint32_t bit_size = 0;    ///< 0 = no bit-field
  bool is_artificial = false;    ///< the vtable pointer
};

/// Those that begin before `limit`, by place; hostile ones may overlap. At most 1,024. O(members).
[[nodiscard]] std::vector<Field> fields_of(formats::TypeCatalog& catalog, formats::TypeId id, std::uint64_t limit);

}  // namespace importers::native
