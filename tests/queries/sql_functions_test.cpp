// Every SQL function against the naive answer, on a graph made by hand and on random ones.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/queries/graph_database.h"
#include "tests/support/graph_builder.h"

namespace tests {
namespace {

using queries::ObjectId;
using queries::Strength;

/// root → list → array → two nodes; a weak referent; a cycle of garbage; classes with objects.
class KnownGraph : public testing::Test {
 protected:
  static constexpr std::uint32_t root = 0, list = 1, array = 2, first = 3, second = 4, weak_only = 5, garbage = 6,
                                 text = 9;
  KnownGraph() {
    GraphBuilder g;
    g.object("Main", 16);
    g.object("List", 24);
    g.array("Node[]", 2, 32);
    g.objects(2, "Node", 16);
    g.object("Other", 40);
    g.objects(2, "Garbage", 8);
    g.class_object("Node", 64);
    g.object("java.lang.String", 24);
    g.reference(ObjectId{root}, ObjectId{list});
    g.reference(ObjectId{root}, ObjectId{weak_only}, Strength::weak);
    g.reference(ObjectId{list}, ObjectId{array});
    g.reference(ObjectId{array}, ObjectId{first});
    g.reference(ObjectId{array}, ObjectId{second});
    g.reference(ObjectId{first}, ObjectId{text});
    g.reference(ObjectId{second}, ObjectId{text});
    g.reference(ObjectId{garbage}, ObjectId{garbage + 1});
    g.reference(ObjectId{garbage + 1}, ObjectId{garbage});
    g.root(ObjectId{root}, queries::RootKind::java_frame);
    queries::Snapshot snapshot = g.build();
    queries::PrimitiveValue size;
    size.object = ObjectId{list};
    size.name = snapshot.name_id("size");
    size.integer = 2;
    database_ =
        std::make_unique<GraphDatabase>(snapshot, NaiveGraph(snapshot).results(), queries::StoreOptions{},
                                        std::vector<std::pair<ObjectId, std::string>>{{ObjectId{text}, "hello"}},
                                        std::vector<queries::PrimitiveValue>{size});
  }
  std::string text_of(const std::string& expression) { return database_->text("SELECT " + expression); }
  std::unique_ptr<GraphDatabase> database_;
};

TEST_F(KnownGraph, PathNamesEveryReference) {
  EXPECT_EQ(database_->text("SELECT group_concat(coalesce(name, root) || '>' || class, ' ') FROM path_to_root(9)"),
            "java_frame>Main f0>List f0>Node[] [0]>Node f0>java.lang.String");
}

TEST_F(KnownGraph, ClassObjectIsHeldByItsInstances) {
  EXPECT_EQ(database_->text("SELECT group_concat(object_id || name) FROM referrers(8)"), "3<class>,4<class>");
  EXPECT_EQ(database_->text("SELECT group_concat(object_id) FROM path_to_root(8)"), "0,1,2,3,8");
  EXPECT_EQ(database_->text("SELECT name FROM path_to_root(8) WHERE step = 4"), "<class>");
  EXPECT_EQ(text_of("what_if_cut(3, -1)"), "0") << "the other node still holds it";
}

TEST_F(KnownGraph, WeakPathSaysSo) {
  EXPECT_EQ(database_->text("SELECT group_concat(object_id || ':' || weak_used) FROM paths_to_root(5, 3)"), "0:1,5:1");
  EXPECT_EQ(database_->text("SELECT strength FROM paths_to_root(5, 3) WHERE step = 1"), "weak");
  EXPECT_EQ(database_->text("SELECT count(*) FROM path_to_root(6)"), "0") << "garbage has no path";
}

TEST_F(KnownGraph, TwoPathsThroughTheTwoNodes) {
  EXPECT_EQ(database_->text("SELECT group_concat(object_id) FROM paths_to_root(9, 9) WHERE step = 3"), "3,4");
}

TEST_F(KnownGraph, FieldWalksNamesIndexesAndValues) {
  EXPECT_EQ(text_of("field(0, 'f0.size')"), "2");
  EXPECT_EQ(text_of("field(0, 'f0.f0[1].f0')"), "hello");
  EXPECT_EQ(text_of("field(0, 'f0.f0.[0]')"), "3");
  EXPECT_EQ(text_of("field(3, '<class>')"), "8");
  EXPECT_EQ(text_of("field(0, 'nothing')"), "");
  EXPECT_EQ(text_of("field(0, 'nothing.at.all')"), "");
  EXPECT_EQ(text_of("field(NULL, 'f0')"), "");
  EXPECT_THROW((void)text_of("field(2, '[x]')"), queries::QueryError);
}

TEST_F(KnownGraph, Texts) {
  EXPECT_EQ(text_of("to_string(9)"), "hello");
  EXPECT_EQ(text_of("to_string(8)"), "Node");
  EXPECT_EQ(text_of("to_string(1)"), "List@0x1010");
  EXPECT_EQ(text_of("class_of('0x1010')"), "List");
  EXPECT_EQ(text_of("addr(1)"), "0x1010");
  EXPECT_EQ(text_of("obj_at('0x1010')"), "1");
  EXPECT_EQ(text_of("obj_at('0x1011')"), "");
  EXPECT_EQ(text_of("hex_addr(-1)"), "0xffffffffffffffff");
  EXPECT_EQ(text_of("human_size(1536)"), "1.5 KiB");
  EXPECT_EQ(text_of("human_size(999)"), "999 B");
  EXPECT_EQ(text_of("bytes('64 MiB')"), "67108864");
  EXPECT_EQ(text_of("bytes('1.5k')"), "1536");
  EXPECT_EQ(text_of("demangle('_ZNSt6vectorIiE4sizeEv')"), "std::vector<int>::size()");
  EXPECT_EQ(text_of("demangle('main')"), "main");
  EXPECT_EQ(text_of("root_distance(9)"), "4");
  EXPECT_EQ(text_of("root_distance(6)"), "");
  EXPECT_EQ(text_of("retained_size(6)"), "");
}

TEST_F(KnownGraph, MistakesAreExplained) {
  const auto message = [this](const std::string& sql) -> std::string {
    try {
      return database_->text(sql);
    } catch (const queries::QueryError& error) {
      return error.what();
    }
  };
  EXPECT_NE(message("SELECT * FROM path_to_root").find("path_to_root(object)"), std::string::npos);
  EXPECT_NE(message("SELECT to_string(77)").find("no object 77"), std::string::npos);
  EXPECT_NE(message("SELECT * FROM dominated('0xdead')").find("no object at 0xdead"), std::string::npos);
  EXPECT_NE(message("SELECT bytes('many')").find("64 MiB"), std::string::npos);
  EXPECT_NE(message("SELECT disasm(1, 2)").find("no machine code"), std::string::npos);
}

TEST_F(KnownGraph, FunctionsJoin) {
  EXPECT_EQ(database_->text("SELECT count(*) FROM objects AS o, path_to_root(o.id) AS p WHERE o.class = 'Node'"), "8");
  EXPECT_EQ(database_->text("SELECT group_concat(object_id) FROM instances('Node')"), "3,4");
  EXPECT_EQ(database_->text("SELECT count(*) >= 20 FROM heapql_functions"), "1");
}

TEST(SqlFunctions, InstancesOfSubclasses) {
  GraphBuilder g;
  g.objects(2, "Base");
  g.object("Derived");
  g.class_row("Derived").super = g.class_named("Base");
  g.reference(ObjectId{0}, ObjectId{1});
  g.root(ObjectId{0});
  const GraphDatabase database(g.build());
  EXPECT_EQ(database.text("SELECT group_concat(object_id) FROM instances('Base')"), "0,1");
  EXPECT_EQ(database.text("SELECT group_concat(object_id) FROM instances('Base', 1)"), "0,1,2");
  EXPECT_EQ(database.text("SELECT count(*) FROM instances('Nothing', 1)"), "0");
}

TEST(SqlFunctions, NoReferencesIsSaid) {
  GraphBuilder g;
  g.objects(2);
  g.reference(ObjectId{0}, ObjectId{1});
  g.root(ObjectId{0});
  queries::StoreOptions options;
  options.references = queries::ReferenceRows::none;
  const GraphDatabase database(g.build(), options);
  EXPECT_THROW((void)database.rows("SELECT * FROM referents(0)"), queries::QueryError);
  EXPECT_EQ(database.text("SELECT retained_size(0)"), "32");
}

TEST(SqlFunctions, AListOfManyNodesNeedsNoRecursion) {
  GraphBuilder g;
  constexpr std::uint32_t length = 50'000;
  g.objects(length);
  for (std::uint32_t i = 0; i + 1 < length; ++i) {
    g.reference(ObjectId{i}, ObjectId{i + 1});
    g.reference(ObjectId{i + 1}, ObjectId{i});
  }
  g.root(ObjectId{0});
  queries::Results results;
  results.dominator.push_back(queries::no_object);
  for (std::uint32_t i = 0; i < length; ++i) {
    if (i > 0) results.dominator.push_back(ObjectId{i - 1});
    results.retained_size.push_back(std::uint64_t{16} * (length - i));
    results.reachability.push_back(queries::Reachability::strong);
    results.root_distance.push_back(i);
  }
  const GraphDatabase database(g.build(), results, {});
  const std::string last = std::to_string(length - 1);
  EXPECT_EQ(database.text("SELECT count(*) FROM path_to_root(" + last + ")"), std::to_string(length));
  EXPECT_EQ(database.text("SELECT count(*) FROM paths_to_root(" + last + ", 1)"), std::to_string(length));
  EXPECT_EQ(database.text("SELECT count(*) FROM dominator_chain(" + last + ")"), std::to_string(length));
  EXPECT_EQ(database.text("SELECT count(*) FROM retained_set(1)"), last);
  EXPECT_EQ(database.text("SELECT count(*) FROM reachable_from(5)"), std::to_string(length));
  EXPECT_EQ(database.text("SELECT count(*) FROM dominated(0, 0)"), last);
  EXPECT_EQ(database.text("SELECT what_if_cut(0, 0)"), std::to_string(16 * (length - 1)));
}

GraphBuilder random_graph(std::mt19937& random) {
  const auto pick = [&random](std::uint32_t below) { return static_cast<std::uint32_t>(random() % below); };
  GraphBuilder g;
  const std::uint32_t count = 2 + pick(7);
  for (std::uint32_t i = 0; i < count; ++i) g.object("C" + std::to_string(pick(3)), 8 + 8 * pick(4));
  for (std::uint32_t edges = 1 + pick(2 * count); edges > 0; --edges) {
    const std::uint32_t dice = pick(8);
    g.reference(ObjectId{pick(count)}, ObjectId{pick(count)},
                dice == 0   ? Strength::weak
                : dice == 1 ? Strength::soft
                : dice == 2 ? Strength::phantom
                            : Strength::strong);
  }
  if (pick(3) == 0) g.set_class_object("C0", ObjectId{pick(count)});
  for (std::uint32_t roots = 1 + pick(2); roots > 0; --roots) g.root(ObjectId{pick(count)});
  return g;
}

void check(const NaiveGraph& naive, const queries::Results& results, const GraphDatabase& database) {
  using Rows = std::vector<std::vector<std::int64_t>>;
  for (std::uint32_t v = 0; v < naive.count(); ++v) {
    SCOPED_TRACE("object " + std::to_string(v));
    const std::string id = std::to_string(v);
    const auto ids = [&database](const std::string& from) {
      std::set<std::uint32_t> result;
      for (const auto& row : database.rows("SELECT object_id FROM " + from)) {
        EXPECT_TRUE(result.insert(static_cast<std::uint32_t>(row[0])).second) << from << " repeats an object";
      }
      return result;
    };
    EXPECT_EQ(ids("reachable_from(" + id + ")"), naive.reach({v}));
    EXPECT_EQ(ids("reachable_from(" + id + ", 'all')"), naive.reach({v}, true));
    const std::set<std::uint32_t> mine = naive.dominated(v);
    EXPECT_EQ(ids("retained_set(" + id + ")"), mine);
    std::set<std::uint32_t> below = mine;
    below.erase(v);
    EXPECT_EQ(ids("dominated(" + id + ", 0)"), below);
    std::set<std::uint32_t> children;
    for (std::uint32_t w = 0; w < naive.count(); ++w) {
      if (results.dominator[w] == ObjectId{v}) children.insert(w);
    }
    EXPECT_EQ(ids("dominated(" + id + ")"), children);
    Rows chain;
    for (ObjectId at{v}; !mine.empty() && at != queries::no_object; at = results.dominator[queries::index(at)]) {
      chain.push_back({static_cast<std::int64_t>(queries::index(at))});
    }
    EXPECT_EQ(database.rows("SELECT object_id FROM dominator_chain(" + id + ")"), chain);
    std::multiset<std::pair<std::int64_t, std::int64_t>> in, out, in_found, out_found;
    for (const NaiveEdge& edge : naive.edges()) {
      if (edge.target == v) in.emplace(edge.source, edge.slot);
      if (edge.source == v) out.emplace(edge.target, edge.slot);
    }
    for (const auto& row : database.rows("SELECT object_id, slot FROM referrers(" + id + ")")) {
      in_found.emplace(row[0], row[1]);
    }
    for (const auto& row : database.rows("SELECT object_id, slot FROM referents(" + id + ")")) {
      out_found.emplace(row[0], row[1]);
    }
    EXPECT_EQ(in_found, in);
    EXPECT_EQ(out_found, out);

    // Paths: real edges, from a root, of the right number and length.
    const auto check_path = [&](const std::vector<std::uint32_t>& path, bool strong_only) {
      ASSERT_FALSE(path.empty());
      EXPECT_EQ(naive.roots().count(path.front()), 1u);
      EXPECT_EQ(path.back(), v);
      for (std::size_t i = 1; i < path.size(); ++i) {
        EXPECT_TRUE(std::any_of(naive.edges().begin(), naive.edges().end(), [&](const NaiveEdge& edge) {
          return edge.source == path[i - 1] && edge.target == path[i] && (!strong_only || NaiveGraph::strong(edge));
        }));
      }
    };
    std::vector<std::uint32_t> one;
    for (const auto& row : database.rows("SELECT object_id FROM path_to_root(" + id + ")")) {
      one.push_back(static_cast<std::uint32_t>(row[0]));
    }
    if (results.root_distance[v] == queries::unreachable_distance) {
      EXPECT_TRUE(one.empty());
    } else {
      EXPECT_EQ(one.size(), results.root_distance[v] + 1);
      check_path(one, results.reachability[v] == queries::Reachability::strong);
    }
    const std::vector<std::vector<std::uint32_t>> all = naive.strong_paths(v);
    for (const std::size_t k : {std::size_t{1}, std::size_t{3}, std::size_t{1000}}) {
      std::map<std::int64_t, std::vector<std::uint32_t>> found;
      std::int64_t weak = 0;
      for (const auto& row : database.rows("SELECT path, object_id, weak_used FROM paths_to_root(" + id + ", " +
                                           std::to_string(k) + ")")) {
        found[row[0]].push_back(static_cast<std::uint32_t>(row[1]));
        weak = row[2];
      }
      if (all.empty()) {
        EXPECT_EQ(found.empty(), one.empty());
        EXPECT_EQ(weak, found.empty() ? 0 : 1);
        continue;
      }
      EXPECT_EQ(weak, 0);
      ASSERT_EQ(found.size(), std::min(k, all.size()));
      std::set<std::vector<std::uint32_t>> distinct;
      std::size_t at = 0;
      for (const auto& [number, path] : found) {
        check_path(path, true);
        EXPECT_EQ(path.size(), all[at++].size()) << "path " << number << " is as short as the naive one";
        EXPECT_TRUE(distinct.insert(path).second);
      }
    }
  }
  const std::uint64_t live = naive.bytes(naive.reach(naive.roots()));
  for (const NaiveEdge& edge : naive.edges()) {
    const std::uint64_t left = naive.bytes(naive.reach(naive.roots(), false, {}, &edge));
    EXPECT_EQ(database.rows("SELECT what_if_cut(" + std::to_string(edge.source) + ", " + std::to_string(edge.slot) +
                            ")")[0][0],
              static_cast<std::int64_t>(live - left))
        << "cutting " << edge.source << " slot " << edge.slot;
  }
}

TEST(SqlFunctions, AgreeWithNaiveAlgorithmsOnRandomGraphs) {
  std::mt19937 random(20'240'607);
  for (int round = 0; round < 200 && !testing::Test::HasFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    const queries::Snapshot snapshot = random_graph(random).build();
    const NaiveGraph naive(snapshot);
    const queries::Results results = naive.results();
    queries::StoreOptions options;
    options.references = round % 3 == 0 ? queries::ReferenceRows::packed : queries::ReferenceRows::rows;
    options.inbound = round % 5 != 0;
    const GraphDatabase database(snapshot, results, options);
    check(naive, results, database);
  }
}

}  // namespace
}  // namespace tests
