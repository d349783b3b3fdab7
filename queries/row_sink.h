// Where an importer puts the rows that are too many to hold in memory: they go to the store as they are read.
#pragma once

#include <cstdint>
#include <string_view>

#include "queries/allocation_profile.h"
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

/// One row of `event`: a block of a trace begins or ends.
struct AllocationEvent {
  std::uint64_t id = 0;  ///< from 1, in the order of the record
  EventKind kind = EventKind::allocation;
  std::int64_t t_ms = -1;        ///< milliseconds from the start of the record, -1 = not known
  std::uint64_t address = 0;     ///< 0 = not known
  std::int64_t size = -1;        ///< requested bytes that begin or end to live, -1 = not known: of an unknown block
  SiteId site = no_site;         ///< where it was called; no_site = not known
  std::int64_t thread = -1;      ///< row of Snapshot::threads, -1 = not known
  std::uint64_t allocation = 0;  ///< of an end: id of the event that began the block, 0 = not known
};

/// Rows arrive in ascending key order: references by (source, slot), strings by object, values by (object, position),
/// events by id.
class RowSink {
 public:
  virtual ~RowSink() = default;
  virtual void reference(ObjectId source, std::uint32_t slot, ObjectId target, NameId name, Strength strength) = 0;
  virtual void string(ObjectId object, std::string_view utf8, std::uint64_t hash) = 0;
  virtual void value(const PrimitiveValue& value) = 0;
  virtual void event(const AllocationEvent& event) = 0;
};

}  // namespace queries
