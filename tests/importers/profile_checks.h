// Imports of allocation traces, profiles and leak reports, for tests: figures by the name of a path, and what every
// importer must survive.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "queries/allocation_profile.h"
#include "tests/importers/imported_dump.h"

namespace tests {

/// "main > serve > x_alloc", outermost first; "(unknown)" for no site.
inline std::string path_text(const queries::AllocationProfile& profile, queries::SiteId site) {
  if (site == queries::no_site) return "(unknown)";
  std::string text;
  for (; site != queries::no_site; site = profile.sites[site].parent) {
    const std::string name(profile.sites.frame(site).function);
    text = text.empty() ? name : name + " > " + text;
  }
  return text;
}

/// Figures of the path in the newest record.
inline std::optional<queries::SiteStatRow> stat_of(const queries::AllocationProfile& profile, std::string_view path) {
  for (const queries::SiteStatRow& row : profile.records.back().stats) {
    if (path_text(profile, row.site) == path) return row;
  }
  return std::nullopt;
}

/// Sum of the newest record's leaks of a kind.
inline std::pair<std::int64_t, std::int64_t> leaked(const queries::AllocationProfile& profile, queries::LeakKind kind) {
  std::pair<std::int64_t, std::int64_t> sum;
  for (const queries::SiteLeakRow& row : profile.records.back().leaks) {
    if (row.kind != kind) continue;
    sum.first += row.object_count;
    sum.second += row.bytes;
  }
  return sum;
}

/// The problem of an import, "" when there is none or nothing could be kept.
inline std::string problem_of_bytes(const std::string& bytes) {
  if (importers::find_importer(std::as_bytes(std::span(bytes))) == nullptr) return {};
  try {
    return ImportedDump(bytes).problem();
  } catch (const formats::InputError&) {
    return {};
  }
}

/// Every prefix and every byte changed in four ways: no crash, and what is kept is consistent.
inline void expect_survives_cuts_and_flips(const std::string& whole) {
  for (std::size_t size = 0; size < whole.size(); ++size) {
    ASSERT_EQ(problem_of_bytes(whole.substr(0, size)), "") << "cut at " << size;
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int flip : {0x01, 0x10, 0x20, 0x80}) {
      std::string file = whole;
      file[at] = static_cast<char>(file[at] ^ flip);
      ASSERT_EQ(problem_of_bytes(file), "") << "byte " << at << " flipped by " << flip;
    }
  }
}

}  // namespace tests
