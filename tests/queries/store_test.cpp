// The store end to end: a snapshot made by hand goes in, SQLite — stock, without a function of ours — reads it back.
#include "queries/store.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>

#include "queries/database.h"
#include "queries/packed_references.h"
#include "tests/support/graph_builder.h"
#include "tests/support/plain_sqlite.h"

namespace {

using namespace queries;
using tests::PlainSqlite;

constexpr char hostile[] = "a\0b\x1b[31m\xff\xc3(\xed\xa0\x80 \xe2\x82\xac\x01";
const std::string hostile_text(hostile, sizeof hostile - 1);  // its NUL included

/// A folder of its own, so that what a store leaves behind is seen.
class StoreTest : public testing::Test {
 protected:
  StoreTest() : folder_(testing::TempDir() + "store." + std::to_string(::getpid())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
    path_ = folder_ + "/heap.db";
  }
  ~StoreTest() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) names.push_back(entry.path().filename());
    return names;
  }

  std::string folder_;
  std::string path_;
};

struct Heap {
  Snapshot snapshot;
  Results results;
};

/// 0 → 1 → {2, 3}, array 4 → {1, 1, 5}, 5 unreachable with itself in a cycle, 6 a class object, 7 garbage without size.
Heap small_heap() {
  tests::GraphBuilder g;
  const ObjectId map = g.object("java.util.HashMap", 48);
  const ObjectId node = g.object("java.util.HashMap$Node", 32);
  const ObjectId key = g.object("java.lang.String", 24);
  const ObjectId weak = g.object("java.lang.String", 24);
  const ObjectId array = g.array("java.lang.Object[]", 70000, 280016);
  const ObjectId garbage = g.object("Node", 16);
  const ObjectId mirror = g.class_object("Node", 100);
  g.object("Empty", 0);
  g.reference(map, node);
  g.reference(node, key);
  g.reference(node, weak, Strength::weak);
  g.reference(array, node);
  g.reference(array, node);
  g.reference(array, garbage);
  g.reference(garbage, garbage);
  g.root(map);
  g.root(map, RootKind::java_frame);
  g.root(mirror, RootKind::sticky_class);
  Heap heap{g.build(), {}};
  Snapshot& s = heap.snapshot;
  s.path = "/tmp/" + hostile_text;
  s.format = "hprof";
  s.runtime = "HotSpot";
  s.pointer_size = 8;
  s.taken_at_ms = 1'700'000'000'123;
  s.damage_count = 3;
  s.damaged_bytes = 77;
  s.damage.push_back({12, 34, hostile_text});
  s.meta.emplace_back("sizes.rule", "mat");
  const NameId next = s.name_id("next");
  const NameId odd = s.name_id(hostile_text);
  s.fields.push_back({s.class_of[node], 0, next, 'L', 12, 4, false});
  s.fields.push_back({s.class_of[node], 1, odd, 'L', -1, 4, false});
  s.fields.push_back({s.class_of[node], 2, s.name_id("hash"), 'I', 16, 4, false});
  s.threads.push_back({hostile_text, map, 7, "RUNNABLE", -1});
  s.frames.push_back({7, 0, "Foo.bar()", "Foo.java", 12, ""});
  s.roots[1].thread = 0;
  s.roots[1].frame = 0;

  Results& r = heap.results;
  r.dominator = {no_object, map, node, no_object, no_object, no_object, no_object, no_object};
  r.retained_size = {104, 56, 24, 0, 0, 0, 100, 0};
  r.reachability = {Reachability::strong, Reachability::strong,      Reachability::strong,
                    Reachability::weak,   Reachability::unreachable, Reachability::unreachable,
                    Reachability::strong, Reachability::unreachable};
  r.root_distance = {0, 1, 2, 2, unreachable_distance, unreachable_distance, 0, unreachable_distance};
  std::map<std::uint32_t, ClassStatRow> stats;
  for (std::uint32_t i = 0; i < s.object_count; ++i) {
    ClassStatRow& row = stats[index(s.class_of[ObjectId{i}])];
    row.class_id = s.class_of[ObjectId{i}];
    row.object_count += 1;
    row.shallow_bytes += s.shallow[ObjectId{i}];
    row.reachable_count += r.retained_size[i] != 0 ? 1 : 0;
    row.reachable_bytes += r.retained_size[i] != 0 ? s.shallow[ObjectId{i}] : 0;
  }
  for (const auto& [id, row] : stats) r.class_stats.push_back(row);
  r.components.push_back({1, 16, 0, Reachability::unreachable, false, garbage});
  r.duplicates.push_back({~std::uint64_t{0}, true, key, 2, 24, 24, hostile_text});
  r.suspects.push_back({"object", "One map", map, s.class_of[map], node, 104, 50.98, "sig", "unbounded_map"});
  r.suspect_paths.push_back({0, 0, map, "jni_global"});
  r.suspect_paths.push_back({0, 1, node, "next"});
  r.suspect_evidence.push_back({0, 0, "fact", "", map, no_class, -1, 104, hostile_text});
  r.metrics.push_back({"heap.live_bytes", 204, "bytes"});
  return heap;
}

