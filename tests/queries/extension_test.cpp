// The loadable extension in a stock sqlite3 and in Python, where they are installed.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "tests/queries/graph_database.h"
#include "tests/support/graph_builder.h"

#ifdef HEAPQL_EXTENSION_PATH

namespace tests {
namespace {

using queries::ObjectId;

std::string output_of(const std::string& command) {
  std::FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return "cannot run";
  std::string text;
  std::array<char, 4096> buffer{};
  while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) text += buffer.data();
  const int status = pclose(pipe);
  return status == 0 ? text : text + "exit status " + std::to_string(status);
}

GraphDatabase three_objects() {
  GraphBuilder g;
  g.objects(3, "Node");
  g.reference(ObjectId{0}, ObjectId{1});
  g.reference(ObjectId{1}, ObjectId{2});
  g.root(ObjectId{0});
  return GraphDatabase(g.build());
}

TEST(Extension, WorksInStockSqlite) {
  if (std::system("sqlite3 --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "no sqlite3 program here";
  const GraphDatabase database = three_objects();
  EXPECT_EQ(output_of("sqlite3 -cmd '.load " HEAPQL_EXTENSION_PATH "' " + database.path() +
                      " \"SELECT step, object_id, to_string(object_id) FROM path_to_root(2)\""),
            "0|0|Node@0x1000\n1|1|Node@0x1010\n2|2|Node@0x1020\n");
}

TEST(Extension, WorksInPython) {
  // Python may be built without load_extension.
  const std::string probe =
      "/usr/bin/python3 -c 'import sqlite3; sqlite3.connect(\":memory:\").enable_load_extension(1)'";
  if (std::system((probe + " > /dev/null 2>&1").c_str()) != 0) GTEST_SKIP() << "no Python with load_extension here";
  const GraphDatabase database = three_objects();
  EXPECT_EQ(output_of("/usr/bin/python3 -c '"
                      "import sqlite3; c = sqlite3.connect(\"" +
                      database.path() +
                      "\"); c.enable_load_extension(True); c.load_extension(\"" HEAPQL_EXTENSION_PATH
                      "\"); print(c.execute(\"SELECT count(*), to_string(1) FROM retained_set(0)\").fetchone()); "
                      "c.close()'"),
            "(3, 'Node@0x1010')\n");
}

}  // namespace
}  // namespace tests

#endif
