#include "queries/sql_hints.h"

#include <sqlite3.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>
#include <vector>

namespace queries {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

/// First column of every row; nothing when the SQL cannot be run.
std::vector<std::string> names(sqlite3* connection, const char* sql, const std::string* parameter = nullptr) {
  std::vector<std::string> result;
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(connection, sql, -1, &statement, nullptr) != SQLITE_OK) return result;
  if (parameter != nullptr) sqlite3_bind_text(statement, 1, parameter->c_str(), -1, SQLITE_TRANSIENT);
  while (sqlite3_step(statement) == SQLITE_ROW) {
    const unsigned char* text = sqlite3_column_text(statement, 0);
    if (text != nullptr) result.emplace_back(reinterpret_cast<const char*>(text));
  }
  sqlite3_finalize(statement);
  return result;
}

std::vector<std::string> tables(sqlite3* connection) {
  return names(connection,
               "SELECT name FROM (SELECT name, type FROM sqlite_schema UNION ALL SELECT name, type FROM "
               "sqlite_temp_schema) WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' "
               "ESCAPE '\\' ORDER BY name");
}

std::vector<std::string> columns(sqlite3* connection, const std::string& table) {
  return names(connection, "SELECT name FROM pragma_table_info(?1)", &table);
}

bool mentions(const std::string& sql, const std::string& word) {
  const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  for (std::size_t at = sql.find(word); at != std::string::npos; at = sql.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !is_word(sql[at - 1])) && (end == sql.size() || !is_word(sql[end]))) return true;
  }
  return false;
}

/// The closest candidates, at most three: edit distance ≤ 2, or one name within the other.
std::vector<std::string> closest(std::string_view wanted, const std::vector<std::string>& candidates) {
  std::vector<std::pair<std::size_t, std::string>> ranked;
  const std::string needle = lower(wanted);
  for (const std::string& candidate : candidates) {
    const std::string name = lower(candidate);
    const std::size_t distance = edit_distance(needle, name);
    const bool within = needle.size() >= 3 && name.size() >= 3 &&
                        (name.find(needle) != std::string::npos || needle.find(name) != std::string::npos);
    if (distance <= 2 && distance < std::max(needle.size(), name.size())) {
      ranked.emplace_back(distance, candidate);
    } else if (within) {
      ranked.emplace_back(3 + distance, candidate);
    } else if (!within && needle.size() >= 6) {  // retained_heap → retained_size: the same beginning
      const auto same = static_cast<std::size_t>(
          std::mismatch(needle.begin(), needle.end(), name.begin(), name.end()).first - needle.begin());
      if (same >= 5) ranked.emplace_back(100 - same, candidate);
    }
  }
  std::sort(ranked.begin(), ranked.end());
  ranked.erase(std::unique(ranked.begin(), ranked.end()), ranked.end());
  std::vector<std::string> result;
  for (auto& [rank, name] : ranked) {
    if (result.size() == 3) break;
    if (std::find(result.begin(), result.end(), name) == result.end()) result.push_back(std::move(name));
  }
  return result;
}

std::string join(const std::vector<std::string>& words, std::string_view last) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i != 0) text += i + 1 == words.size() ? std::string(last) : ", ";
    text += words[i];
  }
  return text;
}

std::string did_you_mean(const std::vector<std::string>& words) {
  return words.empty() ? std::string() : " (did you mean " + join(words, " or ") + "?)";
}

std::string column_hint(sqlite3* connection, const std::string& column, std::string_view sql) {
  const std::string text = lower(sql);
  std::vector<std::string> of_mentioned;
  std::vector<std::string> all;
  std::string listing;
  for (const std::string& table : tables(connection)) {
    std::vector<std::string> own = columns(connection, table);
    if (mentions(text, lower(table))) {
      of_mentioned.insert(of_mentioned.end(), own.begin(), own.end());
      if (listing.size() < 400) listing += (listing.empty() ? "" : "; ") + table + " has " + join(own, ", ");
    }
    all.insert(all.end(), own.begin(), own.end());
  }
  if (std::string hint = did_you_mean(closest(column, of_mentioned)); !hint.empty()) return hint;
  if (!listing.empty()) return " (" + listing + ")";
  return did_you_mean(closest(column, all));
}

std::optional<std::string> name_after(const std::string& message, std::string_view prefix) {
  if (message.rfind(prefix, 0) != 0) return std::nullopt;
  std::string name = message.substr(prefix.size());
  if (const std::size_t dot = name.rfind('.'); dot != std::string::npos) name.erase(0, dot + 1);
  return name;
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  if (a.size() > 256 || b.size() > 256) return std::max(a.size(), b.size());  // no name of ours
  const std::string from = lower(a);
  const std::string to = lower(b);
  std::vector<std::size_t> before(to.size() + 1);
  std::vector<std::size_t> previous(to.size() + 1);
  std::vector<std::size_t> current(to.size() + 1);
  for (std::size_t j = 0; j <= to.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= from.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t replaced = previous[j - 1] + (from[i - 1] != to[j - 1] ? 1 : 0);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1]) {
        current[j] = std::min(current[j], before[j - 2] + 1);
      }
    }
    std::swap(before, previous);
    std::swap(previous, current);
  }
  return previous[to.size()];
}

std::string hint_for(sqlite3* connection, const std::string& message, std::string_view sql) {
  if (const auto column = name_after(message, "no such column: ")) return column_hint(connection, *column, sql);
  if (const auto table = name_after(message, "no such table: ")) {
    std::vector<std::string> candidates = tables(connection);
    const std::vector<std::string> modules = names(connection, "SELECT name FROM pragma_module_list");
    candidates.insert(candidates.end(), modules.begin(), modules.end());
    return did_you_mean(closest(*table, candidates));
  }
  if (const auto function = name_after(message, "no such function: ")) {
    std::vector<std::string> candidates = names(connection, "SELECT DISTINCT name FROM pragma_function_list");
    return did_you_mean(closest(*function, candidates));
  }
  if (message == "not authorized") {
    return " (queries only read: no statement that writes, attaches a file, loads code or changes a setting)";
  }
  return {};
}

}  // namespace queries
