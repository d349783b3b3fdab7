#include "importers/heapcheck_importer.h"

#include "formats/heapcheck.h"
#include "importers/address_frames.h"
#include "importers/profile_import.h"
#include "importers/take_damage.h"

namespace importers {
namespace {

namespace heapcheck = formats::heapcheck;
using queries::SiteId;

SiteId site_of(const heapcheck::Leak& leak, queries::SiteTree& sites) {
  SiteId site = queries::no_site;
  for (auto frame = leak.frames.rbegin(); frame != leak.frames.rend(); ++frame) {
    const std::string address = address_text(frame->address);
    site = sites.add(site, {frame->function.empty() ? address : frame->function, {}, 0, {}, false});
  }
  return site;
}

}  // namespace

void import_heapcheck(ImportJob& job) {
  formats::DamageLog damage;
  const heapcheck::Report report = heapcheck::read(job.input.bytes(), damage);
  queries::AllocationProfile& profile = begin_profile(job, "heapcheck");
  take_damage(damage, job.snapshot);
  queries::ProfileRecord& record = profile.records.back();
  if (!report.name.empty()) job.snapshot.meta.emplace_back("heapcheck.name", report.name);
  std::int64_t count = 0;
  std::int64_t bytes = 0;
  const auto add = [&](SiteId site, std::int64_t leaked_count, std::int64_t leaked_bytes) {
    record.leaks.push_back({site, queries::LeakKind::definite, leaked_count, leaked_bytes, {}});
    count = queries::add_known(count, leaked_count);
    bytes = queries::add_known(bytes, leaked_bytes);
  };
  for (const heapcheck::Leak& leak : report.leaks) {
    add(site_of(leak, profile.sites), signed_figure(leak.object_count), signed_figure(leak.bytes));
  }
  // The checker lists its largest leaks; the rest is known by its sum.
  if (report.is_complete && report.object_count > count) {
    add(queries::no_site, signed_figure(report.object_count) - count, signed_figure(report.bytes) - bytes);
  }
  SiteRows rows(record);
  for (const queries::SiteLeakRow& leak : record.leaks) {
    queries::SiteStatRow& stat = rows.stat(leak.site);
    stat.live_count = queries::add_known(stat.live_count, leak.object_count);
    stat.live_bytes = queries::add_known(stat.live_bytes, leak.bytes);
  }
  if (record.leaks.empty() && !report.is_complete) {
    job.snapshot.warnings.emplace_back(
        "the checker was active, and says nothing of leaks: did the program end by itself?");
  }
  record.sum_total();
}

std::vector<std::pair<std::string, std::string>> describe_heapcheck(formats::Bytes head) {
  formats::DamageLog beyond_the_head;
  const heapcheck::Report report = heapcheck::read(head, beyond_the_head);
  if (!report.is_complete) return {};
  return {{"check", std::string(report.name)},
          {"leaked_bytes", std::to_string(report.bytes)},
          {"leaked_count", std::to_string(report.object_count)}};
}

}  // namespace importers
