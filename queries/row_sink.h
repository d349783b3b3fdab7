// Where an importer puts the rows that are too many to hold in memory: they go to the store as they are read.
#pragma once

#include <cstdint>
#include <string_view>

#include "queries/ids.h"

namespace queries {

/// One row of `value`: a primitive field (or static, or boxed value).
struct PrimitiveValue {
  ObjectId object{};
  NameId name{};
  char type = 'I';           ///< JVM descriptor letter
  std::int64_t integer = 0;  ///< Z C B S I J
  double real = 0;           ///< F D
};

/// Rows arrive in ascending key order: references by (source, slot), strings by object, values by (object, position).
class RowSink {
 public:
  virtual ~RowSink() = default;
  virtual void reference(ObjectId source, std::uint32_t slot, ObjectId target, NameId name, Strength strength) = 0;
  virtual void string(ObjectId object, std::string_view utf8, std::uint64_t hash) = 0;
  virtual void value(const PrimitiveValue& value) = 0;
};

}  // namespace queries
