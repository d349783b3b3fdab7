# The SQL functions as a loadable extension, heapql_sqlite.so. Its sources are compiled a second time: in the program
# they call libsqlite3, in the extension the pointer table of whatever SQLite loads it (see sqlite_api.h).
add_library(heapql_sqlite MODULE
  extension.cpp graph_cache.cpp ids.cpp sql_functions.cpp sql_scalar_functions.cpp
  sql_table_functions.cpp sqlite_api.cpp traversal.cpp traversal_paths.cpp)
set_target_properties(heapql_sqlite PROPERTIES PREFIX "" OUTPUT_NAME heapql_sqlite)
target_compile_definitions(heapql_sqlite PRIVATE HEAPQL_LOADABLE_EXTENSION)
target_include_directories(heapql_sqlite PRIVATE ${PROJECT_SOURCE_DIR})
install(TARGETS heapql_sqlite LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/heapql)
