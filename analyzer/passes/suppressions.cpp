#include "analyzer/passes/suppressions.h"

#include <array>
#include <cerrno>
#include <fstream>
#include <map>
#include <sstream>
#include <system_error>

#include "analyzer/commands/command.h"

namespace analyzer {
namespace {

using queries::AllocationProfile;
using queries::no_site;
using queries::SiteId;
using queries::SuppressionRow;

/// Memory that these keep until the process ends, on purpose.
constexpr std::array built_in_patterns{
    "^__nss_",            // name services: their modules stay loaded
    "^__gconv_",          // character conversions, the same
    "^__new_exitfn",      // atexit's list
    "^tzset_internal",    // the time zone
    "^dl_open_worker",    // the loader's records of libraries
    "^g_quark_init",      // GLib's strings for ever
    "^g_type_register_",  // GLib's types
    "^g_thread_self",     // GLib's record of a thread it did not start
};

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  return first == std::string_view::npos ? std::string_view{}
                                         : text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || (file.peek() != EOF && !(text << file.rdbuf()))) {
    throw UsageError(path +
                     ": cannot read the suppressions: " + std::generic_category().message(errno == 0 ? EISDIR : errno));
  }
  return text.str();
}

std::vector<SuppressionRow> collect(const SuppressionOptions& options, const AllocationProfile& profile) {
  std::vector<SuppressionRow> rows;
  for (const std::string& path : options.files) {
    for (std::string& pattern : parse_suppressions(read_file(path), path)) rows.push_back({std::move(pattern), path});
  }
  if (options.embedded) {
    for (const std::string& pattern : profile.suppressions) rows.push_back({pattern, "embedded"});
  }
  if (options.built_in) {
    for (const char* pattern : built_in_patterns) rows.push_back({pattern, "built-in"});
  }
  return rows;
}

/// The first pattern that matches a frame of the path, by frame and by site: paths share their outer frames.
class Matcher {
 public:
  Matcher(const queries::SiteTree& sites, const std::vector<SuppressionRow>& rows)
      : sites_(sites), rows_(rows), of_site_(sites.size(), unknown) {}

  /// Index into the rows, or rows.size() for none.
  std::size_t find(SiteId site) {
    std::vector<SiteId> open;
    SiteId at = site;
    for (; at != no_site && of_site_[index(at)] == unknown; at = sites_[at].parent) open.push_back(at);
    std::size_t found = at == no_site ? rows_.size() : of_site_[index(at)];
    for (auto frame = open.rbegin(); frame != open.rend(); ++frame) {
      const queries::SiteRow& row = sites_[*frame];
      for (const std::uint32_t text : {row.function, row.file, row.module}) found = std::min(found, of_text(text));
      of_site_[index(*frame)] = found;
    }
    return found;
  }

 private:
  static constexpr std::size_t unknown = ~std::size_t{0};

  std::size_t of_text(std::uint32_t number) {
    const auto [known, is_new] = of_text_.try_emplace(number, rows_.size());
    if (!is_new) return known->second;
    const std::string_view text = sites_.text(number);
    if (text.empty()) return known->second;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (matches_suppression(rows_[i].pattern, text)) return known->second = i;
    }
    return known->second;
  }

  const queries::SiteTree& sites_;
  const std::vector<SuppressionRow>& rows_;
  std::vector<std::size_t> of_site_;
  std::map<std::uint32_t, std::size_t> of_text_;
};

}  // namespace

bool matches_suppression(std::string_view pattern, std::string_view text) {
  const bool from_start = pattern.starts_with('^');
  if (from_start) pattern.remove_prefix(1);
  const bool to_end = pattern.ends_with('$');
  if (to_end) pattern.remove_suffix(1);
  // Parts between stars, each at its first place behind the one before: linear but for the search itself.
  std::size_t at = 0;
  bool is_first = true;
  while (true) {
    const std::size_t star = pattern.find('*');
    const std::string_view part = pattern.substr(0, star);
    const bool is_last = star == std::string_view::npos;
    if (is_last && to_end) {
      const bool tied = is_first && from_start;
      if (text.size() < at + part.size() || !text.ends_with(part)) return false;
      return !tied || text.size() == part.size();
    }
    const std::size_t found = text.find(part, at);
    if (found == std::string_view::npos || (is_first && from_start && found != 0)) return false;
    at = found + part.size();
    if (is_last) return true;
    pattern.remove_prefix(star + 1);
    is_first = false;
  }
}

std::vector<std::string> parse_suppressions(std::string_view text, const std::string& name) {
  std::vector<std::string> patterns;
  int number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty() || line.starts_with('#')) continue;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0 || line.substr(0, colon).find(' ') != std::string_view::npos) {
      throw UsageError(name + ':' + std::to_string(number) + ": no suppression, expected leak:PATTERN");
    }
    if (line.substr(0, colon) != "leak") continue;
    const std::string_view pattern = trimmed(line.substr(colon + 1));
    if (pattern.empty()) {
      throw UsageError(name + ':' + std::to_string(number) + ": an empty pattern would hide every leak");
    }
    patterns.emplace_back(pattern);
  }
  return patterns;
}

void apply_suppressions(const SuppressionOptions& options, AllocationProfile& profile) {
  std::vector<SuppressionRow> rows = collect(options, profile);
  Matcher matcher(profile.sites, rows);
  for (std::size_t i = 0; i < profile.records.size(); ++i) {
    const bool is_newest = i + 1 == profile.records.size();
    for (queries::SiteLeakRow& leak : profile.records[i].leaks) {
      const std::size_t found = leak.site == no_site ? rows.size() : matcher.find(leak.site);
      if (found == rows.size()) continue;
      leak.suppression = rows[found].pattern;
      if (!is_newest) continue;
      rows[found].leak_count += leak.object_count;
      rows[found].bytes += leak.bytes;
    }
  }
  profile.suppression_rows = std::move(rows);
}

}  // namespace analyzer
