#include "analyzer/suspects/code_evidence.h"

#include <algorithm>
#include <array>
#include <vector>

#include "analyzer/quantities.h"

namespace analyzer {
namespace {

constexpr std::size_t most_named = 3;
constexpr std::string_view constructors = "_GLOBAL__sub_I";  // of globals, before main: they fill nothing

std::string listed(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), most_named); ++i) text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > most_named) text += " and " + format_count(names.size() - most_named) + " more";
  return text;
}

}  // namespace

std::string who_touches(const queries::Snapshot& snapshot, const RootPath& path) {
  if (path.empty()) return {};
  const std::string kind(to_text(queries::RootKind::static_data));
  const std::string& root = path.front().name;
  if (root.rfind(kind + ' ', 0) != 0) return {};
  const std::string variable = root.substr(kind.size() + 1);
  const auto& texts = snapshot.code.texts;
  // In this order: who writes it is who fills it.
  std::array<std::vector<std::string>, 3> names;
  for (const queries::CodeReferenceRow& row : snapshot.code.references) {
    if (texts[row.symbol] != variable || texts[row.function].rfind(constructors, 0) == 0) continue;
    const std::string& access = texts[row.access];
    const std::size_t list = access.find("write") != std::string::npos ? 0 : access == "address taken" ? 1 : 2;
    names[list].push_back(texts[row.function]);
  }
  constexpr std::array<const char*, 3> words{"written by ", "passed on by ", "read by "};
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!names[i].empty()) text += (text.empty() ? "" : "; ") + std::string(words[i]) + listed(std::move(names[i]));
  }
  return text.empty() ? text : variable + ": " + text;
}

}  // namespace analyzer
