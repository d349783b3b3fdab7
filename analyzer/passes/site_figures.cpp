#include "analyzer/passes/site_figures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <tuple>
#include <unordered_map>

#include "analyzer/passes/site_names.h"

namespace analyzer {
namespace {

using queries::add_known;
using queries::LeakKind;
using queries::LifetimeClock;
using queries::no_site;
using queries::not_known;
using queries::ProfileRecord;
using queries::SiteFrame;
using queries::SiteId;
using queries::SiteStatRow;
using queries::SiteTree;

constexpr std::array figure_table{
    Figure{"leaked_bytes", "leaked", true, [](const SiteSums& s) { return s.leaked_bytes; },
           [](const SiteSums& s) { return s.stat.live_samples; }},
    Figure{"leaked_count", "leaked blocks", false, [](const SiteSums& s) { return s.leaked_count; },
           [](const SiteSums& s) { return s.stat.live_samples; }},
    Figure{"suppressed_bytes", "suppressed", true, [](const SiteSums& s) { return s.suppressed_bytes; }, nullptr},
    Figure{"possible_bytes", "possibly leaked", true, [](const SiteSums& s) { return s.possible_bytes; }, nullptr},
    Figure{"live_bytes", "live at the end", true, [](const SiteSums& s) { return s.stat.live_bytes; },
           [](const SiteSums& s) { return s.stat.live_samples; }},
    Figure{"live_count", "live blocks", false, [](const SiteSums& s) { return s.stat.live_count; },
           [](const SiteSums& s) { return s.stat.live_samples; }},
    Figure{"peak_bytes", "live at the peak", true, [](const SiteSums& s) { return s.stat.peak_bytes; },
           [](const SiteSums& s) { return s.stat.live_samples; }},
    Figure{"peak_count", "blocks at the peak", false, [](const SiteSums& s) { return s.stat.peak_count; },
           [](const SiteSums& s) { return s.stat.live_samples; }},
    Figure{"allocation_count", "allocations", false, [](const SiteSums& s) { return s.stat.allocation_count; },
           [](const SiteSums& s) { return s.stat.allocation_samples; }},
    Figure{"allocated_bytes", "allocated", true, [](const SiteSums& s) { return s.stat.allocated_bytes; },
           [](const SiteSums& s) { return s.stat.allocation_samples; }},
    Figure{"temporary_count", "temporary", false, [](const SiteSums& s) { return s.stat.temporary_count; },
           [](const SiteSums& s) { return s.stat.allocation_samples; }},
    Figure{"read_bytes", "read", true, [](const SiteSums& s) { return s.read_bytes; }, nullptr},
    Figure{"written_bytes", "written", true, [](const SiteSums& s) { return s.written_bytes; }, nullptr},
};

constexpr const Figure* figure(std::string_view name) {
  for (const Figure& each : figure_table) {
    if (each.name == name) return &each;
  }
  return nullptr;
}

// DHAT's own thresholds: a block is tiny up to 16 bytes; it lives shortly up to 500 of the recorder's instructions.
constexpr double tiny_bytes = 16;
constexpr double short_lifetime = 500;
constexpr double low_accesses = 0.4;  // per allocated byte
constexpr double high_accesses = 10;  // the same

bool is_tiny(const SiteSums& s) {
  return s.stat.allocation_count > 0 &&
         static_cast<double>(s.stat.allocated_bytes) / static_cast<double>(s.stat.allocation_count) <= tiny_bytes;
}
bool is_short_lived(const SiteSums& s) { return s.mean_lifetime() >= 0 && s.mean_lifetime() <= short_lifetime; }
bool has_zero_accesses(const SiteSums& s) { return s.read_bytes == 0 || s.written_bytes == 0; }
double per_byte(std::int64_t accesses, const SiteSums& s) {
  return accesses == not_known || s.stat.allocated_bytes <= 0
             ? -1
             : static_cast<double>(accesses) / static_cast<double>(s.stat.allocated_bytes);
}
bool is_low_access(const SiteSums& s) {
  const auto low = [&](std::int64_t accesses) {
    const double share = per_byte(accesses, s);
    return share > 0 && share <= low_accesses;
  };
  return low(s.read_bytes) || low(s.written_bytes);
}
bool is_often_read(const SiteSums& s) { return per_byte(s.read_bytes, s) >= high_accesses; }
bool is_often_written(const SiteSums& s) { return per_byte(s.written_bytes, s) >= high_accesses; }

constexpr std::array order_table{
    SortOrder{"total-bytes", "Total (bytes)", figure("allocated_bytes"), nullptr},
    SortOrder{"total-blocks", "Total (blocks)", figure("allocation_count"), nullptr},
    SortOrder{"total-blocks-tiny", "Total (blocks), tiny", figure("allocation_count"), is_tiny},
    SortOrder{"total-blocks-short-lived", "Total (blocks), short-lived", figure("allocation_count"), is_short_lived},
    SortOrder{"total-bytes-zero-access", "Total (bytes), zero reads or zero writes", figure("allocated_bytes"),
              has_zero_accesses},
    SortOrder{"total-blocks-zero-access", "Total (blocks), zero reads or zero writes", figure("allocation_count"),
              has_zero_accesses},
    SortOrder{"total-bytes-low-access", "Total (bytes), low-access", figure("allocated_bytes"), is_low_access},
    SortOrder{"total-blocks-low-access", "Total (blocks), low-access", figure("allocation_count"), is_low_access},
    SortOrder{"at-t-gmax-bytes", "At t-gmax (bytes)", figure("peak_bytes"), nullptr},
    SortOrder{"at-t-gmax-blocks", "At t-gmax (blocks)", figure("peak_count"), nullptr},
    SortOrder{"at-t-end-bytes", "At t-end (bytes)", figure("live_bytes"), nullptr},
    SortOrder{"at-t-end-blocks", "At t-end (blocks)", figure("live_count"), nullptr},
    SortOrder{"reads-bytes", "Reads (bytes)", figure("read_bytes"), nullptr},
    SortOrder{"reads-bytes-high-access", "Reads (bytes), high-access", figure("read_bytes"), is_often_read},
    SortOrder{"writes-bytes", "Writes (bytes)", figure("written_bytes"), nullptr},
    SortOrder{"writes-bytes-high-access", "Writes (bytes), high-access", figure("written_bytes"), is_often_written},
};

bool is_lost(LeakKind kind) { return kind != LeakKind::possible && kind != LeakKind::reachable; }

/// Sums of the record's rows by site.
class Reader {
 public:
  Reader(const ProfileRecord& record, LifetimeClock clock, std::size_t site_count)
      : record_(record), clock_(clock), row_of_(site_count + 1) {
    for (const SiteStatRow& row : record.stats) number_of(row.site) = 1;
    for (const queries::SiteLeakRow& row : record.leaks) number_of(row.site) = 1;
    for (const queries::SiteAccessRow& row : record.accesses) number_of(row.site) = 1;
    for (const queries::SiteLifetimeRow& row : record.site_lifetimes) {
      if (row.clock == clock) number_of(row.site) = 1;
    }
    sums_.resize(static_cast<std::size_t>(std::count(row_of_.begin(), row_of_.end(), 1U)));
    std::uint32_t next = 0;
    for (std::size_t site = 0; site < row_of_.size(); ++site) {
      if (row_of_[site] == 0) continue;
      sums_[next].stat.site = site == site_count ? no_site : SiteId{static_cast<std::uint32_t>(site)};
      row_of_[site] = next++;
    }
  }

