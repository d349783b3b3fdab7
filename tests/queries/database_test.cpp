// Opening, limits, hints, single objects, and a snapshot read back from its database.
#include "queries/database.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "queries/load.h"
#include "queries/named_queries.h"
#include "queries/sql_hints.h"
#include "queries/store.h"
#include "queries/utf8.h"
#include "tests/support/graph_builder.h"
#include "tests/support/plain_sqlite.h"

namespace {

using namespace queries;

class DatabaseTest : public testing::Test {
 protected:
  DatabaseTest() : path_(testing::TempDir() + "database." + std::to_string(::getpid()) + ".db") {}
  ~DatabaseTest() override { std::filesystem::remove(path_); }

  /// map(HashMap) → node through "table" → text through "key"; a null field "next"; an int "hash"; an array of both.
  std::unique_ptr<Database> open_small(ReferenceRows rows = ReferenceRows::rows) {
    tests::GraphBuilder g;
    const ObjectId map = g.object("java.util.HashMap", 48);
    const ObjectId node = g.object("java.util.HashMap$Node", 32);
    const ObjectId text = g.object("java.lang.String", 24);
    const ObjectId array = g.array("java.lang.Object[]", 2, 24);
    const ObjectId mirror = g.class_object("java.lang.String", 8);
    g.reference(map, node);
    g.reference(node, text, Strength::weak);
    g.reference(array, node);
    g.reference(array, text);
    g.root(map);
    g.root(array);
    snapshot_ = g.build();
    Snapshot& s = snapshot_;
    const NameId table = s.name_id("table");
    const NameId key = s.name_id("key");
    const NameId next = s.name_id("next");
    const NameId hash = s.name_id("hash");
    s.classes[index(s.class_of[node])].super = s.class_of[map];
    s.fields.push_back({s.class_of[map], 0, table, 'L', 12, 4, false});
    s.fields.push_back({s.class_of[node], 0, hash, 'I', 12, 4, false});
    s.fields.push_back({s.class_of[node], 1, next, 'L', 16, 4, false});
    s.fields.push_back({s.class_of[node], 2, key, 'L', 20, 4, false});
    s.path = "app.hprof";
    s.format = "hprof";
    s.pointer_size = 8;
    s.meta.emplace_back("sizes.rule", "mat");
    Results r;
    r.root_distance = {0, 1, 1, 0, unreachable_distance};
    r.dominator.assign(5, no_object);
    r.retained_size = {48, 32, 24, 24, 0};
    r.reachability = {Reachability::strong, Reachability::strong, Reachability::strong, Reachability::strong,
                      Reachability::unreachable};
    r.metrics.push_back({"heap.live_bytes", 128, "bytes"});
    Store store(path_, {rows, true});
    store.reference(map, 0, node, table, Strength::strong);
    store.reference(node, 1, text, key, Strength::weak);
    store.reference(array, 0, node, no_name, Strength::strong);
    store.reference(array, 1, text, no_name, Strength::strong);
    store.string(text, "h\xc3\xa9llo", 99);
    store.string(array, "h\xc3\xa9llo", 99);  // no string, but a row like one: equal content
    store.value({node, hash, 'I', 17, 0});
    store.finish(snapshot_, r);
    EXPECT_NE(mirror, no_object);
    return Database::open(path_);
  }

  static std::string error_of(const Database& database, const std::string& sql) {
    try {
      Statement statement = database.prepare(sql);
      while (statement.step()) {
      }
    } catch (const QueryError& error) {
      return error.what();
    }
    return "";
  }

