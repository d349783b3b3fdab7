#include "importers/massif_importer.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "formats/massif.h"
#include "importers/profile_import.h"
#include "importers/take_damage.h"
#include "importers/valgrind_sites.h"
#include "importers/xtree_events.h"

namespace importers {
namespace {

namespace massif = formats::massif;
using queries::SiteId;
using queries::SiteStatRow;
using Figure = std::int64_t SiteStatRow::*;

/// What the unit of time is called, and how many seconds one is; 0 = it is no time.
struct TimeUnit {
  std::string_view unit, name;
  double seconds;
};
constexpr TimeUnit time_units[] = {
    {"i", "instructions", 0}, {"B", "allocated and freed bytes", 0}, {"ms", "milliseconds", 1e-3}, {"s", "seconds", 1}};

TimeUnit unit_of(const massif::Header& header) {
  for (const TimeUnit& unit : time_units) {
    if (unit.unit == header.time_unit) return unit;
  }
  return {header.time_unit, header.time_unit, 0};
}

class MassifImport {
 public:
  explicit MassifImport(ImportJob& job)
      : job_(job),
        reader_(job.input.bytes(), damage_),
        profile_(begin_profile(job, "massif")),
        rows_(profile_.records.front()),
        unit_(unit_of(reader_.header())) {}

  void run() {
    is_xtree_ = reader_.header().description.starts_with("xtree");
    while (const auto snapshot = reader_.next()) {
      if (is_xtree_) {
        xtree(*snapshot);
      } else {
        add_to_series(*snapshot);
      }
      ++snapshot_count_;
      if (job_.progress) job_.progress("read", snapshot->tree_offset, job_.input.bytes().size());
    }
    if (snapshot_count_ == 0) {
      throw formats::InputError(job_.input.path() + ": a massif file without one whole snapshot");
    }
    if (!is_xtree_) {
      live_tree(*peak_, &SiteStatRow::peak_bytes);
      live_tree(*last_, &SiteStatRow::live_bytes);
    }
    finish();
  }

 private:
  /// `t` of a snapshot: seconds, or in the file's own unit when that is no time.
  [[nodiscard]] double t(const massif::Snapshot& snapshot) const {
    return unit_.seconds > 0 ? snapshot.time * unit_.seconds : snapshot.time;
  }

  void add_to_series(const massif::Snapshot& snapshot) {
    // A time that goes back is damage of the file; the figures are good.
    last_t_ = std::max(last_t_, t(snapshot));
    const auto add = [&](std::string_view name, std::uint64_t bytes) {
      profile_.series_named(name, "bytes").points.push_back({last_t_, static_cast<double>(bytes)});
    };
    add("live_bytes", snapshot.heap_bytes);
    add("allocator_overhead_bytes", snapshot.extra_bytes);
    add("stack_bytes", snapshot.stack_bytes);
    const auto total = [](const massif::Snapshot& of) {  // what massif looks for the peak of
      return static_cast<double>(of.heap_bytes) + static_cast<double>(of.extra_bytes) +
             static_cast<double>(of.stack_bytes);
    };
    const bool is_marked = snapshot.tree == massif::TreeKind::peak;
    if (!peak_ || is_marked || (peak_->tree != massif::TreeKind::peak && total(snapshot) > total(*peak_))) {
      peak_ = snapshot;
    }
    last_ = snapshot;
  }

  /// One snapshot for each event of the xtree, which its tree's first line names.
  void xtree(const massif::Snapshot& snapshot) {
    reader_.open_tree(snapshot);
    const auto sum = reader_.next_node();
    if (!sum) return;
    const std::string_view event = sum->text.substr(0, sum->text.find(' '));
    tree(snapshot, [&](SiteId site, std::uint64_t value) { xtree_.add(site, event, value); });
  }

  void live_tree(const massif::Snapshot& snapshot, Figure figure) {
    tree(snapshot, [&](SiteId site, std::uint64_t bytes) {
      SiteStatRow& row = rows_.stat(site);
      row.*figure = queries::add_known(row.*figure, importers::figure(bytes));
    });
  }

