// The loadable extension: heapql's SQL functions in a stock sqlite3 or Python.
//   sqlite3 -cmd '.load heapql_sqlite' app.db 'SELECT * FROM path_to_root(42)'
// Compiled together with the sources of the functions, all against the pointer table that the loading SQLite hands
// over.
#include <sqlite3ext.h>

extern "C" {
SQLITE_EXTENSION_INIT1
}

namespace queries {
int register_functions(sqlite3* connection);
}

extern "C" {

/// Named after the file, as `.load` derives it; sqlite3_extension_init below serves every other name.
__attribute__((visibility("default"))) int sqlite3_heapqlsqlite_init(sqlite3* connection, char** error,
                                                                     const sqlite3_api_routines* api) {
  SQLITE_EXTENSION_INIT2(api);
  constexpr int oldest = 3031000;  // SQLITE_INNOCUOUS, SQLITE_VTAB_INNOCUOUS
  if (sqlite3_libversion_number() < oldest) {
    *error = sqlite3_mprintf("heapql needs SQLite 3.31 or newer, this is %s", sqlite3_libversion());
    return SQLITE_ERROR;
  }
  return queries::register_functions(connection);
}

__attribute__((visibility("default"))) int sqlite3_extension_init(sqlite3* connection, char** error,
                                                                  const sqlite3_api_routines* api) {
  return sqlite3_heapqlsqlite_init(connection, error, api);
}

}  // extern "C"