  std::string path_;
  Snapshot snapshot_;
};

TEST_F(DatabaseTest, OnlyOurDatabasesOpen) {
  EXPECT_FALSE(Database::looks_like(path_));
  EXPECT_THROW((void)Database::open(path_), StoreError);
  std::ofstream(path_) << "not a database";
  EXPECT_FALSE(Database::looks_like(path_));
  EXPECT_THROW((void)Database::open(path_), StoreError);
  std::filesystem::remove(path_);
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "CREATE TABLE t(x)", nullptr, nullptr, nullptr), SQLITE_OK);
  EXPECT_FALSE(Database::looks_like(path_));
  ASSERT_EQ(sqlite3_exec(other, "PRAGMA application_id=0x48505147; PRAGMA user_version=99", nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(other);
  EXPECT_TRUE(Database::looks_like(path_));
  try {
    (void)Database::open(path_);
    FAIL();
  } catch (const StoreError& error) {
    EXPECT_NE(std::string(error.what()).find("newer heapql"), std::string::npos) << error.what();
  }
}

TEST_F(DatabaseTest, ATruncatedDatabaseIsAnErrorNotACrash) {
  open_small();
  const auto size = std::filesystem::file_size(path_);
  for (const std::uintmax_t kept : {size / 2, std::uintmax_t{16384}, std::uintmax_t{5000}, std::uintmax_t{100}}) {
    std::filesystem::resize_file(path_, kept);
    try {
      const auto database = Database::open(path_);
      (void)error_of(*database, "SELECT count(*), sum(slot) FROM reference");
      (void)error_of(*database, "SELECT * FROM objects");
      (void)load_snapshot(*database);
    } catch (const std::runtime_error&) {
    }
  }
}

TEST_F(DatabaseTest, NothingCanBeWritten) {
  const auto database = open_small();
  const std::string other = testing::TempDir() + "other.db";
  for (const std::string& sql :
       {std::string("DELETE FROM object"), std::string("CREATE TABLE x(y)"), std::string("CREATE TEMP TABLE x(y)"),
        "ATTACH '" + other + "' AS other", std::string("PRAGMA user_version = 3"),
        std::string("PRAGMA writable_schema = 1"), std::string("PRAGMA query_only = 0"), std::string("VACUUM"),
        "VACUUM INTO '" + other + "'", std::string("SELECT load_extension('x')"), std::string("ANALYZE"),
        std::string("CREATE VIRTUAL TABLE temp.x USING fts5(y)"), std::string("DROP VIEW objects"),
        std::string("UPDATE sqlite_master SET type = 'x'")}) {
    EXPECT_NE(error_of(*database, sql), "") << sql;
  }
  EXPECT_FALSE(std::filesystem::exists(other));
  EXPECT_EQ(error_of(*database, "PRAGMA table_info(object)"), "");
  EXPECT_EQ(error_of(*database, "PRAGMA integrity_check"), "");
  EXPECT_EQ(error_of(*database,
                     "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 5) "
                     "SELECT * FROM c"),
            "");
}

TEST_F(DatabaseTest, WrongNamesAreAnsweredWithRightOnes) {
  const auto database = open_small();
  EXPECT_NE(error_of(*database, "SELECT retaind_size FROM object").find("did you mean retained_size"),
            std::string::npos);
  EXPECT_NE(error_of(*database, "SELECT o.retained_heap FROM objects o").find("retained_size"), std::string::npos);
  EXPECT_NE(error_of(*database, "SELECT zzz FROM metric").find("metric has snapshot_id, name, value, unit"),
            std::string::npos);
  EXPECT_NE(error_of(*database, "SELECT * FROM objcts").find("objects"), std::string::npos);
  EXPECT_NE(error_of(*database, "SELECT lenght('x')").find("length"), std::string::npos);
  EXPECT_EQ(edit_distance("retaind", "retained"), 1u);
  EXPECT_EQ(edit_distance("recieve", "receive"), 1u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
}

TEST_F(DatabaseTest, StatementsStopAtTheTimeout) {
  const auto database = open_small();
  const std::string endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c";
  database->set_limits(std::chrono::milliseconds(20), nullptr);
  EXPECT_NE(error_of(*database, endless).find("stopped"), std::string::npos);
  const std::atomic<bool> interrupted{true};
  database->set_limits(std::chrono::milliseconds(0), &interrupted);
  EXPECT_NE(error_of(*database, endless).find("stopped"), std::string::npos);
  database->set_limits(std::chrono::milliseconds(0), nullptr);
  EXPECT_EQ(error_of(*database, "SELECT count(*) FROM object"), "");
}

TEST_F(DatabaseTest, ParametersAreBoundByNameAndTheTailIsHandedOut) {
  const auto database = open_small();
  const std::string sql = "SELECT :a + @b, $c; SELECT 2";
  Statement statement = database->prepare(sql);
  EXPECT_EQ(statement.parameter_names(), (std::vector<std::string>{"a", "b", "c"}));
  statement.bind("a", std::int64_t{1}).bind("b", 2.5).bind("c", std::string_view("x\0y", 3));
  EXPECT_THROW(statement.bind("d", std::int64_t{1}), QueryError);
  ASSERT_TRUE(statement.step());
  EXPECT_EQ(statement.real(0), 3.5);
  EXPECT_EQ(statement.text(1), std::string("x\0y", 3));
  EXPECT_EQ(statement.tail(), " SELECT 2");
  Statement nothing = database->prepare("-- only a comment");
  EXPECT_FALSE(nothing.step());
}

TEST_F(DatabaseTest, SmallLookUps) {
  const auto database = open_small();
  EXPECT_TRUE(database->has_objects());
  EXPECT_EQ(database->metric("heap.live_bytes"), 128);
  EXPECT_EQ(database->metric("no.such"), std::nullopt);
  EXPECT_EQ(database->meta("references"), "rows");
}

TEST_F(DatabaseTest, DetailsOfSingleObjects) {
  for (const ReferenceRows rows : {ReferenceRows::rows, ReferenceRows::packed}) {
    const auto database = open_small(rows);
    const auto details = database->details();
    const auto fields = details->fields(ObjectId{1});
    ASSERT_EQ(fields.size(), 4u);  // its own, then the super class's
    EXPECT_EQ(fields[0].name, "hash");
    EXPECT_EQ(fields[0].type, 'I');
    EXPECT_EQ(fields[0].integer, 17);
    EXPECT_EQ(fields[1].name, "next");
    EXPECT_EQ(fields[1].target, no_object);
    EXPECT_EQ(fields[2].name, "key");
    EXPECT_EQ(fields[2].target, ObjectId{2});
    EXPECT_EQ(fields[2].slot, 1u);
    EXPECT_EQ(fields[3].name, "table");
    const auto elements = details->fields(ObjectId{3}, 1);
    ASSERT_EQ(elements.size(), 1u);
    EXPECT_EQ(elements[0].name, "[0]");
    EXPECT_EQ(details->text(ObjectId{2}), "h\xc3\xa9llo");
    EXPECT_EQ(details->text(ObjectId{2}, 2), "h");  // not half a character
    EXPECT_EQ(details->text(ObjectId{1}), std::nullopt);
    EXPECT_EQ(details->reference_name(ObjectId{0}, ObjectId{1}), "table");
    EXPECT_EQ(details->reference_name(ObjectId{3}, ObjectId{2}), "[1]");
    EXPECT_EQ(details->reference_name(ObjectId{2}, ObjectId{4}), "<class>");
    EXPECT_EQ(details->reference_name(ObjectId{2}, ObjectId{0}), "");
  }
}

TEST_F(DatabaseTest, ASnapshotComesBackAsItWas) {
  for (const ReferenceRows rows : {ReferenceRows::rows, ReferenceRows::packed}) {
    const auto database = open_small(rows);
    const auto loaded = load_snapshot(*database);
    const Snapshot& s = snapshot_;
    ASSERT_EQ(loaded->object_count, s.object_count);
    EXPECT_EQ(loaded->names, s.names);
    EXPECT_EQ(loaded->direct_roots, s.direct_roots);
    EXPECT_EQ(loaded->class_objects, s.class_objects);
    EXPECT_EQ(loaded->references.target, s.references.target);
    EXPECT_EQ(loaded->meta, s.meta);
    ASSERT_EQ(loaded->references.first.size(), s.references.first.size());
    for (std::uint32_t i = 0; i < s.object_count; ++i) {
      const ObjectId id{i};
      EXPECT_EQ(loaded->addresses.address_of(id), s.addresses.address_of(id));
      EXPECT_EQ(loaded->class_of[id], s.class_of[id]);
      EXPECT_EQ(loaded->shallow[id], s.shallow[id]);
      EXPECT_EQ(loaded->length.has(id), s.length.has(id));
      EXPECT_EQ(loaded->references.first[i + 1], s.references.first[i + 1]);
    }
    EXPECT_TRUE(loaded->references.strength.has(ObjectId{1}));
    EXPECT_EQ(loaded->references.strength[ObjectId{1}], Strength::weak);
    ASSERT_EQ(loaded->classes.size(), s.classes.size());
    for (std::size_t i = 0; i < s.classes.size(); ++i) {
      EXPECT_EQ(loaded->classes[i].name, s.classes[i].name);
      EXPECT_EQ(loaded->classes[i].super, s.classes[i].super);
      EXPECT_EQ(loaded->classes[i].object, s.classes[i].object);
      EXPECT_EQ(loaded->classes[i].kind, s.classes[i].kind);
    }
    EXPECT_EQ(loaded->fields.size(), s.fields.size());
    EXPECT_EQ(loaded->roots.size(), s.roots.size());
    ASSERT_EQ(loaded->content.groups.size(), 1u);
    EXPECT_EQ(loaded->content.groups[0].hash, 99u);
    EXPECT_EQ(loaded->content.objects, (std::vector<ObjectId>{ObjectId{2}, ObjectId{3}}));
  }
}

TEST_F(DatabaseTest, ViewsOfTheSessionAreThereAndReadOnly) {
  const auto database = open_small();
  EXPECT_TRUE(database->prepare("SELECT count(*) FROM collections").step());
  EXPECT_NE(error_of(*database, "DROP VIEW temp.collections"), "");
  EXPECT_NE(error_of(*database, "CREATE TEMP VIEW mine AS SELECT 1"), "");
  EXPECT_NE(error_of(*database, "CREATE TEMP TABLE mine(x)"), "");
}

TEST_F(DatabaseTest, EveryNamedQueryCanBePrepared) {
  const auto database = open_small();
  ASSERT_FALSE(named_queries().empty());
  std::string_view last;
  for (const NamedQuery& query : named_queries()) {
    EXPECT_LT(last, query.name);
    last = query.name;
    EXPECT_FALSE(query.title.empty()) << query.name;
    Statement statement = database->prepare(query.sql);
    for (const std::string& parameter : statement.parameter_names()) {
      EXPECT_TRUE(std::any_of(query.parameters.begin(), query.parameters.end(),
                              [&](const QueryParameter& p) { return p.name == parameter; }))
          << query.name << " :" << parameter;
    }
    EXPECT_EQ(find_named_query(query.name), &query);
  }
  EXPECT_EQ(find_named_query("no-such"), nullptr);
  const std::vector<std::string> similar = similar_queries("histogrm");
  ASSERT_FALSE(similar.empty());
  EXPECT_EQ(similar[0], "histogram");
}

TEST(Utf8Test, OnlyMalformedBytesAreReplaced) {
  std::string scratch;
  for (const char* valid : {"", "plain", "h\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\x01\x1b"}) {
    EXPECT_EQ(valid_utf8(valid, scratch), valid);
  }
  EXPECT_EQ(valid_utf8("a\xff"
                       "b",
                       scratch),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(valid_utf8("long enough prefix \xc3", scratch), "long enough prefix \xEF\xBF\xBD");
  EXPECT_EQ(valid_utf8("\xc0\x80", scratch), "\xEF\xBF\xBD\xEF\xBF\xBD");  // too long a form of NUL
  EXPECT_EQ(valid_utf8("\xf4\x90\x80\x80", scratch).size(), 12u);          // beyond U+10FFFF
}

}  // namespace
