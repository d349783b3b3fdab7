// Every named query runs, and its header tells the truth.
#include "queries/named_queries.h"

#include <gtest/gtest.h>

#include "tests/queries/graph_database.h"
#include "tests/support/graph_builder.h"

namespace tests {
namespace {

using queries::ObjectId;

GraphDatabase sample() {
  GraphBuilder g;
  g.objects(3, "Node");
  g.array("Object[]", 2, 32);
  g.reference(ObjectId{0}, ObjectId{1});
  g.reference(ObjectId{1}, ObjectId{2});
  g.reference(ObjectId{1}, ObjectId{3});
  g.root(ObjectId{0});
  return GraphDatabase(g.build());
}

TEST(NamedQueries, HeadersTellTheTruth) {
  const GraphDatabase database = sample();
  ASSERT_GE(queries::named_queries().size(), 30u);
  for (const queries::NamedQuery& query : queries::named_queries()) {
    if (!query.listed) continue;  // those of the reports document what is not obvious
    SCOPED_TRACE(std::string(query.name));
    EXPECT_FALSE(query.title.empty());
    queries::Statement statement = database->prepare(query.sql);
    std::vector<std::string> declared;
    for (const queries::QueryParameter& parameter : query.parameters) declared.emplace_back(parameter.name);
    std::vector<std::string> used = statement.parameter_names();
    std::sort(declared.begin(), declared.end());
    std::sort(used.begin(), used.end());
    used.erase(std::unique(used.begin(), used.end()), used.end());
    EXPECT_EQ(declared, used);
    std::vector<std::string> documented;
    std::vector<std::string> actual;
    for (const auto& [name, help] : query.columns) documented.emplace_back(name);
    for (int i = 0; i < statement.column_count(); ++i) actual.push_back(statement.column_name(i));
    EXPECT_EQ(documented, actual);
    for (const queries::QueryParameter& parameter : query.parameters) {
      if (parameter.type == "INTEGER" && !parameter.default_value.empty()) {
        statement.bind(parameter.name, std::int64_t{std::stoll(std::string(parameter.default_value))});
      } else if (parameter.name == "object") {
        statement.bind("object", std::int64_t{1});
      } else {
        statement.bind(parameter.name,
                       parameter.default_value.empty() ? std::string_view("%") : parameter.default_value);
      }
    }
    EXPECT_NO_THROW(while (statement.step()){});
    EXPECT_TRUE(query.sql.find("ORDER BY") != std::string_view::npos) << "no total order";
  }
}

TEST(NamedQueries, SimilarNamesAreFound) {
  EXPECT_NE(queries::find_named_query("top-retained"), nullptr);
  EXPECT_EQ(queries::find_named_query("top-retaned"), nullptr);
  const std::vector<std::string> similar = queries::similar_queries("top-retaned");
  ASSERT_FALSE(similar.empty());
  EXPECT_EQ(similar.front(), "top-retained");
}

}  // namespace
}  // namespace tests
