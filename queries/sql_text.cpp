#include "queries/sql_text.h"

#include <sqlite3.h>

#include "queries/database.h"

namespace queries {

static_assert(value_type::integer == SQLITE_INTEGER && value_type::real == SQLITE_FLOAT &&
              value_type::text == SQLITE_TEXT && value_type::blob == SQLITE_BLOB && value_type::null == SQLITE_NULL);

bool is_complete_statement(const std::string& sql) { return sqlite3_complete(sql.c_str()) != 0; }

}  // namespace queries
