// Writes the tables of type layouts.
#pragma once

#include <sqlite3.h>

#include <string>
#include <vector>

#include "queries/layout_rows.h"
#include "queries/sharing_rows.h"

namespace queries {

// Each within a transaction of the caller. They throw StoreError.
void write_layout_rows(sqlite3* connection, const std::string& path, const LayoutRows& layout);
void write_shared_lines(sqlite3* connection, const std::string& path, const std::vector<SharedLineRow>& lines);
void write_memory_samples(sqlite3* connection, const std::string& path, const std::vector<MemorySampleRow>& samples);

}  // namespace queries
