// What the objects of a JVM heap spend on headers and padding, by class.
#pragma once

#include "importers/hprof_catalog.h"
#include "importers/hprof_classes.h"
#include "importers/hprof_sizes.h"
#include "queries/snapshot.h"

namespace importers::hprof {

/// Fills Snapshot::layout: header, fields and the rest of every class that has instances, and of arrays. From the first
/// walk's census, with the sizes that the shallow sizes were made with: their sum is that of the heap, class objects
/// (whose statics have no known place) left out. O(classes · depth).
void describe_layouts(const Catalog& catalog, const ClassTable& table, const SizeModel& sizes,
                      queries::Snapshot& snapshot);

}  // namespace importers::hprof
