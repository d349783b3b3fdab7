// A traceback is a site: tracemalloc knows files and lines, no functions, so that a frame is called by both.
#include "importers/tracemalloc_importer.h"

#include <algorithm>
#include <map>

#include "formats/tracemalloc_snapshot.h"
#include "importers/profile_import.h"
#include "importers/take_damage.h"

namespace importers {
namespace {

namespace tracemalloc = formats::tracemalloc_snapshot;
using queries::SiteId;

std::string_view file_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::vector<SiteId> make_sites(const tracemalloc::Snapshot& snapshot, queries::SiteTree& sites) {
  std::vector<SiteId> all;
  all.reserve(snapshot.tracebacks.size());
  for (const tracemalloc::Traceback& traceback : snapshot.tracebacks) {
    SiteId site = queries::no_site;
    for (std::size_t i = traceback.count; i-- > 0;) {  // most recent first in the file
      const tracemalloc::Frame& frame = snapshot.frames[traceback.first + i];
      const auto line = static_cast<std::int32_t>(std::clamp<std::int64_t>(frame.line, 0, 0x7FFF'FFFF));
      const std::string name = std::string(file_name(frame.file)) + ":" + std::to_string(line);
      site = sites.add(site, {name, frame.file, line, {}, false});
    }
    all.push_back(site);
  }
  return all;
}

}  // namespace

void import_tracemalloc(ImportJob& job) {
  formats::DamageLog damage;
  const tracemalloc::Snapshot snapshot = tracemalloc::read(job.input.bytes(), damage);
  if (!snapshot.refusal.empty()) {
    throw formats::InputError(job.input.path() + ": not a snapshot of tracemalloc: " + snapshot.refusal +
                              ", which is not read");
  }
  queries::AllocationProfile& profile = begin_profile(job, "tracemalloc");
  take_damage(damage, job.snapshot);
  job.snapshot.runtime = "CPython";
  const std::vector<SiteId> sites = make_sites(snapshot, profile.sites);
  SiteRows rows(profile.records.back());
  std::map<std::int64_t, std::int64_t> domains;  // bytes
  for (const tracemalloc::Trace& trace : snapshot.traces) {
    const SiteId site = sites[trace.traceback];
    const std::int64_t bytes = signed_figure(trace.size);
    queries::SiteStatRow& stat = rows.stat(site);
    stat.live_count = queries::add_known(stat.live_count, 1);
    stat.live_bytes = queries::add_known(stat.live_bytes, bytes);
    std::int64_t& domain = domains[trace.domain];
    domain = queries::add_known(domain, bytes);
    if (trace.size < 0) continue;
    queries::SiteSizeRow& size = rows.size(site, static_cast<std::uint64_t>(trace.size));
    size.live_count = queries::add_known(size.live_count, 1);
    size.live_bytes = queries::add_known(size.live_bytes, bytes);
  }
  for (const auto& [domain, bytes] : domains) {
    job.snapshot.meta.emplace_back("tracemalloc.domain_bytes." + std::to_string(domain), std::to_string(bytes));
  }
  if (snapshot.traceback_limit >= 0) {
    job.snapshot.meta.emplace_back("tracemalloc.traceback_limit", std::to_string(snapshot.traceback_limit));
  }
  profile.records.back().sum_total();
}

std::vector<std::pair<std::string, std::string>> describe_tracemalloc(formats::Bytes head) {
  formats::DamageLog beyond_the_head;
  const tracemalloc::Snapshot snapshot = tracemalloc::read(head, beyond_the_head);
  const bool is_whole = beyond_the_head.count() == 0;
  std::string traces = std::to_string(snapshot.traces.size());
  if (!is_whole) traces.insert(0, "at least ");
  return {{"traces", traces}};
}

}  // namespace importers
