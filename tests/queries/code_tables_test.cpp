// What machine code says, as tables, named queries and functions; the same in the digest.
#include <gtest/gtest.h>

#include <string>

#include "queries/database.h"
#include "queries/named_queries.h"
#include "queries/store.h"
#include "tests/support/heap_layout.h"

namespace tests {
namespace {

using namespace queries;

constexpr std::uint64_t heap = 0x10000;

Snapshot sample() {
  HeapLayout layout;
  layout.region("main arena", heap, 0, "glibc main arena");
  (void)layout.used(48, "acme::Session");
  layout.free(64, 5);
  Snapshot snapshot = layout.build();
  RootRow root;  // the digest has rows of objects that something mentions
  root.object = ObjectId{0};
  root.kind = RootKind::static_data;
  snapshot.roots.push_back(root);
  CodeRows& code = snapshot.code;
  const std::uint32_t module = code.text("server");
  const std::uint32_t accept = code.text("acme::Server::accept(int)");
  const std::uint32_t variable = code.text("acme::registry");
  code.references.push_back({module, accept, variable, code.text("write"), 0x401010, 0x404000});
  code.references.push_back({module, code.text("main"), variable, code.text("read"), 0x401100, 0x404000});
  code.sites.push_back({module, accept, code.text("operator new"), 0x401004, 40, ClassId{0}, 1});
  code.sites.push_back({module, code.text("main"), code.text("malloc"), 0x401104, 0, no_class, 0});
  code.fields.push_back({code.text("acme::Session"), code.text("read"), accept, 16, 8, 2, 3, true});
  code.fields.push_back({code.text("acme::Session"), code.text("write"), code.text("main"), 16, 8, 0, 1, false});
  code.functions.push_back({module, accept, 0x401000, 0x20});
  code.instructions.push_back({0x401000, "55", "push rbp"});
  code.instructions.push_back({0x401001, "4889e5", "mov rbp, rsp"});
  code.instructions.push_back({0x401004, "e8f7000000", "call 0x401100"});
  return snapshot;
}

class CodeTables : public testing::Test {
 protected:
  [[nodiscard]] std::string text(const std::string& sql) const {
    try {
      Statement statement = database->prepare(sql);
      return statement.step() && !statement.is_null(0) ? statement.text(0) : std::string();
    } catch (const QueryError& error) {
      return error.what();
    }
  }
  std::unique_ptr<Database> database = write_digest(sample(), {});
};

TEST_F(CodeTables, FunctionsReadTheInstructions) {
  EXPECT_EQ(text("SELECT disasm(0x401000, 2)"), "0x401000  push rbp\n0x401001  mov rbp, rsp");
  EXPECT_EQ(text("SELECT disasm('0x401004', 100)"), "0x401004  call 0x401100");
  EXPECT_NE(text("SELECT disasm(0x500000, 1)").find("that of the 1 functions"), std::string::npos);
  EXPECT_NE(text("SELECT disasm('rax', 1)").find("'rax' is not an address"), std::string::npos);
  EXPECT_NE(text("SELECT disasm(0x401000, 0)").find("between 1 and"), std::string::npos);
  EXPECT_EQ(text("SELECT disasm(NULL, 1)"), "");
}

TEST_F(CodeTables, AddressesInWords) {
  EXPECT_EQ(text("SELECT describe(" + std::to_string(heap + 24) + ")"),
            "acme::Session +0x18 (object 0 at 0x10000, 48 bytes)");
  EXPECT_EQ(text("SELECT describe('0x10000')"), "acme::Session (object 0 at 0x10000, 48 bytes)");
  EXPECT_EQ(text("SELECT describe(" + std::to_string(heap + 60) + ")"),
            "free block of 64 bytes at 0x10030 in glibc main arena");
  EXPECT_EQ(text("SELECT describe(0x401004)"), "acme::Server::accept(int)+0x4 (server)");
  EXPECT_EQ(text("SELECT describe(0x404000)"), "variable acme::registry");
  EXPECT_EQ(text("SELECT describe(1)"), "");
  EXPECT_EQ(text("SELECT describe(-1)"), "");
}

TEST_F(CodeTables, NamedQueriesAnswer) {
  const auto rows = [&](const char* name) {
    Statement statement = database->prepare(find_named_query(name)->sql);
    for (const QueryParameter& parameter : find_named_query(name)->parameters) {
      if (parameter.type == "INTEGER") {
        statement.bind(parameter.name, std::int64_t{10});
      } else {
        statement.bind(parameter.name, std::string_view("%"));
      }
    }
    std::string all;
    while (statement.step()) {
      for (int i = 0; i < 6; ++i) all += (i == 0 ? "" : "|") + (statement.is_null(i) ? "" : statement.text(i));
      all += "\n";
    }
    return all;
  };
  EXPECT_EQ(rows("code-references"),
            "acme::registry|write|acme::Server::accept(int)|server|0x401010|0x404000\n"
            "acme::registry|read|main|server|0x401100|0x404000\n");
  EXPECT_EQ(rows("allocation-site-code"),
            "acme::Session|40|1|acme::Server::accept(int)|operator new|server\n|||main|malloc|server\n");
  EXPECT_EQ(rows("field-use"), "acme::Session|16|8|1|1|2\n");
}

}  // namespace
}  // namespace tests