/// The references of a snapshot as an importer would hand them over; arrays have no names.
void stream_references(const Snapshot& s, RowSink& rows) {
  for (std::uint32_t i = 0; i < s.object_count; ++i) {
    const bool array = s.class_row(ObjectId{i}).kind == ClassKind::object_array;
    for (std::uint32_t edge = s.references.first[i]; edge < s.references.first[i + 1]; ++edge) {
      const Strength strength =
          s.references.strength.has(ObjectId{edge}) ? s.references.strength[ObjectId{edge}] : Strength::strong;
      rows.reference(ObjectId{i}, edge - s.references.first[i], s.references.target[edge],
                     array ? no_name : NameId{(edge - s.references.first[i]) % 2}, strength);
    }
  }
}

void write(const std::string& path, const Heap& heap, const StoreOptions& options) {
  Store store(path, options);
  stream_references(heap.snapshot, store);
  store.string(ObjectId{2}, "h\xc3\xa9llo", 42);
  store.string(ObjectId{3}, hostile_text, ~std::uint64_t{0});
  store.value({ObjectId{1}, NameId{2}, 'I', -5, 0});
  store.value({ObjectId{1}, NameId{0}, 'D', 0, 2.5});
  store.value({ObjectId{2}, NameId{2}, 'Z', 1, 0});
  store.finish(heap.snapshot, heap.results);
}