  /// Calls add(site, bytes) for all that the tree of a snapshot breaks down. What it does not goes to the path so far,
  /// or to no site.
  template <typename Add>
  void tree(const massif::Snapshot& snapshot, Add&& add) {
    reader_.open_tree(snapshot);
    path_.clear();
    while (const auto node = snapshot.tree == massif::TreeKind::none ? std::nullopt : reader_.next_node()) {
      if (node->depth == 0) {
        pages_as_heap_ = pages_as_heap_ || node->text.starts_with("(page allocation");
        path_.push_back({{}, node->bytes});
        continue;
      }
      close(node->depth, add);
      if (node->is_remainder) continue;  // stays with the node above
      std::uint64_t bytes = node->bytes;
      if (bytes > path_.back().bytes) {
        damage_.add(node->offset, 0, "a branch of a tree is larger than what it is part of");
        bytes = path_.back().bytes;
      }
      path_.back().bytes -= bytes;
      path_.push_back({site_frame(node->text), bytes});
    }
    if (path_.empty()) path_.push_back({{}, snapshot.heap_bytes});  // no tree: nothing is known but the sum
    close(0, add);
  }

  /// Ends the nodes at `depth` and deeper: what their children have not taken is theirs.
  template <typename Add>
  void close(std::size_t depth, Add&& add) {
    while (path_.size() > depth) {
      if (path_.back().bytes != 0) {
        SiteId site = queries::no_site;
        for (std::size_t i = path_.size(); i-- > 1;) site = profile_.sites.add(site, path_[i].frame);
        add(site, path_.back().bytes);
      }
      path_.pop_back();
    }
  }

  void finish() {
    queries::Snapshot& snapshot = job_.snapshot;
    queries::ProfileRecord& record = profile_.records.front();
    xtree_.store(rows_, record);
    if (!is_xtree_ && last_) {  // a sum of 0 is known as well
      SiteStatRow& rest = rows_.stat(queries::no_site);
      rest.live_bytes = queries::add_known(rest.live_bytes, 0);
      rest.peak_bytes = queries::add_known(rest.peak_bytes, 0);
    }
    record.sum_total();
    profile_.times_are_positions = unit_.seconds <= 0;
    if (unit_.seconds > 0 && last_) profile_.seconds = t(*last_);
    const massif::Header& header = reader_.header();
    snapshot.meta.emplace_back("massif.command", header.command);
    snapshot.meta.emplace_back("massif.options", header.description);
    snapshot.meta.emplace_back("massif.time_unit", unit_.name);
    snapshot.meta.emplace_back("massif.snapshots", std::to_string(snapshot_count_));
    if (pages_as_heap_) snapshot.meta.emplace_back("massif.pages_as_heap", "1");
    // heaptrack_print writes the end; massif the last moment that it took a snapshot of.
    if (!is_xtree_ && last_ && last_->heap_bytes > 0 && header.description != "heaptrack") {
      snapshot.warnings.emplace_back(
          "massif takes no snapshot when the program ends: what is live in its last one may have been freed later");
    }
    if (last_ && last_->tree == massif::TreeKind::none) {
      snapshot.warnings.emplace_back(
          "the last snapshot has no tree (massif takes one of every 10, --detailed-freq=1 takes all): whose the bytes "
          "live at the end are is not known");
    }
    take_damage(damage_, snapshot);
  }

  struct Level {
    queries::SiteFrame frame;
    std::uint64_t bytes = 0;  // not yet taken by a child
  };

  ImportJob& job_;
  formats::DamageLog damage_;
  massif::Reader reader_;
  queries::AllocationProfile& profile_;
  SiteRows rows_;
  XtreeFigures xtree_;
  TimeUnit unit_;
  std::vector<Level> path_;  // from the sum of all down to the node just read
  std::optional<massif::Snapshot> peak_, last_;
  double last_t_ = 0;
  std::uint64_t snapshot_count_ = 0;
  bool is_xtree_ = false;
  bool pages_as_heap_ = false;
};

}  // namespace

void import_massif(ImportJob& job) { MassifImport(job).run(); }

std::vector<std::pair<std::string, std::string>> describe_massif(formats::Bytes head) {
  formats::DamageLog ignored;
  const massif::Header header = massif::Reader(head, ignored).header();
  std::vector<std::pair<std::string, std::string>> facts;
  if (!header.command.empty()) facts.emplace_back("command", header.command);
  if (!header.description.empty()) facts.emplace_back("options", header.description);
  if (!header.time_unit.empty()) facts.emplace_back("time_unit", unit_of(header).name);
  return facts;
}

}  // namespace importers
