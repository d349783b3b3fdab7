#include "importers/xtree_importer.h"

#include <algorithm>

#include "formats/xtree.h"
#include "importers/allocation_functions.h"
#include "importers/profile_import.h"
#include "importers/take_damage.h"
#include "importers/xtree_events.h"

namespace importers {
namespace {

namespace xtree = formats::xtree;
using queries::SiteId;

constexpr std::string_view nameless = "UnknownFn???";

std::string event_names(const xtree::Header& header) {
  std::string text;
  for (const std::string_view event : header.events) text += (text.empty() ? "" : " ") + std::string(event);
  return text;
}

SiteId site_of(const xtree::Path& path, queries::SiteTree& sites) {
  std::vector<queries::SiteFrame> innermost_first;
  for (auto frame = path.frames.rbegin(); frame != path.frames.rend(); ++frame) {
    innermost_first.push_back({frame->function, frame->file, frame->line, {}, false});
  }
  drop_allocation_functions(innermost_first);
  return sites.add_path(innermost_first);
}

}  // namespace

void import_xtree(ImportJob& job) {
  formats::DamageLog damage;
  xtree::Reader reader(job.input.bytes(), damage);
  const xtree::Header& header = reader.header();
  const auto has = [&](std::string_view event) {
    return std::find(header.events.begin(), header.events.end(), event) != header.events.end();
  };
  if (!has("curB") && !has("RB")) {
    throw formats::InputError(job.input.path() + ": an xtree that counts neither allocated nor leaked bytes (events: " +
                              event_names(header) + ")");
  }
  queries::AllocationProfile& profile = begin_profile(job, "xtree");
  queries::ProfileRecord& record = profile.records.front();
  XtreeFigures figures;
  std::vector<std::uint64_t> sums(header.events.size());
  std::size_t path_count = 0, nameless_count = 0;
  while (const auto path = reader.next()) {
    const SiteId site = site_of(*path, profile.sites);
    ++path_count;
    if (site != queries::no_site && profile.sites.frame(site).function == nameless) ++nameless_count;
    for (std::size_t i = 0; i < path->values.size(); ++i) {
      figures.add(site, header.events[i], path->values[i]);
      sums[i] += path->values[i];
    }
  }
  SiteRows rows(record);
  figures.store(rows, record);
  if (has("curB")) {
    for (const queries::SiteStatRow& row : record.stats) {
      if (row.live_bytes <= 0 && row.live_count <= 0) continue;
      record.leaks.push_back({row.site, queries::LeakKind::at_end, row.live_count, row.live_bytes, {}});
    }
  }
  record.sum_total();
  auto& meta = job.snapshot.meta;
  meta.emplace_back("xtree.command", header.command);
  meta.emplace_back("xtree.process_id", std::to_string(header.process_id));
  meta.emplace_back("xtree.events", event_names(header));
  if (!reader.totals().empty() && reader.totals() != sums) {
    job.snapshot.warnings.emplace_back(
        "the paths of the file do not sum to its own totals: some are missing or damaged");
  }
  if (nameless_count != 0) {
    job.snapshot.warnings.push_back(std::to_string(nameless_count) + " of " + std::to_string(path_count) +
                                    " paths end in a function without a name, of which an xtree has no address either: "
                                    "they are one site, " +
                                    std::string(nameless) + " (DHAT and memcheck tell them apart)");
  }
  take_damage(damage, job.snapshot);
}

std::vector<std::pair<std::string, std::string>> describe_xtree(formats::Bytes head) {
  formats::DamageLog ignored;
  const xtree::Reader reader(head, ignored);
  return {{"command", std::string(reader.header().command)}, {"events", event_names(reader.header())}};
}

}  // namespace importers
