// HPROF → rows. Two walks over the mapped dump: the first makes the catalog (classes, roots, stacks, where objects
// lie), the second visits every object in address order, resolves references and hands rows to the store.
#pragma once

#include "importers/import_job.h"

namespace importers {

/// Throws formats::InputError when the header is not HPROF's or no heap dump record can be read at all.
void import_hprof(ImportJob& job);

}  // namespace importers