  /// In the order of their ids, no_site last.
  std::vector<SiteSums> read() {
    for (const SiteStatRow& row : record_.stats) {
      SiteSums& sums = of(row.site);
      const SiteId site = sums.stat.site;
      SiteSums one;
      one.stat = row;
      sums.add(one);
      sums.path_count = 1;
      sums.stat.site = site;
    }
    leaks();
    for (const queries::SiteLifetimeRow& row : record_.site_lifetimes) {
      if (row.clock != clock_) continue;
      SiteSums& sums = of(row.site);
      sums.freed_count = add_known(sums.freed_count, row.freed_count);
      sums.lifetime_sum += row.lifetime_sum;
    }
    for (const queries::SiteAccessRow& row : record_.accesses) {
      SiteSums& sums = of(row.site);
      sums.read_bytes = add_known(sums.read_bytes, row.read_bytes);
      sums.written_bytes = add_known(sums.written_bytes, row.written_bytes);
    }
    return std::move(sums_);
  }

 private:
  std::uint32_t& number_of(SiteId site) { return row_of_[site == no_site ? row_of_.size() - 1 : index(site)]; }
  SiteSums& of(SiteId site) { return sums_[number_of(site)]; }

  void leaks() {
    if (record_.leaks.empty()) {  // a heap profile: what is live at the end is all that is known
      for (SiteSums& sums : sums_) {
        sums.leaked_count = sums.stat.live_count;
        sums.leaked_bytes = sums.stat.live_bytes;
      }
      return;
    }
    for (const queries::SiteLeakRow& row : record_.leaks) {
      SiteSums& sums = of(row.site);
      if (!row.suppression.empty()) {
        sums.suppressed_count = add_known(sums.suppressed_count, row.object_count);
        sums.suppressed_bytes = add_known(sums.suppressed_bytes, row.bytes);
      } else if (is_lost(row.kind)) {
        sums.leaked_count = add_known(sums.leaked_count, row.object_count);
        sums.leaked_bytes = add_known(sums.leaked_bytes, row.bytes);
      } else if (row.kind == LeakKind::possible) {
        sums.possible_bytes = add_known(sums.possible_bytes, row.bytes);
      }
    }
  }

