#include "importers/xtree_events.h"

#include <algorithm>

namespace importers {
namespace {

using queries::LeakKind;
using queries::SiteStatRow;

constexpr std::array<std::string_view, 13> names{"curB", "curBk", "totB", "totBk", "RB",  "PB", "IB",
                                                 "DB",   "DIB",   "RBk",  "PBk",   "IBk", "DBk"};
constexpr std::size_t index_of(std::string_view name) {
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

struct StatEvent {
  std::size_t event;
  std::int64_t SiteStatRow::*figure;
};
constexpr StatEvent stat_events[] = {{index_of("curB"), &SiteStatRow::live_bytes},
                                     {index_of("curBk"), &SiteStatRow::live_count},
                                     {index_of("totB"), &SiteStatRow::allocated_bytes},
                                     {index_of("totBk"), &SiteStatRow::allocation_count}};

struct LeakEvents {
  LeakKind kind;
  std::size_t bytes, blocks;
};
constexpr LeakEvents leak_events[] = {{LeakKind::definite, index_of("DB"), index_of("DBk")},
                                      {LeakKind::indirect, index_of("IB"), index_of("IBk")},
                                      {LeakKind::possible, index_of("PB"), index_of("PBk")},
                                      {LeakKind::reachable, index_of("RB"), index_of("RBk")}};

}  // namespace

void XtreeFigures::add(queries::SiteId site, std::string_view event, std::uint64_t value) {
  const std::size_t at = index_of(event);
  if (at == names.size()) return;
  has_event_[at] = true;
  const auto [found, is_new] = of_site_.try_emplace(index(site), figures_.size());
  if (is_new) figures_.emplace_back().site = site;
  std::int64_t& sum = figures_[found->second].values[at];
  sum = queries::add_known(sum, figure(value));
}

void XtreeFigures::store(SiteRows& rows, queries::ProfileRecord& record) const {
  const bool has_leaks = has_event_[index_of("DB")] || has_event_[index_of("RB")] || has_event_[index_of("PB")];
  for (const Figures& of : figures_) {
    SiteStatRow& row = rows.stat(of.site);
    for (const StatEvent& event : stat_events) {
      if (has_event_[event.event]) row.*event.figure = of.values[event.event];
    }
    if (!has_leaks) continue;
    row.live_bytes = 0;
    row.live_count = 0;
    for (const LeakEvents& events : leak_events) {
      std::int64_t bytes = of.values[events.bytes];
      if (events.kind == LeakKind::definite) {
        bytes = std::max<std::int64_t>(bytes - of.values[index_of("DIB")], 0);
      }
      const std::int64_t blocks = of.values[events.blocks];
      if (bytes == 0 && blocks == 0) continue;
      record.leaks.push_back({of.site, events.kind, blocks, bytes, {}});
      row.live_bytes = queries::add_known(row.live_bytes, bytes);
      row.live_count = queries::add_known(row.live_count, blocks);
    }
  }
}

}  // namespace importers
