// Imports a trace or profile from memory, for tests: figures by the name of a site, and what must hold of any import.
#pragma once

#include <concepts>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "formats/input.h"
#include "importers/registry.h"
#include "queries/allocation_profile.h"

namespace tests {

/// What is wrong with a finished profile, "" = nothing. Independent of what the input said.
inline std::string problem_of(const queries::AllocationProfile& profile) {
  using namespace queries;
  const auto is_site = [&](SiteId id) { return id == no_site || index(id) < profile.sites.size(); };
  for (std::uint32_t i = 0; i < profile.sites.size(); ++i) {
    const SiteRow& row = profile.sites[SiteId{i}];
    if (row.parent != no_site && index(row.parent) >= i) return "a site before its caller";
    if (row.line < 0) return "a negative line";
  }
  if (profile.records.empty() && profile.series.empty()) return "neither records nor series";
  for (const ProfileRecord& record : profile.records) {
    std::map<SiteId, int> seen;
    for (const SiteStatRow& row : record.stats) {
      if (!is_site(row.site)) return "figures of no site";
      if (++seen[row.site] > 1) return "a site with two rows of figures";
    }
    for (const SiteSizeRow& row : record.sizes) {
      if (!is_site(row.site)) return "sizes of no site";
    }
    for (const SiteLeakRow& row : record.leaks) {
      if (!is_site(row.site)) return "a leak of no site";
    }
    for (const SiteLifetimeRow& row : record.site_lifetimes) {
      if (!is_site(row.site)) return "lifetimes of no site";
    }
    for (const LifetimeRow& row : record.lifetimes) {
      if (!is_site(row.site)) return "a lifetime of no site";
    }
  }
  for (const Series& series : profile.series) {
    for (std::size_t i = 1; i < series.points.size(); ++i) {
      if (!(series.points[i - 1].t <= series.points[i].t)) return "a series that goes back in time";
    }
  }
  return {};
}

/// An imported profile. Not movable: the snapshot may borrow nothing, but tests hold references into it.
class ImportedProfile {
 public:
  /// Throws what the importer throws. The bytes are copied to a block of exactly their size, for AddressSanitizer.
  explicit ImportedProfile(std::string_view file, const importers::ImportOptions& options = {}) {
    const std::unique_ptr<std::byte[]> bytes(new std::byte[file.size()]);
    std::memcpy(bytes.get(), file.data(), file.size());
    run(formats::Input::borrow({bytes.get(), file.size()}, "test.profile"), options);
  }
  /// A file. A template, as text is convertible to both.
  template <std::same_as<std::filesystem::path> Path>
  explicit ImportedProfile(const Path& path, const importers::ImportOptions& options = {}) {
    run(formats::Input::open(path.string(), input_damage), options);
  }
  ImportedProfile(const ImportedProfile&) = delete;
  ImportedProfile& operator=(const ImportedProfile&) = delete;

  queries::Snapshot snapshot;
  formats::DamageLog input_damage;

  [[nodiscard]] const queries::AllocationProfile& profile() const { return *snapshot.profile; }
  [[nodiscard]] const queries::ProfileRecord& record() const { return snapshot.profile->records.back(); }
  [[nodiscard]] const queries::SiteStatRow& total() const { return record().total; }
  [[nodiscard]] std::string problem() const {
    return snapshot.profile ? problem_of(*snapshot.profile) : "no profile was imported";
  }

  /// A figure of all paths that end in the function.
  [[nodiscard]] std::int64_t flat(std::string_view function, std::int64_t queries::SiteStatRow::*figure) const {
    std::int64_t sum = queries::not_known;
    for (const queries::SiteStatRow& row : record().stats) {
      if (row.site != queries::no_site && profile().sites.frame(row.site).function == function) {
        sum = queries::add_known(sum, row.*figure);
      }
    }
    return sum;
  }
  /// A figure of all paths that the function is on.
  [[nodiscard]] std::int64_t cumulative(std::string_view function, std::int64_t queries::SiteStatRow::*figure) const {
    std::int64_t sum = queries::not_known;
    for (const queries::SiteStatRow& row : record().stats) {
      for (queries::SiteId site = row.site; site != queries::no_site; site = profile().sites[site].parent) {
        if (profile().sites.frame(site).function != function) continue;
        sum = queries::add_known(sum, row.*figure);
        break;
      }
    }
    return sum;
  }
  /// "inner file:line (inlined) < outer module", what is not known left out.
  [[nodiscard]] std::string path_text(queries::SiteId site) const {
    std::string text;
    for (; site != queries::no_site; site = profile().sites[site].parent) {
      const queries::SiteFrame frame = profile().sites.frame(site);
      text += (text.empty() ? "" : " < ") + std::string(frame.function);
      if (!frame.file.empty()) text += " " + std::string(frame.file) + ":" + std::to_string(frame.line);
      if (!frame.module.empty()) text += " in " + std::string(frame.module);
      if (frame.is_inlined) text += " (inlined)";
    }
    return text.empty() ? "(unknown)" : text;
  }
  /// The row of figures of a path written so; nullptr = none.
  [[nodiscard]] const queries::SiteStatRow* stat(std::string_view path) const {
    for (const queries::SiteStatRow& row : record().stats) {
      if (path_text(row.site) == path) return &row;
    }
    return nullptr;
  }
  [[nodiscard]] std::string meta(std::string_view key) const {
    for (const auto& [name, text] : snapshot.meta) {
      if (name == key) return text;
    }
    return {};
  }

 private:
  void run(const formats::Input& input, const importers::ImportOptions& options) {
    importers::ImportJob job{input, options, snapshot, nullptr, nullptr, {}};
    const importers::Importer* importer = importers::find_importer(input.bytes());
    if (importer == nullptr) throw formats::InputError("no importer knows the format");
    importer->run(job);
  }
};

/// For fuzz targets: input that the format takes for its own becomes a sound profile, or is refused.
inline void import_profile_or_trap(formats::Bytes input, bool (*looks_like)(formats::Bytes)) {
  if (!looks_like(input)) return;
  try {
    const ImportedProfile in(formats::as_text(input));
    if (!in.snapshot.profile) return;  // an importer with a stronger magic took it
    if (!in.problem().empty()) __builtin_trap();
  } catch (const formats::InputError&) {  // nothing in it
  }
}

}  // namespace tests
