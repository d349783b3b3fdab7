#include "queries/named_queries.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "queries/embedded_sql.h"
#include "queries/sql_hints.h"

namespace queries {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// Cuts the first word off `rest`.
std::string_view take_word(std::string_view& rest) {
  const std::string_view word = rest.substr(0, rest.find_first_of(" \t"));
  rest = trimmed(rest.substr(word.size()));
  return word;
}

/// ":limit INTEGER = 25  what it does" (the default value ends at two spaces).
QueryParameter parse_parameter(std::string_view line) {
  QueryParameter parameter;
  parameter.name = take_word(line);
  if (!parameter.name.empty() && parameter.name.front() == ':') parameter.name.remove_prefix(1);
  parameter.type = take_word(line);
  if (!line.empty() && line.front() == '=') {
    line = trimmed(line.substr(1));
    const std::string_view value = line.substr(0, line.find("  "));
    line = trimmed(line.substr(value.size()));
    parameter.default_value = trimmed(value);
  }
  parameter.help = line;
  return parameter;
}

/// What the header comments of a file say; they end at the first line that is none.
NamedQuery parse(std::string_view name, std::string_view group, std::string_view text) {
  NamedQuery query;
  query.name = name;
  query.group = group;
  query.sql = text;
  query.listed = group != "reports";
  for (std::string_view rest = text; rest.substr(0, 2) == "--";) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = trimmed(rest.substr(2, end - 2));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.rfind("param ", 0) == 0) {
      query.parameters.push_back(parse_parameter(trimmed(line.substr(6))));
    } else if (line.rfind("column ", 0) == 0) {
      line = trimmed(line.substr(7));
      const std::string_view column = take_word(line);
      query.columns.emplace_back(column, line);
    } else if (query.title.empty()) {
      query.title = line;
    }
  }
  return query;
}

struct Catalogue {
  std::deque<std::string> names;  // what the views in `queries` point to
  std::vector<NamedQuery> queries;

  Catalogue() {
    for (const embedded::QueryFile& file : embedded::query_files) {
      const std::size_t slash = file.path.rfind('/');
      const std::string_view group = slash == std::string_view::npos ? "" : file.path.substr(0, slash);
      std::string name(slash == std::string_view::npos ? file.path : file.path.substr(slash + 1));
      name.resize(name.size() - std::string_view(".sql").size());
      std::replace(name.begin(), name.end(), '_', '-');
      names.push_back(std::move(name));
      queries.push_back(parse(names.back(), group, file.text));
    }
    std::sort(queries.begin(), queries.end(), [](const NamedQuery& a, const NamedQuery& b) { return a.name < b.name; });
  }
};

const Catalogue& catalogue() {
  static const Catalogue instance;
  return instance;
}

}  // namespace

std::span<const NamedQuery> named_queries() { return catalogue().queries; }

const NamedQuery* find_named_query(std::string_view name) {
  const std::vector<NamedQuery>& all = catalogue().queries;
  const auto found = std::lower_bound(all.begin(), all.end(), name,
                                      [](const NamedQuery& query, std::string_view key) { return query.name < key; });
  return found != all.end() && found->name == name ? &*found : nullptr;
}

std::vector<std::string> similar_queries(std::string_view name) {
  constexpr std::size_t most = 3;
  std::vector<std::pair<std::size_t, std::string>> ranked;
  for (const NamedQuery& query : named_queries()) {
    if (!query.listed) continue;
    const std::size_t distance = edit_distance(name, query.name);
    if (distance <= 2) {
      ranked.emplace_back(distance, query.name);
    } else if (name.size() >= 3 &&
               (query.name.find(name) != std::string_view::npos || name.find(query.name) != std::string_view::npos)) {
      ranked.emplace_back(3 + distance, query.name);
    }
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> result;
  for (auto& [distance, similar] : ranked) {
    if (result.size() < most) result.push_back(std::move(similar));
  }
  return result;
}

}  // namespace queries
