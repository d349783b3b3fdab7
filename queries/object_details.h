// On-demand look into single objects: field names and values, text. Reports and named causes ask this for the few
// objects they mention; importers answer from the mapped dump, the database answers from its rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "queries/ids.h"

namespace queries {

struct FieldValue {
  std::string name;             ///< "table", "[17]", "<super>", "<Java Local>"
  char type = 'L';              ///< JVM descriptor letter; L = reference
  std::uint32_t slot = 0;       ///< as in `reference.slot`
  ObjectId target = no_object;  ///< of a reference; no_object = null or not in the dump
  std::int64_t integer = 0;     ///< Z C B S I J
  double real = 0;              ///< F D
};

class ObjectDetails {
 public:
  virtual ~ObjectDetails() = default;
  /// Fields of an instance (own class first, then supers), statics and links of a class object. Arrays: references
  /// only, at most `limit` of them. Empty when the object cannot be read.
  [[nodiscard]] virtual std::vector<FieldValue> fields(ObjectId id, std::size_t limit = 4096) const = 0;
  /// Decoded text of a string object or char array (at most `limit` bytes of UTF-8), nothing for others.
  [[nodiscard]] virtual std::optional<std::string> text(ObjectId id, std::size_t limit = 256) const = 0;
  /// Name of the first reference of `source` that points to `target`; empty when there is none.
  [[nodiscard]] virtual std::string reference_name(ObjectId source, ObjectId target) const = 0;
  /// Why the first reference of `source` to `target` is doubted, when it is one of strength uncertain.
  [[nodiscard]] virtual Doubt reference_doubt(ObjectId /*source*/, ObjectId /*target*/) const { return Doubt::none; }
};

}  // namespace queries