  const ProfileRecord& record_;
  LifetimeClock clock_;
  std::vector<std::uint32_t> row_of_;  // by site, no_site last: index in sums_, of those that have a row
  std::vector<SiteSums> sums_;
};

/// The clock that most rows use; ties: as the enumeration has them.
LifetimeClock main_clock(const ProfileRecord& record) {
  std::array<std::size_t, 4> rows{};
  for (const queries::SiteLifetimeRow& row : record.site_lifetimes) ++rows[static_cast<std::size_t>(row.clock)];
  for (const queries::LifetimeRow& row : record.lifetimes) ++rows[static_cast<std::size_t>(row.clock)];
  return static_cast<LifetimeClock>(std::max_element(rows.begin(), rows.end()) - rows.begin());
}

std::string function_name(const SiteTree& sites, SiteId site, bool shorten) {
  const std::string_view name = sites.text(sites[site].function);
  if (name.empty()) return place_of(sites.frame(site)).empty() ? "?" : "";
  return shorten ? shorten_templates(name) : std::string(name);
}

/// What a group is called: equal names are one group.
std::pair<std::string, std::string> key_of(const SiteTree& sites, SiteId site, MergeBy merge, bool shorten) {
  const SiteFrame frame = sites.frame(site);
  switch (merge) {
    case MergeBy::line: return {function_name(sites, site, shorten), place_of(frame)};
    case MergeBy::function:
      return {function_name(sites, site, shorten), std::string(frame.file.empty() ? place_of(frame) : frame.file)};
    case MergeBy::file: return {"", std::string(frame.file.empty() ? "(file not known)" : frame.file)};
    case MergeBy::module: return {"", std::string(frame.module.empty() ? "(module not known)" : frame.module)};
  }
  return {};
}

bool is_more(const Figure& figure, const SiteSums& a, const SiteSums& b, bool& decided) {
  const std::int64_t value_a = figure.value(a), value_b = figure.value(b);
  decided = value_a != value_b;
  return value_a > value_b;  // not_known is less than all
}

/// Sorts children of each node, then lists depth first. `nodes[0]` is the root.
std::vector<FrameNode> depth_first(std::vector<FrameNode> nodes, const Figure& figure) {
  std::vector<std::vector<std::size_t>> children(nodes.size());
  for (std::size_t i = 1; i < nodes.size(); ++i) children[nodes[i].parent].push_back(i);
  for (auto& list : children) {
    std::sort(list.begin(), list.end(), [&](std::size_t a, std::size_t b) {
      bool decided = false;
      const bool more = is_more(figure, nodes[a].inclusive, nodes[b].inclusive, decided);
      if (decided) return more;
      return std::tie(nodes[a].name, nodes[a].place) < std::tie(nodes[b].name, nodes[b].place);
    });
  }
  std::vector<FrameNode> listed;
  std::vector<std::pair<std::size_t, std::size_t>> open{{0, 0}};  // node, its parent's place in the list
  while (!open.empty()) {
    const auto [at, parent] = open.back();
    open.pop_back();
    const std::size_t here = listed.size();
    listed.push_back(std::move(nodes[at]));
    listed.back().parent = parent;
    for (auto child = children[at].rbegin(); child != children[at].rend(); ++child) open.emplace_back(*child, here);
  }
  return listed;
}

/// Grows a tree by frames given from the root on; frames of one name and place below one parent are one node.
class TreeBuilder {
 public:
  TreeBuilder(const ProfileFigures& figures, bool shorten) : sites_(figures.profile.sites), shorten_(shorten) {
    nodes_.emplace_back();
    nodes_[0].inclusive.path_count = 0;
  }

