// The inbound side of the graph for a database: who references each object, as chunks of queries/packed_references.h.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "queries/ids.h"
#include "queries/snapshot.h"

namespace queries {

/// Calls `chunk(first target, data)` for consecutive chunks that cover every object, in order. Explicit references
/// only. O(references). Work memory at most about 5 bytes per reference (two passes over the CSR beyond 4 million
/// references; one object with most of the references takes 4 more), and 2 per 1000 objects. Returns false, without a
/// call, when an object has more references than a blob can hold (250 million).
bool write_inbound_chunks(const ReferenceColumns& references, std::uint32_t object_count,
                          const std::function<void(ObjectId, std::string_view)>& chunk);

}  // namespace queries
