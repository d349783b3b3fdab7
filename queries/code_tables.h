// What machine code says → rows of the tables of that name in schema.sql.
#pragma once

#include <sqlite3.h>

#include <string>

#include "queries/code_rows.h"

namespace queries {

void write_code_rows(sqlite3* connection, const std::string& path, const CodeRows& code);

}  // namespace queries
