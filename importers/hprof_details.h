// Field values of single objects, read from the mapped dump on demand. Owns the catalog and layouts that the import
// made; borrows the input and the snapshot.
#pragma once

#include <memory>

#include "importers/hprof_classes.h"
#include "importers/hprof_objects.h"
#include "queries/object_details.h"
#include "queries/snapshot.h"

namespace importers::hprof {

/// References of thread objects to the locals of their frames: no field of the dump, but edges of the graph.
struct ThreadLocalReference {
  queries::ObjectId thread{};
  RawId local = 0;
  queries::NameId name{};
};

class HprofDetails final : public queries::ObjectDetails {
 public:
  HprofDetails(std::unique_ptr<Catalog> catalog, ClassTable table, std::vector<ThreadLocalReference> locals,
               const queries::Snapshot& snapshot);
  [[nodiscard]] std::vector<queries::FieldValue> fields(queries::ObjectId id, std::size_t limit) const override;
  [[nodiscard]] std::optional<std::string> text(queries::ObjectId id, std::size_t limit) const override;
  [[nodiscard]] std::string reference_name(queries::ObjectId source, queries::ObjectId target) const override;

 private:
  /// Calls f(name, slot, type, bits) for fields, statics and elements until it returns false; elements have no name.
  template <typename F>
  void visit(queries::ObjectId id, F&& f) const;

  std::unique_ptr<Catalog> catalog_;
  ClassTable table_;
  std::vector<ThreadLocalReference> locals_;  ///< sorted by thread
  const queries::Snapshot& snapshot_;
  ObjectWalk objects_;
};

}  // namespace importers::hprof
