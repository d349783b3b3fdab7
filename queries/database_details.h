// Single objects looked up in a database's rows.
#pragma once

#include <memory>

#include "queries/object_details.h"

struct sqlite3;

namespace queries {

/// Borrows the connection. Each call costs a few B-tree look-ups.
[[nodiscard]] std::unique_ptr<ObjectDetails> make_details(sqlite3* connection);

}  // namespace queries
