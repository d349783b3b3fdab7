#include "importers/dhat_importer.h"

#include <algorithm>
#include <map>
#include <memory>
#include <unordered_set>

#include "formats/dhat.h"
#include "importers/allocation_functions.h"
#include "importers/profile_import.h"
#include "importers/take_damage.h"
#include "importers/valgrind_sites.h"

namespace importers {
namespace {

namespace dhat = formats::dhat;
using queries::SiteId;
using queries::SiteStatRow;

struct FigureOf {
  std::int64_t dhat::Point::*from;
  std::int64_t SiteStatRow::*to;
};
constexpr FigureOf figures_of[] = {
    {&dhat::Point::total_blocks, &SiteStatRow::allocation_count},
    {&dhat::Point::total_bytes, &SiteStatRow::allocated_bytes},
    {&dhat::Point::end_blocks, &SiteStatRow::live_count},
    {&dhat::Point::end_bytes, &SiteStatRow::live_bytes},
    {&dhat::Point::peak_blocks, &SiteStatRow::peak_count},
    {&dhat::Point::peak_bytes, &SiteStatRow::peak_bytes},
    {&dhat::Point::max_blocks, &SiteStatRow::max_count},
    {&dhat::Point::max_bytes, &SiteStatRow::max_bytes},
};

std::int64_t known(std::int64_t value) { return value == dhat::absent ? queries::not_known : signed_figure(value); }

class DhatImport {
 public:
  explicit DhatImport(ImportJob& job)
      : job_(job),
        file_(dhat::read_profile(job.input.bytes(), damage_)),
        profile_(begin_profile(job, "dhat")),
        record_(profile_.records.front()),
        rows_(record_) {}

  void run() {
    check();
    is_microseconds_ = file_.header.time_unit == "\u00B5s" || file_.header.time_unit == "us";
    make_frames();
    for (const dhat::Point& point : file_.points) add(point);
    finish();
  }

 private:
  void check() const {
    const std::string& path = job_.input.path();
    const dhat::Header& header = file_.header;
    if (header.version != 2 || header.mode.empty()) {
      throw formats::InputError(path + ": DHAT profile of version " + std::to_string(header.version) +
                                ", only version 2 can be read (Valgrind 3.16 and later write it: record it again)");
    }
    if (file_.points.empty()) throw formats::InputError(path + ": a DHAT profile without a program point");
  }

  void make_frames() {
    frames_.reserve(file_.frame_table.size());
    for (const std::string& text : file_.frame_table) frames_.push_back(site_frame(text));
  }

  SiteId site_of(const dhat::Point& point) {
    path_.clear();
    for (std::uint32_t i = 0; i < point.frame_count; ++i) {
      const std::uint32_t frame = file_.path_frames[point.first_frame + i];
      if (frame < frames_.size() && !frames_[frame].function.empty()) {
        path_.push_back(frames_[frame]);
      } else {
        ++unknown_frames_;
      }
    }
    drop_allocation_functions(path_);
    return profile_.sites.add_path(path_);
  }

  void add(const dhat::Point& point) {
    const SiteId site = site_of(point);
    if (!seen_.insert(index(site)).second) ++merged_points_;
    SiteStatRow& row = rows_.stat(site);
    for (const FigureOf& figure : figures_of) {
      row.*figure.to = queries::add_known(row.*figure.to, known(point.*figure.from));
    }
    if (point.lifetimes != dhat::absent) {
      Lifetimes& lifetimes = lifetimes_[index(site)];
      lifetimes.count = queries::add_known(lifetimes.count, known(point.total_blocks));
      lifetimes.sum += static_cast<double>(point.lifetimes);
    }
    if (point.read_bytes != dhat::absent || point.written_bytes != dhat::absent) {
      queries::SiteAccessRow& access = accesses_.try_emplace(index(site)).first->second;
      access.read_bytes = queries::add_known(access.read_bytes, known(point.read_bytes));
      access.written_bytes = queries::add_known(access.written_bytes, known(point.written_bytes));
    }
    std::uint64_t offset = 0;
    for (std::uint32_t i = 0; i < point.run_count; ++i) {
      const dhat::AccessRun& run = file_.runs[point.first_run + i];
      for (std::uint32_t k = 0; run.accesses != 0 && k < run.count; ++k) {
        std::int64_t& count = offsets_[{index(site), offset + k}];
        count = queries::add_known(count, signed_figure(run.accesses));
      }
      offset += run.count;
    }
  }