TEST_F(StoreTest, StockSqliteReadsEveryTable) {
  write(path_, small_heap(), {});
  EXPECT_EQ(files(), std::vector<std::string>{"heap.db"});
  PlainSqlite db(path_);
  EXPECT_EQ(db.text("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(db.text("PRAGMA application_id"), std::to_string(0x48505147));
  EXPECT_EQ(db.text("PRAGMA user_version"), "3");
  EXPECT_EQ(db.text("SELECT id, address, class_id, kind, shallow_size, length, reachability, retained_size, "
                    "dominator_id, root_distance, site_id FROM object ORDER BY id"),
            "0|4096|0|0|48||0|104||0|\n1|4112|1|0|32||0|56|0|1|\n2|4128|2|0|24||0|24|1|2|\n"
            "3|4144|2|0|24||2|||2|\n4|4160|3|1|280016|70000|5||||\n5|4176|4|0|16||5||||\n"
            "6|4192|5|3|100||0|100||0|\n7|4208|6|0|0||5||||");
  EXPECT_EQ(db.text("SELECT source_id, slot, target_id, name_id, strength FROM reference"),
            "0|0|1|0|0\n1|0|2|0|0\n1|1|3|1|2\n4|0|1||0\n4|1|1||0\n4|2|5||0\n5|0|5|0|0");
  EXPECT_EQ(db.text("SELECT object_id, ordinal, name_id, type, value, typeof(value) FROM value"),
            "1|0|2|I|-5|integer\n1|1|0|D|2.5|real\n2|0|2|Z|1|integer");
  EXPECT_EQ(db.text("SELECT object_id, value, hash FROM string WHERE object_id = 2"), "2|h\xc3\xa9llo|42");
  EXPECT_EQ(db.text("SELECT thread_id, frame_id, kind FROM root WHERE object_id = 0 ORDER BY kind"), "||1\n0|0|3");
  EXPECT_EQ(db.text("SELECT id, kind, cause, suspect_id, step FROM suspect JOIN suspect_path ON suspect_id = id"),
            "1|object|unbounded_map|1|0\n1|object|unbounded_map|1|1");
  EXPECT_EQ(db.text("SELECT taken_at, damage_count, damaged_bytes, shallow_bytes, object_count FROM snapshot"),
            "1700000000123|3|77|280260|8");
}

TEST_F(StoreTest, TotalsAgree) {
  write(path_, small_heap(), {});
  PlainSqlite db(path_);
  const std::string total = db.text("SELECT shallow_bytes, object_count FROM snapshot");
  EXPECT_EQ(db.text("SELECT sum(shallow_size), count(*) FROM objects"), total);
  EXPECT_EQ(db.text("SELECT sum(shallow_bytes), sum(object_count) FROM histogram"), total);
  EXPECT_EQ(db.text("SELECT sum(shallow_bytes), sum(object_count) FROM classes"), total);
  EXPECT_EQ(db.text("SELECT sum(self_size), count(*) FROM heap_graph_object"), total);
  EXPECT_EQ(db.text("SELECT count(*) FROM references_named"), db.text("SELECT count(*) FROM reference"));
  EXPECT_EQ(db.text("SELECT sum(shallow_size) FROM dominators"),
            db.text("SELECT sum(shallow_size) FROM object WHERE retained_size IS NOT NULL"));
}

TEST_F(StoreTest, EveryViewSelectsWithoutOurFunctions) {
  write(path_, small_heap(), {});
  PlainSqlite db(path_);
  std::size_t views = 0;
  for (const std::string& view : db.column("SELECT name FROM sqlite_schema WHERE type = 'view'")) {
    const std::string rows = db.text("SELECT count(*) FROM (SELECT * FROM " + view + ")");
    EXPECT_EQ(rows == "0", view == "allocation_sites" || view == "events" || view == "site")
        << view;  // those are of profiles
    ++views;
  }
  EXPECT_GE(views, 15u);
  EXPECT_EQ(db.text("SELECT address, class, kind, reachability, value FROM objects WHERE id = 2"),
            "0x1020|java.lang.String|instance|strong|h\xc3\xa9llo");
  EXPECT_EQ(db.text("SELECT source_class, name, target_class, strength FROM references_named WHERE source_id = 4"),
            "java.lang.Object[]|[0]|java.util.HashMap$Node|strong\n"
            "java.lang.Object[]|[1]|java.util.HashMap$Node|strong\njava.lang.Object[]|[2]|Node|strong");
  EXPECT_EQ(db.text("SELECT id FROM unreachable"), "4\n5\n7");
  EXPECT_EQ(db.text("SELECT root_type, reachable, root_distance FROM heap_graph_object WHERE id IN (0, 4)"),
            "ROOT_JNI_GLOBAL|1|0\n|0|-1");
}

TEST_F(StoreTest, TextOfTheDumpIsKeptAndIsValidUtf8) {
  write(path_, small_heap(), {});
  PlainSqlite db(path_);
  const std::string kept("a\0b\x1b[31m\xEF\xBF\xBD\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", 24);
  for (const char* sql : {"SELECT value FROM string WHERE object_id = 3", "SELECT name FROM thread",
                          "SELECT value FROM name WHERE id = 1", "SELECT value FROM duplicate",
                          "SELECT text FROM suspect_evidence", "SELECT what FROM damage"}) {
    EXPECT_EQ(db.text(sql).substr(0, kept.size()), kept) << sql;
  }
}

TEST_F(StoreTest, VacuumKeepsEveryRow) {
  write(path_, small_heap(), {});
  PlainSqlite db(path_);
  const std::string before = db.text("SELECT * FROM references_named") + db.text("SELECT * FROM objects");
  EXPECT_EQ(db.text("VACUUM"), "");
  EXPECT_EQ(db.text("SELECT * FROM references_named") + db.text("SELECT * FROM objects"), before);
  EXPECT_EQ(db.text("PRAGMA integrity_check"), "ok");
}

TEST_F(StoreTest, AnEmptySnapshotIsADatabaseToo) {
  Heap heap;
  heap.snapshot.references.first.push_back(0);
  heap.snapshot.addresses.freeze();
  Store store(path_, {});
  store.finish(heap.snapshot, heap.results);
  PlainSqlite db(path_);
  EXPECT_EQ(db.text("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(db.text("SELECT count(*) FROM objects"), "0");
}

TEST_F(StoreTest, PackedReferencesReadBack) {
  std::mt19937 random(1);
  tests::GraphBuilder g;
  constexpr std::uint32_t objects = 20000;
  g.objects(objects);
  for (std::uint32_t i = 0; i < 50000; ++i) {
    const auto source = random() % 7 == 0 ? 12345u : static_cast<std::uint32_t>(random() % objects);
    if (source > 3000 && source < 6000) continue;  // a gap longer than chunks
    g.reference(ObjectId{source}, ObjectId{static_cast<std::uint32_t>(random() % (i % 3 == 0 ? 2 : objects))},
                static_cast<Strength>(random() % 20 < 6 ? random() % 6 : 0));
  }
  const Heap heap{g.build(), {}};
  for (const ReferenceRows rows : {ReferenceRows::rows, ReferenceRows::packed}) {
    Store store(path_, {rows, true});
    stream_references(heap.snapshot, store);
    store.finish(heap.snapshot, heap.results);
    const PlainSqlite db(path_);
    EXPECT_EQ(db.text("PRAGMA integrity_check"), "ok");
    if (rows == ReferenceRows::rows) {
      EXPECT_EQ(db.text("SELECT count(*) FROM reference"), std::to_string(heap.snapshot.references.target.size()));
      continue;
    }
    EXPECT_EQ(db.text("SELECT count(*) FROM reference"), "0");
  }
  using Edge = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t, int>;
  struct Collect final : RowSink {
    std::vector<Edge> edges;
    void reference(ObjectId s, std::uint32_t slot, ObjectId t, NameId n, Strength strength) override {
      edges.emplace_back(index(s), slot, index(t), index(n), static_cast<int>(strength));
    }
    void string(ObjectId, std::string_view, std::uint64_t) override {}
    void value(const PrimitiveValue&) override {}
    void event(const AllocationEvent&) override {}
  } expected;
  stream_references(heap.snapshot, expected);
  std::vector<Edge> edges;
  const PlainSqlite db(path_);
  db.each_blob("SELECT first_source, data FROM reference_page ORDER BY 1", [&](std::int64_t first, std::string_view d) {
    EXPECT_TRUE(decode_references(ObjectId{static_cast<std::uint32_t>(first)}, d, ObjectId{0}, no_object,
                                  [&](ObjectId s, const PackedReference& r) {
                                    edges.emplace_back(index(s), r.slot, index(r.target), index(r.name),
                                                       static_cast<int>(r.strength));
                                  }));
  });
  EXPECT_TRUE(edges == expected.edges);

  // Inbound: every object's distinct sources, ascending; found through the chunk before it.
  std::set<std::pair<std::uint32_t, std::uint32_t>> inbound;
  for (const Edge& edge : expected.edges) inbound.emplace(std::get<2>(edge), std::get<0>(edge));
  std::vector<std::pair<std::uint32_t, std::uint32_t>> found;
  db.each_blob("SELECT first_target, data FROM inbound ORDER BY 1", [&](std::int64_t first, std::string_view d) {
    EXPECT_TRUE(decode_inbound(ObjectId{static_cast<std::uint32_t>(first)}, d, ObjectId{0}, no_object,
                               [&](ObjectId t, ObjectId s) { found.emplace_back(index(t), index(s)); }));
  });
  EXPECT_TRUE(std::equal(found.begin(), found.end(), inbound.begin(), inbound.end()));
  db.each_blob("SELECT first_target, data FROM inbound WHERE first_target <= 777 ORDER BY 1 DESC LIMIT 1",
               [&](std::int64_t first, std::string_view d) {
                 std::size_t count = 0;
                 EXPECT_TRUE(decode_inbound(ObjectId{static_cast<std::uint32_t>(first)}, d, ObjectId{777},
                                            ObjectId{778}, [&](ObjectId, ObjectId) { ++count; }));
                 EXPECT_EQ(count, static_cast<std::size_t>(
                                      std::distance(inbound.lower_bound({777, 0}), inbound.lower_bound({778, 0}))));
               });
}

TEST_F(StoreTest, DecodersAreSafeOnAnyBytes) {
  std::mt19937 random(7);
  for (int round = 0; round < 20000; ++round) {
    std::string data(random() % 40, ' ');
    for (char& c : data) c = static_cast<char>(random() % 3 == 0 ? 0xFF : random());
    std::uint64_t sum = 0;
    std::uint64_t calls = 0;
    (void)decode_inbound(ObjectId{5}, data, ObjectId{0}, no_object, [&](ObjectId t, ObjectId s) {
      sum += index(t) + index(s);
      ++calls;
    });
    (void)decode_references(ObjectId{5}, data, ObjectId{0}, no_object, [&](ObjectId s, const PackedReference& r) {
      sum += index(s) + index(r.target);
      ++calls;
    });
    EXPECT_LE(calls, 2 * data.size());
  }
}

TEST_F(StoreTest, WithoutReferencesNothingIsStored) {
  write(path_, small_heap(), {ReferenceRows::none, true});
  const PlainSqlite db(path_);
  EXPECT_EQ(db.text("SELECT (SELECT count(*) FROM reference), (SELECT count(*) FROM reference_page), "
                    "(SELECT count(*) FROM inbound)"),
            "0|0|0");
}

TEST_F(StoreTest, AnUnfinishedStoreLeavesNothing) {
  {
    Store store(path_, {});
    stream_references(small_heap().snapshot, store);
    EXPECT_EQ(files(), std::vector<std::string>{std::filesystem::path(Store::temporary_path(path_)).filename()});
  }
  EXPECT_TRUE(files().empty());
}

TEST_F(StoreTest, TheOldDatabaseStaysUntilTheNewOneIsComplete) {
  std::ofstream(path_) << "old";
  { Store store(path_, {}); }
  EXPECT_EQ(std::filesystem::file_size(path_), 3u);
  write(path_, small_heap(), {});
  EXPECT_GT(std::filesystem::file_size(path_), 16384u);
}

TEST_F(StoreTest, AFullDiskIsAnErrorWithFileAndCause) {
  struct rlimit former {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &former), 0);
  auto* const handler = ::signal(SIGXFSZ, SIG_IGN);
  std::string message;
  try {
    Store store(path_, {});
    const rlimit small{2'000'000, former.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    for (std::uint32_t i = 0; i < 1'000'000; ++i)
      store.reference(ObjectId{i}, 0, ObjectId{0}, no_name, Strength::strong);
  } catch (const StoreError& error) {
    message = error.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &former);
  ::signal(SIGXFSZ, handler);
  EXPECT_NE(message.find(path_), std::string::npos) << message;
  EXPECT_NE(message.find("File too large"), std::string::npos) << message;
  EXPECT_TRUE(files().empty());
}

TEST_F(StoreTest, APlaceThatCannotBeWrittenIsAnError) {
  EXPECT_THROW(Store("/nonexistent/folder/heap.db", {}), StoreError);
}

TEST_F(StoreTest, RowsOutOfOrderAreRefused) {
  Store store(path_, {});
  store.reference(ObjectId{5}, 1, ObjectId{0}, no_name, Strength::strong);
  EXPECT_THROW(store.reference(ObjectId{5}, 1, ObjectId{0}, no_name, Strength::strong), std::logic_error);
  store.string(ObjectId{5}, "", 0);
  EXPECT_THROW(store.string(ObjectId{4}, "", 0), std::logic_error);
}

TEST_F(StoreTest, TheDigestHasTheSmallTablesAndTheObjectsTheyMention) {
  const Heap heap = small_heap();
  const auto digest = write_digest(heap.snapshot, heap.results);
  EXPECT_FALSE(digest->has_objects());
  EXPECT_EQ(digest->metric("heap.live_bytes"), 204);
  Statement row = digest->prepare("SELECT class, retained_size FROM objects WHERE id = 1");
  ASSERT_TRUE(row.step());
  EXPECT_EQ(row.text(0), "java.util.HashMap$Node");
  EXPECT_EQ(row.integer(1), 56);
  Statement count = digest->prepare("SELECT count(*) FROM object WHERE id = 7");
  ASSERT_TRUE(count.step());
  EXPECT_EQ(count.integer(0), 0);
}

}  // namespace
