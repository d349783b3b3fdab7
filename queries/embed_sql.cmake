# cmake -DSOURCE=<queries folder> -DOUTPUT=<file.cpp> -P embed_sql.cmake
# Makes the C++ file that carries schema.sql, views.sql, session_views.sql and every sql/**.sql as string literals (queries/embedded_sql.h).
function(literal path result)
  file(READ "${path}" text)
  set(${result} "R\"heapql_sql(${text})heapql_sql\"" PARENT_SCOPE)
endfunction()

literal("${SOURCE}/schema.sql" schema)
literal("${SOURCE}/views.sql" views)
literal("${SOURCE}/session_views.sql" session_views)
set(out "// Made by queries/embed_sql.cmake.\n#include \"queries/embedded_sql.h\"\n\nnamespace queries::embedded {\n\n")
string(APPEND out "const std::string_view schema = ${schema};\n\nconst std::string_view views = ${views};\n\n")
string(APPEND out "const std::string_view session_views = ${session_views};\n\n")
string(APPEND out "namespace {\nconstexpr QueryFile files[] = {\n")
file(GLOB_RECURSE paths RELATIVE "${SOURCE}/sql" "${SOURCE}/sql/*.sql")
list(SORT paths)
foreach(path IN LISTS paths)
  literal("${SOURCE}/sql/${path}" text)
  string(APPEND out "    {\"${path}\", ${text}},\n")
endforeach()
string(APPEND out "    {{}, {}}};\n}  // namespace\n\n")
string(APPEND out
  "const std::span<const QueryFile> query_files{files, std::size(files) - 1};\n\n}  // namespace queries::embedded\n")
file(WRITE "${OUTPUT}" "${out}")