  void finish() {
    const queries::LifetimeClock clock =
        is_microseconds_ ? queries::LifetimeClock::seconds : queries::LifetimeClock::instructions;
    const double scale = is_microseconds_ ? 1e-6 : 1;
    for (const auto& [site, lifetimes] : lifetimes_) {
      record_.site_lifetimes.push_back({SiteId{site}, clock, lifetimes.count, lifetimes.sum * scale, false});
    }
    for (const auto& [site, access] : accesses_) {
      record_.accesses.push_back({SiteId{site}, access.read_bytes, access.written_bytes});
    }
    for (const auto& [at, count] : offsets_) record_.access_offsets.push_back({SiteId{at.first}, at.second, count});
    for (const SiteStatRow& row : record_.stats) {
      if (row.live_bytes <= 0 && row.live_count <= 0) continue;
      record_.leaks.push_back({row.site, queries::LeakKind::at_end, row.live_count, row.live_bytes, {}});
    }
    record_.sum_total();
    if (is_microseconds_ && file_.header.end_time >= 0) {
      profile_.seconds = static_cast<double>(file_.header.end_time) * 1e-6;
    }
    make_meta();
    take_damage(damage_, job_.snapshot);
  }

  void make_meta() {
    const dhat::Header& header = file_.header;
    const auto put = [&](const char* key, const std::string& value) {
      if (!value.empty()) job_.snapshot.meta.emplace_back(key, value);
    };
    const auto put_number = [&](const char* key, std::int64_t value) {
      if (value >= 0) put(key, std::to_string(value));
    };
    put("dhat.command", header.command);
    put("dhat.mode", header.mode);
    put("dhat.verb", header.verb);  // "Copied": the figures of allocations are of copies
    put("dhat.bytes_unit", header.unit);
    put("dhat.blocks_unit", header.blocks_unit);
    put("dhat.time_unit", header.time_unit);
    put_number("dhat.short_lived_below", header.short_lived_below);
    put_number("dhat.process_id", header.process_id);
    put_number("dhat.end_time", header.end_time);
    put_number("dhat.peak_time", header.peak_time);
    put("dhat.points", std::to_string(file_.points.size()));
    put("dhat.merged_points", std::to_string(merged_points_));
    if (unknown_frames_ != 0) {
      job_.snapshot.warnings.push_back(std::to_string(unknown_frames_) +
                                       " frames of call paths are not in the table of frames, which is damaged");
    }
    if (header.mode == "copy" || header.mode == "ad-hoc") {
      job_.snapshot.warnings.push_back("DHAT mode " + header.mode + ": what is called allocations here is " +
                                       (header.mode == "copy" ? "copies and copied bytes" : "events and their units"));
    }
  }

  struct Lifetimes {
    std::int64_t count = queries::not_known;
    double sum = 0;
  };

  ImportJob& job_;
  formats::DamageLog damage_;
  dhat::Profile file_;
  queries::AllocationProfile& profile_;
  queries::ProfileRecord& record_;
  SiteRows rows_;
  std::vector<queries::SiteFrame> frames_;
  std::vector<queries::SiteFrame> path_;
  std::unordered_set<std::uint32_t> seen_;
  std::map<std::uint32_t, Lifetimes> lifetimes_;  // by site, so that rows have an order
  std::map<std::uint32_t, queries::SiteAccessRow> accesses_;
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::int64_t> offsets_;
  std::uint64_t merged_points_ = 0;
  std::uint64_t unknown_frames_ = 0;
  bool is_microseconds_ = false;
};

}  // namespace

void import_dhat(ImportJob& job) { DhatImport(job).run(); }

std::vector<std::pair<std::string, std::string>> describe_dhat(formats::Bytes head) {
  const dhat::Header header = dhat::read_header(head);
  std::vector<std::pair<std::string, std::string>> facts;
  facts.emplace_back("version", std::to_string(header.version));
  if (!header.mode.empty()) facts.emplace_back("mode", header.mode);
  if (!header.command.empty()) facts.emplace_back("command", header.command);
  if (!header.time_unit.empty()) facts.emplace_back("time_unit", header.time_unit);
  return facts;
}

}  // namespace importers
