#include "importers/memleak_importer.h"

#include <algorithm>
#include <set>

#include "formats/memleak.h"
#include "importers/allocation_functions.h"
#include "importers/profile_import.h"
#include "importers/take_damage.h"

namespace importers {
namespace {

namespace bpftrace = formats::bpftrace;
namespace memleak = formats::memleak;
using queries::SiteId;
using queries::SiteStatRow;

SiteId site_of(const std::vector<memleak::Frame>& frames, queries::SiteTree& sites) {
  std::vector<queries::SiteFrame> path;
  path.reserve(frames.size());
  for (const memleak::Frame& frame : frames) path.push_back({frame.function, {}, 0, frame.module, false});
  drop_allocation_functions(path);
  return sites.add_path(path);
}

void fill(const memleak::Report& report, queries::SiteTree& sites, queries::ProfileRecord& record) {
  SiteRows rows(record);
  for (const memleak::Stack& stack : report.stacks) {
    const SiteId site = site_of(stack.frames, sites);
    SiteStatRow& row = rows.stat(site);
    row.live_count = queries::add_known(row.live_count, figure(stack.count));
    row.live_bytes = queries::add_known(row.live_bytes, figure(stack.bytes));
    for (const memleak::Block& block : stack.blocks) {
      queries::SiteSizeRow& size = rows.size(site, std::min<std::uint64_t>(block.size, std::uint64_t{1} << 62));
      size.live_count = queries::add_known(size.live_count, 1);
      size.live_bytes = queries::add_known(size.live_bytes, figure(block.size));
    }
  }
  for (const SiteStatRow& row : record.stats) {
    record.leaks.push_back({row.site, queries::LeakKind::at_end, row.live_count, row.live_bytes, {}});
  }
  record.sum_total();
  record.total.live_count = std::max<std::int64_t>(record.total.live_count, 0);  // no stack: nothing is outstanding
  record.total.live_bytes = std::max<std::int64_t>(record.total.live_bytes, 0);
}

}  // namespace

void import_memleak(ImportJob& job) {
  formats::DamageLog damage;
  memleak::Reader reader(job.input.bytes(), damage);
  queries::AllocationProfile& profile = begin_profile(job, "memleak");
  profile.records.clear();
  queries::Series live{"live_bytes", "bytes", {}};
  formats::DayCounter clock;
  double start = 0;
  while (const auto report = reader.next()) {
    queries::ProfileRecord& record = profile.records.emplace_back();
    record.path = job.input.path();
    const double seconds = clock.seconds(report->time);
    if (live.points.empty()) start = seconds;
    // A clock that was put back stands still.
    record.t = std::max(seconds - start, live.points.empty() ? 0 : live.points.back().t);
    fill(*report, profile.sites, record);
    live.points.push_back({record.t, static_cast<double>(record.total.live_bytes)});
  }
  if (profile.records.empty()) throw formats::InputError(job.input.path() + ": not one whole report of memleak in it");
  profile.seconds = profile.records.back().t;
  profile.series.push_back(std::move(live));
  job.snapshot.meta.emplace_back("memleak.reports", std::to_string(profile.records.size()));
  job.snapshot.warnings.emplace_back(
      "memleak shows the stacks with most outstanding bytes only (-T), and none younger than -o: what is live in all "
      "is "
      "more");
  take_damage(damage, job.snapshot);
}

std::vector<std::pair<std::string, std::string>> describe_memleak(formats::Bytes head) {
  formats::DamageLog ignored;
  memleak::Reader reader(head, ignored);
  const auto first = reader.next();
  if (!first) return {};
  return {{"first_report", std::to_string(first->stacks.size()) + " stacks with outstanding allocations"}};
}

void import_bpftrace(ImportJob& job) {
  formats::DamageLog damage;
  bpftrace::Reader reader(job.input.bytes(), damage);
  queries::AllocationProfile& profile = begin_profile(job, "bpftrace");
  queries::ProfileRecord& record = profile.records.front();
  SiteRows rows(record);
  std::set<std::string> maps;
  while (const auto entry = reader.next()) {
    const bool is_bytes = entry->map.find("byte") != std::string::npos || entry->map.find("size") != std::string::npos;
    SiteStatRow& row = rows.stat(site_of(entry->frames, profile.sites));
    std::int64_t& figure = is_bytes ? row.allocated_bytes : row.allocation_count;
    figure = queries::add_known(figure, signed_figure(entry->value));
    maps.insert("@" + std::string(entry->map) + (is_bytes ? " (allocated bytes)" : " (allocations)"));
  }
  if (record.stats.empty()) throw formats::InputError(job.input.path() + ": no whole entry of a bpftrace map in it");
  record.sum_total();
  std::string text;
  for (const std::string& map : maps) text += (text.empty() ? "" : ", ") + map;
  job.snapshot.meta.emplace_back("bpftrace.maps", text);
  take_damage(damage, job.snapshot);
}

std::vector<std::pair<std::string, std::string>> describe_bpftrace(formats::Bytes head) {
  formats::DamageLog ignored;
  bpftrace::Reader reader(head, ignored);
  const auto first = reader.next();
  if (!first) return {};
  return {{"first_map", "@" + std::string(first->map)}};
}

}  // namespace importers
