#include "queries/code_tables.h"

#include "queries/small_tables.h"

namespace queries {

void write_code_rows(sqlite3* connection, const std::string& path, const CodeRows& code) {
  const auto text = [&](std::uint32_t number) { return known_if(number != 0, std::string_view(code.texts[number])); };
  Inserter reference(connection, path, "INSERT INTO code_reference VALUES (?, ?, ?, ?, ?, ?)");
  for (const CodeReferenceRow& row : code.references) {
    reference.insert(text(row.module), text(row.function), row.address, row.target, text(row.symbol), text(row.access));
  }
  Inserter site(connection, path, "INSERT INTO allocation_site_code VALUES (?, ?, ?, ?, ?, ?, ?)");
  for (const AllocationSiteCodeRow& row : code.sites) {
    site.insert(text(row.module), text(row.function), row.address, known_if(row.size != 0, row.size), row.class_id,
                known_if(row.class_id != no_class, row.block_count), text(row.allocator));
  }
  Inserter field(connection, path, "INSERT INTO field_access VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  for (const FieldAccessRow& row : code.fields) {
    field.insert(text(row.class_name), row.offset, known_if(row.size != 0, row.size), text(row.access), row.loop_depth,
                 row.is_locked, text(row.function), row.count);
  }
  Inserter loop(connection, path, "INSERT INTO stride_loop VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  for (const StrideLoopRow& row : code.loops) {
    loop.insert(text(row.module), text(row.function), row.address, row.stride,
                known_if(!row.is_vectorised, row.touched_bytes), row.depth, row.writes, row.is_vectorised);
  }
  Inserter function(connection, path, "INSERT INTO code_function VALUES (?, ?, ?, ?)");
  for (const CodeFunctionRow& row : code.functions) {
    function.insert(row.address, row.size, text(row.module), text(row.function));
  }
  Inserter instruction(connection, path, "INSERT INTO instruction VALUES (?, ?, ?)");
  for (const InstructionRow& row : code.instructions) instruction.insert(row.address, row.bytes, row.text);
}

}  // namespace queries