  void add(std::span<const SiteId> frames, const SiteSums& sums) {
    std::size_t at = 0;
    nodes_[0].inclusive.add(sums);
    for (const SiteId frame : frames) {
      at = child(at, frame);
      nodes_[at].inclusive.add(sums);
    }
    nodes_[at].self.add(sums);
  }

  std::vector<FrameNode> finish(const Figure& figure) { return depth_first(std::move(nodes_), figure); }

 private:
  std::size_t child(std::size_t parent, SiteId frame) {
    const queries::SiteRow& row = sites_[frame];
    const auto key = std::tuple(parent, row.function, row.file, row.module, row.line);
    const auto [found, is_new] = ids_.try_emplace(key, nodes_.size());
    if (!is_new) return found->second;
    FrameNode node;
    std::tie(node.name, node.place) = key_of(sites_, frame, MergeBy::line, shorten_);
    node.parent = parent;
    node.depth = nodes_[parent].depth + 1;
    node.inclusive.path_count = node.self.path_count = 0;
    nodes_.push_back(std::move(node));
    return nodes_.size() - 1;
  }

  const SiteTree& sites_;
  bool shorten_;
  std::vector<FrameNode> nodes_;
  std::map<std::tuple<std::size_t, std::uint32_t, std::uint32_t, std::uint32_t, std::int32_t>, std::size_t> ids_;
};

}  // namespace

void SiteSums::add(const SiteSums& other) {
  if (path_count == 0 || other.weight() > weight()) {
    stat.site = other.stat.site;
    stat.max_bytes = other.stat.max_bytes;
    stat.max_count = other.stat.max_count;
  }
  for (std::int64_t SiteStatRow::*each :
       {&SiteStatRow::allocation_count, &SiteStatRow::allocated_bytes, &SiteStatRow::live_count,
        &SiteStatRow::live_bytes, &SiteStatRow::peak_count, &SiteStatRow::peak_bytes, &SiteStatRow::temporary_count,
        &SiteStatRow::live_samples, &SiteStatRow::allocation_samples}) {
    stat.*each = add_known(stat.*each, other.stat.*each);
  }
  for (std::int64_t SiteSums::*each :
       {&SiteSums::leaked_count, &SiteSums::leaked_bytes, &SiteSums::possible_bytes, &SiteSums::suppressed_count,
        &SiteSums::suppressed_bytes, &SiteSums::freed_count, &SiteSums::read_bytes, &SiteSums::written_bytes}) {
    this->*each = add_known(this->*each, other.*each);
  }
  lifetime_sum += other.lifetime_sum;
  path_count += other.path_count;
}

std::int64_t SiteSums::weight() const {
  return std::max({stat.live_bytes, stat.peak_bytes, stat.allocated_bytes, leaked_bytes, std::int64_t{0}});
}

double SiteSums::mean_lifetime() const {
  return freed_count > 0 ? lifetime_sum / static_cast<double>(freed_count) : -1;
}

std::span<const Figure> figures() { return figure_table; }

const Figure* find_figure(std::string_view name) { return figure(name); }

std::span<const SortOrder> dhat_orders() { return order_table; }

double error_percent(const Figure& figure, const SiteSums& sums) {
  if (figure.samples == nullptr || figure.samples(sums) <= 0) return -1;
  return 100 * 1.96 / std::sqrt(static_cast<double>(figure.samples(sums)));
}

ProfileFigures read_figures(queries::AllocationProfile profile) {
  ProfileFigures figures;
  figures.profile = std::move(profile);
  if (figures.profile.records.empty()) return figures;
  const ProfileRecord& record = figures.profile.records.back();
  figures.clock = main_clock(record);
  for (const queries::SiteLifetimeRow& row : record.site_lifetimes) figures.lifetimes_estimated |= row.is_estimated;
  for (const queries::SiteLeakRow& row : record.leaks) figures.leaks_found |= row.kind != LeakKind::at_end;
  figures.total.path_count = 0;
  figures.paths = Reader(record, figures.clock, figures.profile.sites.size()).read();
  for (const SiteSums& sums : figures.paths) figures.total.add(sums);
  if (!record.leaks.empty()) {  // all suppressed, or still reachable: none is lost
    figures.total.leaked_count = add_known(figures.total.leaked_count, 0);
    figures.total.leaked_bytes = add_known(figures.total.leaked_bytes, 0);
  }
  if (figures.profile.naming.empty()) name_sites(figures.profile);
  const SiteStatRow& total = record.total;
  for (std::int64_t SiteStatRow::*each :
       {&SiteStatRow::allocation_count, &SiteStatRow::allocated_bytes, &SiteStatRow::live_count,
        &SiteStatRow::live_bytes, &SiteStatRow::peak_count, &SiteStatRow::peak_bytes, &SiteStatRow::temporary_count}) {
    if (total.*each != not_known) figures.total.stat.*each = total.*each;
  }
  return figures;
}

std::vector<SiteGroup> group_sites(const ProfileFigures& figures, MergeBy merge, const SortOrder& order, bool shorten) {
  const SiteTree& sites = figures.profile.sites;
  std::map<std::pair<std::string, std::string>, SiteGroup> groups;
  std::vector<SiteGroup*> group_of(sites.frame_count() + 1);  // by frame, unknown last: names are made once for each
  for (std::size_t i = 0; i < figures.paths.size(); ++i) {
    const SiteSums& sums = figures.paths[i];
    const SiteId site = figures.naming(sums.stat.site);
    SiteGroup*& group = group_of[site == no_site ? sites.frame_count() : sites.frame_of(site)];
    if (group == nullptr) {
      group = &groups[site == no_site ? std::pair<std::string, std::string>{"(unknown)", ""}
                                      : key_of(sites, site, merge, shorten)];
    }
    if (group->paths.empty()) group->sums.path_count = 0;
    if (group->paths.empty() || sums.weight() > group->sums.weight()) group->site = site;
    group->sums.add(sums);
    group->paths.push_back(i);
  }
  std::vector<SiteGroup> list;
  for (auto& [key, group] : groups) {
    std::tie(group.name, group.place) = key;
    std::stable_sort(group.paths.begin(), group.paths.end(), [&](std::size_t a, std::size_t b) {
      return order.figure->value(figures.paths[a]) > order.figure->value(figures.paths[b]);
    });
    list.push_back(std::move(group));
  }
  std::stable_sort(list.begin(), list.end(), [&](const SiteGroup& a, const SiteGroup& b) {
    if (order.counts != nullptr && order.counts(a.sums) != order.counts(b.sums)) return order.counts(a.sums);
    return order.figure->value(a.sums) > order.figure->value(b.sums);
  });
  return list;
}

std::vector<FunctionSums> sum_functions(const ProfileFigures& figures, const Figure& figure, bool shorten) {
  const SiteTree& sites = figures.profile.sites;
  std::map<std::pair<std::string, std::string>, FunctionSums> functions;
  std::unordered_map<std::uint32_t, FunctionSums*> of_site;  // names are made once for each frame
  const auto function = [&](SiteId site) {
    const auto [known, is_new_site] = of_site.try_emplace(index(site), nullptr);
    if (!is_new_site) return known->second;
    const auto [found, is_new] =
        functions.try_emplace(site == no_site ? std::pair<std::string, std::string>{"(unknown)", ""}
                                              : key_of(sites, site, MergeBy::function, shorten));
    if (is_new) {
      std::tie(found->second.name, found->second.place) = found->first;
      found->second.self.path_count = found->second.inclusive.path_count = 0;
    }
    return known->second = &found->second;
  };
  std::vector<FunctionSums*> seen;
  for (const SiteSums& sums : figures.paths) {
    const SiteId leaf = sums.stat.site;
    function(figures.naming(leaf))->self.add(sums);
    seen.clear();
    for (SiteId at = leaf; at != no_site; at = sites[at].parent) seen.push_back(function(at));
    if (leaf == no_site) seen.push_back(function(no_site));
    std::sort(seen.begin(), seen.end());
    seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
    for (FunctionSums* each : seen) each->inclusive.add(sums);
  }
  std::vector<FunctionSums> list;
  list.reserve(functions.size());
  for (auto& [key, sums] : functions) list.push_back(std::move(sums));
  std::stable_sort(list.begin(), list.end(), [&](const FunctionSums& a, const FunctionSums& b) {
    return figure.value(a.inclusive) > figure.value(b.inclusive);
  });
  return list;
}

std::vector<FrameNode> top_down_tree(const ProfileFigures& figures, const Figure& figure, bool shorten) {
  TreeBuilder tree(figures, shorten);
  std::vector<SiteId> frames;
  for (const SiteSums& sums : figures.paths) {
    frames.clear();
    if (sums.stat.site != no_site) {
      for (SiteId at = figures.naming(sums.stat.site); at != no_site; at = figures.profile.sites[at].parent) {
        frames.push_back(at);
      }
    }
    std::reverse(frames.begin(), frames.end());
    tree.add(frames, sums);
  }
  return tree.finish(figure);
}

std::vector<FrameNode> callers_tree(const ProfileFigures& figures, const Figure& figure, std::string_view function,
                                    bool shorten) {
  const SiteTree& sites = figures.profile.sites;
  const auto is_it = [&](SiteId site) {
    const std::string_view name = sites.text(sites[site].function);
    return name == function || without_parameters(name) == function;
  };
  TreeBuilder tree(figures, shorten);
  std::vector<SiteId> frames;
  bool any = false;
  for (const SiteSums& sums : figures.paths) {
    if (sums.stat.site == no_site) continue;
    SiteId at = sums.stat.site;
    while (at != no_site && !is_it(at)) at = sites[at].parent;
    if (at == no_site) continue;
    any = true;
    frames.clear();
    for (at = sites[at].parent; at != no_site; at = sites[at].parent) frames.push_back(at);
    tree.add(frames, sums);
  }
  if (!any) return {};
  std::vector<FrameNode> nodes = tree.finish(figure);
  nodes.front().name = function;
  return nodes;
}

}  // namespace analyzer
